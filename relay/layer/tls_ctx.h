/*
 * tls_ctx.h - what TLS needs besides a connection: the contexts, one for each
 * certificate of a tls section that listeners use, and one for each that
 * remotes use. They are made once, at the start of a worker, of the secrets
 * that the master passes; whatever changes in them is a new generation.
 *
 * tls_ctx.c is there with OpenSSL only; without it, tls_ctx_none.c refuses.
 */
#ifndef TLS_CTX_H
#define TLS_CTX_H

#include "conf/conf.h"
#include "proto.h"

struct path;
struct ssl_st;

/* OpenSSL reads its own configuration, while its files are to be seen. */
void		 tls_ctx_load(void);
/* Makes the contexts of self.conf from what is at PROTO_FD_SECRETS, which is
 * closed and forgotten; before the sandbox is entered. Returns 0, or -1 with
 * *errp (static). */
int		 tls_ctx_init(const char **errp);
/* Wipes keys and frees all of it; no session is begun any more. */
void		 tls_ctx_free(void);
/*
 * One side of a handshake, to be given its BIOs and to be freed with
 * SSL_free(): that of a listener with tls, which accepts, or that of a remote
 * with tls, which connects, asks for its name and believes nobody else (as the
 * section says). NULL without memory.
 */
struct ssl_st	*tls_ctx_accept(const struct conf_listen *);
struct ssl_st	*tls_ctx_connect(const struct conf_remote *);
/* A handshake with that remote has failed: the next one begins from nothing. */
void		 tls_ctx_failed(const struct conf_remote *);
/* The keys of tickets from now on, which are copied. */
void		 tls_ctx_keys(const struct proto_keys *);

#endif
