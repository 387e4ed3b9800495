#include "compat.h"

#include "ev.h"
#include "hold.h"

#define HOLD_MIN	1000	/* ms, after the first failure */
#define HOLD_MAX	60000

static uint64_t	 hold_until(const struct remote *);
static uint64_t	 hold_time(unsigned);

struct heap *
hold_place(struct remote *r, uint64_t *key)
{
	*key = hold_until(r);
	if (r->probe != NULL)
		return &r->of->probed;
	return ev_now() < *key ? &r->of->held : NULL;
}

/* 0: it is not held. */
static uint64_t
hold_until(const struct remote *r)
{
	uint64_t outcome = board_get(&r->board->outcome);

	return (outcome & 0xff) == 0 || outcome == r->waived ? 0 :
	    (outcome >> 8) + hold_time(outcome & 0xff);
}

static uint64_t
hold_time(unsigned fails)
{
	uint64_t ms = (uint64_t)HOLD_MIN << (MIN(fails, 7) - 1);

	return MIN(ms, HOLD_MAX);
}

void
hold_over(struct remotes *rs)
{
	while (rs->held.n != 0 && ev_now() >= rs->held.items[0].key)
		remote_place(heap_least(&rs->held));
}

/* By its outcome, as that is what others go on telling of it. A connect to
 * ourselves would bring the next session, which is counted too. */
void
hold_waive(struct remotes *rs)
{
	struct remote *r;

	for (r = rs->all; r < rs->all + rs->n; r++)
		if (r->heap == &rs->held && r->whose != REMOTE_OURS) {
			r->waived = board_get(&r->board->outcome);
			remote_place(r);
		}
}

struct remote *
hold_soonest(const struct remotes *rs)
{
	if (rs->held.n == 0)
		return heap_least(&rs->probed);
	if (rs->probed.n == 0)
		return heap_least(&rs->held);
	return rs->held.items[0].key < rs->probed.items[0].key ?
	    heap_least(&rs->held) : heap_least(&rs->probed);
}

bool
hold_is(const struct remote *r)
{
	return ev_now() < hold_until(r);
}

uint64_t
hold_failed(struct remote *r)
{
	unsigned fails = remote_fails(r);

	r->probe = NULL;
	if (hold_is(r))
		return 0;
	if (fails < UINT8_MAX)
		fails++;
	atomic_store(&r->board->outcome, ev_now() << 8 | fails);
	return hold_time(fails);
}

void
hold_ok(struct remote *r)
{
	r->probe = NULL;
	atomic_store(&r->board->outcome, ev_now() << 8);
}

void
hold_learn(struct remote *r, uint64_t outcome)
{
	if ((outcome & 0xff) != 0 && outcome > board_get(&r->board->outcome))
		atomic_store(&r->board->outcome, outcome);
}
