/*
 * tls_count.h - handshakes with clients, counted on the board at the
 * certificate that each was shown, or would have been.
 */
#ifndef TLS_COUNT_H
#define TLS_COUNT_H

#include "compat.h"

struct sess;
struct ssl_st;
struct tls;

/* The session's handshake with its client is done. */
void	 tls_count_done(const struct sess *, struct ssl_st *);
/* Why it has failed (enum board_shake), by what OpenSSL tells at that time. */
uint8_t	 tls_count_why(void);
/* The session ends, and its handshake with the client was not done. */
void	 tls_count_failed(const struct sess *, const struct tls *);

#endif
