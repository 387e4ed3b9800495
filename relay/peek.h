/*
 * peek.h - for a stage that looks at the first bytes of the client's end, and
 * takes those that are meant for it, before the end has a layer. Nothing is
 * stored, and there is one event when all of them are there, however they come.
 */
#ifndef PEEK_H
#define PEEK_H

#include "compat.h"

#include "sess.h"

/* As recv(2), and leaves the bytes where they are. */
ssize_t	 peek_at(struct end *, void *, size_t len);
/* What such a call means that has returned 0 or -1: the client has gone, or is
 * waited for. */
enum step peek_nothing(struct sess *, ssize_t);
/* Less than need bytes are there: waits until they are. False: no more will
 * come. */
bool	 peek_more(struct end *, size_t need);
/* Takes len bytes that were peeked at, into buf. Returns 0, or -1 with errno;
 * with len 0 it only says that no more is waited for. */
int	 peek_take(struct end *, void *buf, size_t len);

#endif
