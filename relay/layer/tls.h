/*
 * tls.h - the layer of an end that speaks TLS, by OpenSSL; there only with it.
 *
 * OpenSSL reads the socket by itself. What it writes goes to the socket at
 * once, and what that does not take is kept here: OpenSSL never has a write
 * that is half done, which a KeyUpdate would find in its way.
 *
 * Where the SSL has SSL_OP_ENABLE_KTLS, the kernel encrypts what is written if
 * it takes the keys (ktls.h): data goes to the socket as it is, the rest by
 * OpenSSL and ktls.h. Keys cannot change then, so a KeyUpdate of ours, as an
 * answer, is an error of the session.
 */
#ifndef LAYER_TLS_H
#define LAYER_TLS_H

#include "layer.h"
#include "queue.h"
#include "turn.h"

struct ktls;
struct ssl_st;

enum tls_shake { TLS_DONE, TLS_WAITS, TLS_FAILED };

struct tls {
	struct layer	 layer;
	struct end	*end;
	struct ssl_st	*ssl;
	struct ktls	*ktls;		/* the kernel encrypts; or NULL */
	struct queue	*out;		/* written, not taken; or NULL */
	int		 rerror;	/* errno of the socket, for good */
	int		 werror;
	uint32_t	 own;		/* bytes behind the last record of
					   data that was written */
	uint8_t		 failure;	/* why the handshake has failed: enum
					   board_shake */
	bool		 dry : 1;	/* nothing there until IO_READ */
	bool		 blocked : 1;	/* OpenSSL has met that just now */
	bool		 hup : 1;	/* a short count does not mean dry */
	bool		 eof : 1;	/* read to the end of the socket */
	bool		 cork : 1;	/* collect what is written */
	bool		 data : 1;	/* that is of who writes */
	bool		 done : 1;	/* the handshake */
	bool		 shut : 1;	/* there is a close_notify to write */
	bool		 partial : 1;	/* that, or data, waits for the rest of
					   a message of the handshake */
	bool		 mine : 1;	/* it is its turn */
	struct turn	 turn;		/* to go on with the handshake */
};

/* Puts it on an end whose session has a struct extra, and whose the SSL is
 * then. NULL without memory: the SSL is still the caller's. */
struct tls	*tls_put(struct end *, struct ssl_st *);
/* That of an end, which has no other layers; or NULL. */
struct tls	*tls_of(const struct end *);
/* Goes on with the handshake; *why (static) says why it failed. */
enum tls_shake	 tls_shake(struct tls *, const char **why);

#endif
