#include "compat.h"

#include "queue.h"
#include "store.h"

#define LITTLE	2048	/* bytes that are rather copied */

static struct chunk	*queue_room(struct queue *, size_t);
static void		 queue_append(struct queue *, struct chunk *);
static int		 queue_copy(struct queue **, struct queue **, size_t);
static int		 queue_hand(struct queue **, struct queue **);

int
queue_add(struct queue **qp, const char *buf, size_t len)
{
	struct chunk *c;
	size_t n;

	if (*qp == NULL && (*qp = calloc(1, sizeof(**qp))) == NULL)
		return -1;
	for (; len > 0; buf += n, len -= n) {
		if ((c = queue_room(*qp, len)) == NULL)
			return -1;
		n = MIN(len, c->room - c->off - c->len);
		memcpy(c->data + c->off + c->len, buf, n);
		c->len += (uint32_t)n;
		(*qp)->len += n;
	}
	return 0;
}

/* The last chunk if it has room, else a new one. */
static struct chunk *
queue_room(struct queue *q, size_t want)
{
	struct chunk *c = q->last;

	if (c != NULL && c->off + c->len < c->room)
		return c;
	if ((c = store_get(want)) == NULL)
		return NULL;
	queue_append(q, c);
	return c;
}

static void
queue_append(struct queue *q, struct chunk *c)
{
	c->next = NULL;
	if (q->last == NULL)
		q->first = c;
	else
		q->last->next = c;
	q->last = c;
}

int
queue_give(struct queue **qp, struct chunk *c)
{
	if (*qp == NULL && (*qp = calloc(1, sizeof(**qp))) == NULL)
		return -1;
	(*qp)->len += c->len;
	queue_append(*qp, c);
	return 0;
}

int
queue_move(struct queue **from, struct queue **to, size_t n)
{
	size_t len;

	for (; n > 0 && *from != NULL; n -= len) {
		len = MIN(n, (*from)->first->len);
		if ((len < (*from)->first->len || len <= LITTLE ?
		    queue_copy(from, to, len) : queue_hand(from, to)) == -1)
			return -1;
	}
	return 0;
}

/* So many bytes of the first chunk. */
static int
queue_copy(struct queue **from, struct queue **to, size_t n)
{
	const struct chunk *c = (*from)->first;

	if (queue_add(to, c->data + c->off, n) == -1)
		return -1;
	queue_taken(from, n);
	return 0;
}

/* The first chunk. */
static int
queue_hand(struct queue **from, struct queue **to)
{
	struct queue *q = *from;
	struct chunk *c = q->first, *next = c->next;

	if (queue_give(to, c) == -1)
		return -1;
	q->first = next;
	q->len -= c->len;
	if (q->first == NULL) {
		free(q);
		*from = NULL;
	}
	return 0;
}

int
queue_look(const struct queue *q, struct iovec iov[QUEUE_IOV])
{
	struct chunk *c;
	int n = 0;

	for (c = q->first; c != NULL && n < QUEUE_IOV; c = c->next) {
		iov[n].iov_base = c->data + c->off;
		iov[n++].iov_len = c->len;
	}
	return n;
}

size_t
queue_peek(const struct queue *q, char *buf, size_t most)
{
	const struct chunk *c;
	size_t len = 0, n;

	for (c = q != NULL ? q->first : NULL; c != NULL && len < most;
	    c = c->next) {
		n = MIN(c->len, most - len);
		memcpy(buf + len, c->data + c->off, n);
		len += n;
	}
	return len;
}

void
queue_taken(struct queue **qp, size_t n)
{
	struct queue *q = *qp;
	struct chunk *c;

	q->len -= n;
	while ((c = q->first) != NULL && n >= c->len) {
		n -= c->len;
		q->first = c->next;
		store_put(c);
	}
	if (c == NULL) {
		free(q);
		*qp = NULL;
		return;
	}
	c->off += (uint32_t)n;
	c->len -= (uint32_t)n;
}

void
queue_free(struct queue **qp)
{
	struct chunk *c;

	if (*qp == NULL)
		return;
	while ((c = (*qp)->first) != NULL) {
		(*qp)->first = c->next;
		store_put(c);
	}
	free(*qp);
	*qp = NULL;
}
