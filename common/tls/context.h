/*
 * context.h - what the options of a tls section are to OpenSSL: for who makes
 * contexts to serve with, and for who wants to know whether they can be made.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "conf/conf.h"

/* Which option of a section is wrong, and why: static storage. */
struct tls_wrong {
	const char	*option;
	char		 text[256];	/* what follows its name */
};

/* A context for the side of a listener, or for that of a remote, with all of
 * the section's options that name no file; to be freed with SSL_CTX_free().
 * NULL with *wrong. */
SSL_CTX		*tls_context(const struct conf_tls *, bool listens,
		    struct tls_wrong *wrong);
/* What OpenSSL says of its latest failure, for people; static storage. All that
 * it has kept of failures is forgotten. */
const char	*tls_error(void);

#endif
