#include "compat.h"

#include "queue.h"
#include "store.h"

static struct chunk	*queue_room(struct queue *, size_t);

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
	if (q->last == NULL)
		q->first = c;
	else
		q->last->next = c;
	q->last = c;
	return c;
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
