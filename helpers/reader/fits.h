/*
 * fits.h - whether certificates and keys go together, and for how long. What is
 * wrong is a sentence without a subject, in why (PEM_WHY bytes).
 */
#ifndef FITS_H
#define FITS_H

#include <openssl/x509.h>

#include "conf/conf.h"

/* Whether the first of the chain is the key's. */
bool	 fits_key(const STACK_OF(X509) *, EVP_PKEY *, char *why);
/* The first name of the DNS that it is for, else its common name, made
 * harmless; "" if there is none. Returns buf. */
const char *fits_name(X509 *, char *buf, size_t size);
/* Whether each of them has signed the one before. */
bool	 fits_order(const STACK_OF(X509) *, char *why);
/* Whether all are valid now; *until is when the first one ends (seconds since
 * 1970), in any case. */
bool	 fits_time(const STACK_OF(X509) *, uint64_t *until, char *why);
/* Whether one of cas has signed a list of revoked certificates. */
bool	 fits_crl(X509_CRL *, const STACK_OF(X509) *cas, char *why);
/* Whether it is not out of date; when it will be, and from when on that is
 * soon, goes into the file's times if these are later. */
bool	 fits_crl_time(X509_CRL *, struct conf_cert *, char *why);
/* Whether OpenSSL serves with them, by all options of the section. */
bool	 fits_section(const struct conf_tls *, const STACK_OF(X509) *,
	    EVP_PKEY *, char *why);

#endif
