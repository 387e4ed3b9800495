#include "compat.h"

#include "ev.h"
#include "hold.h"

#define HOLD_MIN	1000	/* ms, after the first failure */
#define HOLD_MAX	60000

static uint64_t	 hold_time(unsigned);

struct heap *
hold_place(struct remote *r, uint64_t *key)
{
	if (r->fails == 0 || (r->probe == NULL && ev_now() >= r->held_until))
		return NULL;
	*key = r->held_until;
	return r->probe != NULL ? &r->of->probed : &r->of->held;
}

void
hold_over(struct remotes *rs)
{
	struct remote *r;

	while ((r = heap_least(&rs->held)) != NULL &&
	    ev_now() >= r->held_until)
		remote_place(r);
}

struct remote *
hold_soonest(const struct remotes *rs)
{
	struct remote *held = heap_least(&rs->held);
	struct remote *probed = heap_least(&rs->probed);

	if (held == NULL || probed == NULL)
		return held != NULL ? held : probed;
	return held->held_until < probed->held_until ? held : probed;
}

static uint64_t
hold_time(unsigned fails)
{
	uint64_t ms = (uint64_t)HOLD_MIN << (MIN(fails, 7) - 1);

	return MIN(ms, HOLD_MAX);
}

uint64_t
hold_failed(struct remote *r)
{
	r->probe = NULL;
	if (r->fails != 0 && ev_now() < r->held_until)
		return 0;
	if (r->fails < UINT8_MAX)
		r->fails++;
	r->held_until = ev_now() + hold_time(r->fails);
	return hold_time(r->fails);
}
