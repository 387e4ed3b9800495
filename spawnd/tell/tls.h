/*
 * tls.h - the certificates that clients are shown, as a view.
 */
#ifndef TELL_TLS_H
#define TELL_TLS_H

#include "tell/table.h"

#define TLS_COLS	21
extern const struct column tls_cols[TLS_COLS];

/* A row for each certificate of each listener of the current generation. */
void	 tls_fill(struct table *);

#endif
