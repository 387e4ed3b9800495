#include "compat.h"

#include "accept/pool.h"

static int	pick(const struct pool_worker *, size_t, enum worker_state,
		    uint64_t, const struct pool_limits *);

/*
 * The least loaded worker in a state that has fewer than limit users; or the
 * least loaded of those that are awake already, if there are enough of them
 * and it has hardly more.
 */
static int
pick(const struct pool_worker *w, size_t n, enum worker_state state,
    uint64_t limit, const struct pool_limits *l)
{
	int best = -1, near = -1;
	unsigned awake = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		awake += w[i].awake;
		if (w[i].state != state || w[i].full || w[i].users >= limit)
			continue;
		if (best == -1 || w[i].users < w[best].users)
			best = (int)i;
		if (w[i].awake &&
		    (near == -1 || w[i].users < w[near].users))
			near = (int)i;
	}
	if (near != -1 && awake >= l->wake &&
	    w[near].users - w[best].users <= l->slack)
		return near;
	return best;
}

struct pool_choice
pool_pick(const struct pool_worker *w, size_t n, const struct pool_limits *l)
{
	struct pool_choice c = { .worker = -1, .start = false };
	size_t i, alive = 0, starting = 0;

	if ((c.worker = pick(w, n, WORKER_READY, l->users_min, l)) != -1)
		return c;
	for (i = 0; i < n; i++) {
		alive += w[i].state == WORKER_STARTING ||
		    w[i].state == WORKER_READY;
		starting += w[i].state == WORKER_STARTING;
	}
	/* One at a time: the next session asks again. */
	c.start = alive < l->servers_max && starting == 0;
	if ((c.worker = pick(w, n, WORKER_READY, l->users_max, l)) == -1 &&
	    (c.worker = pick(w, n, WORKER_STARTING, l->users_max, l)) == -1)
		c.worker = pick(w, n, WORKER_LEAVING, l->users_max, l);
	return c;
}

bool
pool_takes(const struct pool_worker *w, const struct pool_limits *l)
{
	return (w->state == WORKER_READY || w->state == WORKER_STARTING) &&
	    !w->full && w->users < l->users_max;
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

int
pool_leaver(const struct pool_worker *w, size_t n, const struct pool_limits *l)
{
	int leaver = -1, idle = -1;
	unsigned ready = 0, leaving = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		ready += w[i].state == WORKER_READY;
		leaving += w[i].state == WORKER_LEAVING;
		if (w[i].state == WORKER_LEAVING && leaver == -1)
			leaver = (int)i;
		if (w[i].state == WORKER_READY && w[i].users == 0 &&
		    l->idle != 0 && w[i].idle >= l->idle)
			idle = (int)i;
	}
	if (ready + leaving > l->servers_min && leaver != -1)
		return leaver;
	return ready > l->servers_min ? idle : -1;
}
