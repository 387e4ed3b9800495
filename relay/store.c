#include "compat.h"

#include "store.h"

#define IDLE_MAX	16	/* chunks of a size kept for the next one */

/* Whole chunks, in bytes. */
static struct size {
	const size_t	 size;
	struct chunk	*idle;
	unsigned	 nidle;
} sizes[] = {
	{ 4 * 1024, NULL, 0 }, { 16 * 1024, NULL, 0 }, { 64 * 1024, NULL, 0 }
};
static uint64_t	 in_use, most = UINT64_MAX;	/* bytes */

void
store_limit(uint64_t bytes)
{
	most = bytes;
}

void
store_count(int64_t bytes)
{
	in_use += (uint64_t)bytes;
}

bool
store_full(void)
{
	return in_use >= most;
}

struct chunk *
store_get(size_t want)
{
	struct size *z = sizes;
	struct chunk *c;

	while (z < &sizes[nitems_of(sizes) - 1] &&
	    z->size - sizeof(*c) < want)
		z++;
	if ((c = z->idle) != NULL) {
		z->idle = c->next;
		z->nidle--;
	} else if ((c = malloc(z->size)) == NULL)
		return NULL;
	in_use += z->size;
	c->next = NULL;
	c->off = c->len = 0;
	c->room = (uint32_t)(z->size - sizeof(*c));
	return c;
}

void
store_put(struct chunk *c)
{
	struct size *z = sizes;

	while (z->size != c->room + sizeof(*c))
		z++;
	in_use -= z->size;
	if (z->nidle == IDLE_MAX) {
		free(c);
		return;
	}
	c->next = z->idle;
	z->idle = c;
	z->nidle++;
}
