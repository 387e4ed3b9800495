#include "compat.h"

#include "heap.h"
#include "remotes.h"

static bool	heap_before(const struct heap_item *, const struct heap_item *);
static void	heap_set(struct heap *, unsigned, const struct heap_item *);
static void	heap_up(struct heap *, unsigned, const struct heap_item *);
static void	heap_down(struct heap *, unsigned, const struct heap_item *);

int
heap_init(struct heap *h, unsigned room)
{
	h->n = 0;
	h->items = calloc(room, sizeof(*h->items));
	return h->items == NULL ? -1 : 0;
}

static bool
heap_before(const struct heap_item *a, const struct heap_item *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	if (a->remote->turn != b->remote->turn)
		return a->remote->turn < b->remote->turn;
	return a->remote < b->remote;
}

static void
heap_set(struct heap *h, unsigned at, const struct heap_item *item)
{
	h->items[at] = *item;
	item->remote->at = at;
}

/* Puts the item at a free place or above it. */
static void
heap_up(struct heap *h, unsigned at, const struct heap_item *item)
{
	unsigned up;

	for (; at != 0; at = up) {
		up = (at - 1) / 2;
		if (!heap_before(item, &h->items[up]))
			break;
		heap_set(h, at, &h->items[up]);
	}
	heap_set(h, at, item);
}

/* Puts the item at a free place or below it. */
static void
heap_down(struct heap *h, unsigned at, const struct heap_item *item)
{
	unsigned down;

	for (; (down = 2 * at + 1) < h->n; at = down) {
		if (down + 1 < h->n &&
		    heap_before(&h->items[down + 1], &h->items[down]))
			down++;
		if (!heap_before(&h->items[down], item))
			break;
		heap_set(h, at, &h->items[down]);
	}
	heap_set(h, at, item);
}

void
heap_put(struct heap *h, struct remote *r, uint64_t key)
{
	const struct heap_item item = { .key = key, .remote = r };

	if (r->heap != h) {
		heap_del(r);
		r->heap = h;
		heap_up(h, h->n++, &item);
	} else if (r->at != 0 &&
	    heap_before(&item, &h->items[(r->at - 1) / 2]))
		heap_up(h, r->at, &item);
	else
		heap_down(h, r->at, &item);
}

void
heap_del(struct remote *r)
{
	struct heap *h = r->heap;
	struct heap_item last;
	unsigned at = r->at;

	if (h == NULL)
		return;
	r->heap = NULL;
	last = h->items[--h->n];
	if (at == h->n)
		return;
	if (at != 0 && heap_before(&last, &h->items[(at - 1) / 2]))
		heap_up(h, at, &last);
	else
		heap_down(h, at, &last);
}
