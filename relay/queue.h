/*
 * queue.h - bytes that were read and are not yet taken: a list of chunks.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "compat.h"

#include <sys/uio.h>

#define QUEUE_IOV	16	/* chunks that are written at once, at most */

struct chunk;

/* Never empty: one in which nothing is left is gone, and NULL. */
struct queue {
	struct chunk	*first, *last;
	size_t		 len;		/* bytes of all */
};

static inline size_t
queue_len(const struct queue *q)
{
	return q == NULL ? 0 : q->len;
}

/* Copies len bytes, at least 1, to the end of the queue, which is made if there
 * is none.
 * Returns 0, or -1 with errno: a part may be in it then. */
int	 queue_add(struct queue **, const char *, size_t len);
/* Puts a chunk, in which there is something and which is the queue's then,
 * behind the last one; likewise. */
int	 queue_give(struct queue **, struct chunk *);
/* Where the first bytes are; returns how many places were filled. */
int	 queue_look(const struct queue *, struct iovec[QUEUE_IOV]);
/* Copies the first bytes, at most so many; returns how many. */
size_t	 queue_peek(const struct queue *, char *, size_t);
/* The first so many bytes have been taken. */
void	 queue_taken(struct queue **, size_t);
/* Moves the first so many bytes, of those that there are, to the end of another
 * queue, which is made if there is none. Chunks are handed over; a few bytes,
 * and a part of a chunk, are copied, so that none is kept for a little.
 * Returns 0, or -1 with errno: a part may have been moved then. */
int	 queue_move(struct queue **from, struct queue **to, size_t);
/* Drops all; NULL is allowed. */
void	 queue_free(struct queue **);

#endif
