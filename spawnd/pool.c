#include "compat.h"

#include "spawnd.h"

static int	least(const struct pool_worker *, size_t, enum worker_state,
		    uint64_t);

/* The least loaded worker in a state that has fewer than limit users. */
static int
least(const struct pool_worker *w, size_t n, enum worker_state state,
    uint64_t limit)
{
	int best = -1;
	size_t i;

	for (i = 0; i < n; i++) {
		if (w[i].state != state || w[i].full || w[i].users >= limit)
			continue;
		if (best == -1 || w[i].users < w[best].users)
			best = (int)i;
	}
	return best;
}

struct pool_choice
pool_pick(const struct pool_worker *w, size_t n, const struct pool_limits *l)
{
	struct pool_choice c = { .worker = -1, .start = false };
	size_t i, alive = 0, starting = 0;

	if ((c.worker = least(w, n, WORKER_READY, l->users_min)) != -1)
		return c;
	for (i = 0; i < n; i++) {
		alive += w[i].state == WORKER_STARTING ||
		    w[i].state == WORKER_READY;
		starting += w[i].state == WORKER_STARTING;
	}
	/* One at a time: the next session asks again. */
	c.start = alive < l->servers_max && starting == 0;
	if ((c.worker = least(w, n, WORKER_READY, l->users_max)) == -1 &&
	    (c.worker = least(w, n, WORKER_STARTING, l->users_max)) == -1)
		c.worker = least(w, n, WORKER_LEAVING, l->users_max);
	return c;
}

unsigned
pool_missing(const struct pool_worker *w, size_t n,
    const struct pool_limits *l)
{
	unsigned alive = 0;
	size_t i;

	for (i = 0; i < n; i++)
		alive += w[i].state == WORKER_STARTING ||
		    w[i].state == WORKER_READY;
	return alive < l->servers_min ? l->servers_min - alive : 0;
}
