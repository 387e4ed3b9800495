/*
 * take.h - what the reader has left (secret.h) into a context, and whom a
 * connection to a remote is to be with.
 */
#ifndef TLS_TAKE_H
#define TLS_TAKE_H

#include <openssl/ssl.h>

#include "conf/conf.h"
#include "secret.h"

/* A leaf, or one of the chain behind it; the key of the leaf. Return 0, or -1,
 * and tls_error() says why. */
int		 tls_take_cert(SSL_CTX *, const struct secret *);
int		 tls_take_key(SSL_CTX *, const struct secret *);
/* The last certificate that was looked at for remotes; zeros: none yet. */
struct tls_shown {
	bool		 any;
	bool		 same_kind;	/* there was one like it before */
	uint32_t	 section, number;
};

/* The same for a context that connects, certificate, chain and key in the order
 * of the secrets: of several it has the first of each kind of key, and shows
 * the one that the other side can check. */
int		 tls_take_shown(SSL_CTX *, const struct secret *,
		    struct tls_shown *);
/* The certificate of a secret; NULL, and tls_error() says why. */
X509		*tls_cert(const struct secret *);
/* Such a one, of that secret, may sign what the other side shows, if it is for
 * that section; not only if it is signed by itself, if the section names such.
 * Returns 0, or -1. */
int		 tls_trust(SSL_CTX *, X509 *, const struct secret *,
		    const struct conf_tls *, unsigned section);
/* The protocols of a section, each behind a byte with its length (RFC 7301), to
 * be freed with free(3). Returns 0, or -1 without memory. */
int		 tls_alpn_list(const struct conf_tls *, unsigned char **,
		    unsigned *len);
/* Asks for the name of a remote, which is that of the section (NULL: there is
 * none), or the first one in its address (or NULL); and believes nobody else,
 * if the section says so. Returns 0, or -1. */
int		 tls_aim(SSL *, const struct conf_tls *, const char *address);

#endif
