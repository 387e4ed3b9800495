/*
 * heap.h - remotes in the order of a number, the least one first. A remote is
 * in one heap at most, and knows which (remotes.h).
 */
#ifndef HEAP_H
#define HEAP_H

#include "compat.h"

struct remote;

struct heap_item {
	uint64_t	 key;
	struct remote	*remote;
};

struct heap {
	struct heap_item *items;
	unsigned	  n;
};

/* Makes an empty one with room for so many. Returns 0, or -1 with errno. */
int	 heap_init(struct heap *, unsigned room);
/* Puts a remote where key belongs, out of the heap that it was in. Of equal
 * keys, the one whose turn is sooner comes first, or that stands first. */
void	 heap_put(struct heap *, struct remote *, uint64_t key);
/* Takes a remote out of its heap, if it is in one. */
void	 heap_del(struct remote *);

/* The least one; NULL: there is none. */
static inline struct remote *
heap_least(const struct heap *h)
{
	return h->n == 0 ? NULL : h->items[0].remote;
}

#endif
