/*
 * secret.h - certificates and keys on their way from the reader of the
 * configuration to the workers, in an anonymous file of their own. The value
 * of the configuration refers to them by the numbers of its sections.
 *
 * The form: SECRET_MAGIC, then items, each a head and so many bytes, up to the
 * end of the file. All numbers are this machine's.
 */
#ifndef SECRET_H
#define SECRET_H

#include "compat.h"

#define SECRET_MAGIC	"spawnd.k"	/* 8 bytes */
#define SECRET_SYSTEM	UINT32_MAX	/* section: of all that name no ca */
#define SECRET_TICKET_LEN 80		/* bytes of a key for tickets */
#define SECRET_MAX	(64 << 20)	/* bytes of all, most */

enum secret_kind {
	SECRET_CERT = 1,	/* DER; the first of a number is its leaf, those
				   that follow are its chain */
	SECRET_KEY,		/* DER, PKCS#8: of the certificate of that
				   number */
	SECRET_CLIENT_CA,	/* DER: who may sign what clients show */
	SECRET_CRL,		/* DER: what they have revoked */
	SECRET_CA,		/* DER: who may sign what remotes show */
	SECRET_TICKET,		/* SECRET_TICKET_LEN bytes; number 0 encrypts */
	SECRET_KINDS
};

struct secret {
	enum secret_kind	 kind;
	uint32_t		 section; /* of conf.tlss, or SECRET_SYSTEM */
	uint32_t		 number;
	const uint8_t		*bytes;	/* not aligned */
	uint32_t		 len;
};

/* Appends the magic, or an item, to a file. Returns 0, or -1 with errno. */
int	 secret_begin(FILE *);
int	 secret_put(FILE *, const struct secret *);

/* What is left to be read; the bytes stay the caller's. */
struct secrets {
	const uint8_t	*p, *end;
};

/* Begins to read. Returns 0, or -1: these are no secrets. */
int	 secret_open(struct secrets *, const void *, size_t len);
/* The next item, whose bytes are in those that were given. Returns 1, 0 at the
 * end, or -1: it is none. */
int	 secret_next(struct secrets *, struct secret *);

#endif
