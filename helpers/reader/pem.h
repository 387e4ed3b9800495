/*
 * pem.h - files of certificates, keys and revocations. What is wrong with one
 * is a sentence without a subject, in the caller's buffer.
 */
#ifndef PEM_FILE_H
#define PEM_FILE_H

#include <openssl/x509.h>

#include "compat.h"

#define PEM_WHY		512	/* bytes of a sentence */
#define PEM_FILE_MAX	(8 << 20) /* bytes of a file, most */

struct pem_file {
	const char	*path;
	int		 fd;	/* to be looked at, until pem_close() */
	unsigned char	*bytes;	/* with a NUL behind them */
	size_t		 len;
	char		 why[PEM_WHY];	/* what is wrong with it */
};

/* Reads it whole. Returns 0, or -1 with why. pem_close() in either case. */
int		 pem_open(struct pem_file *, const char *path);
/* Wipes and frees what was read. */
void		 pem_close(struct pem_file *);

/* All certificates in it, in order; sk_X509_pop_free(). NULL with why: there
 * are none, or it is damaged. */
STACK_OF(X509)	*pem_certs(struct pem_file *);
STACK_OF(X509_CRL) *pem_crls(struct pem_file *);
/* The first private key in it. passphrase may be NULL. NULL with why. */
EVP_PKEY	*pem_key(struct pem_file *, const char *passphrase);

#endif
