/*
 * secure.h - TLS of probes, by OpenSSL: secure.c is there with it only, without
 * it secure_none.c refuses.
 *
 * A probe is as secure as the sessions of its remote: with a tls section the
 * certificate is looked at, and shown, as that says. Without one the remote
 * speaks TLS to the clients themselves, and what it shows is for them to judge:
 * then it is enough that there is a handshake.
 */
#ifndef SECURE_H
#define SECURE_H

#include "conf/conf.h"

struct ssl_st;
struct secure;		/* the contexts of a generation */

/* Before the process gives up what it needs for that: OpenSSL reads its own
 * configuration. */
void		 secure_start(void);
/* Contexts for what that configuration has checked with TLS, of the secrets
 * behind fd, which stays the caller's; -1 if there are none. NULL with *errp
 * (static) set. */
struct secure	*secure_new(const struct conf *, int fd, const char **errp);
void		 secure_free(struct secure **);

/* The section that holds for a remote; NULL: none. */
const char	*secure_name(const struct secure *, const struct conf_remote *);
/* One side of a handshake with a remote on that connected socket. NULL without
 * memory. */
struct ssl_st	*secure_connect(struct secure *, const struct conf_remote *,
		    int fd);
/* Goes on with it: 1 it is done, 0 it waits, -1 it failed, and *why (static)
 * says why. */
int		 secure_shake(struct ssl_st *, const char **why);
/* As read(2) and write(2); EAGAIN when it waits. */
ssize_t		 secure_read(struct ssl_st *, void *, size_t);
ssize_t		 secure_write(struct ssl_st *, const void *, size_t);
/* Says that this is the end. *ssl becomes NULL, and may have been. */
void		 secure_end(struct ssl_st **);

#endif
