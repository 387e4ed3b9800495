/*
 * tls_out.h - what is written between OpenSSL and the socket: of tls.c, nobody
 * else's.
 */
#ifndef TLS_OUT_H
#define TLS_OUT_H

#include "layer/tls.h"

/* OpenSSL has written that. It is never told of what the socket does not take,
 * which is kept. */
void	 tls_out_write(struct tls *, const char *, size_t);
/* What was collected since t->cork goes to the socket. */
void	 tls_out_uncork(struct tls *);
/* Nothing more can be written, with that errno. */
void	 tls_out_failed(struct tls *, int);
/* True if the socket has taken all. */
bool	 tls_out_flush(struct tls *);
/* Has the kernel encrypt from now on what is written, if OpenSSL asks for that,
 * by what it asks. False: it goes on by itself. */
bool	 tls_out_encrypt(struct tls *, bool writing, const void *);
/* May data be written to the socket as it is? As the raw of layer.h. */
int	 tls_out_raw(struct tls *);
/* As send(2), with such an end. */
ssize_t	 tls_out_plain(struct tls *, const void *, size_t);
/* The socket has taken all there will be. */
void	 tls_out_fin(struct tls *);

#endif
