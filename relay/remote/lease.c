#include "compat.h"

#include "lease.h"
#include "self.h"

static void	 place_settle(struct remote *);
static void	 place_say(struct remote *);

static bool	(*say_master)(unsigned);

void
lease_init(bool (*say)(unsigned))
{
	say_master = say;
}

uint64_t
lease_unused(const struct remotes *rs)
{
	const struct remote *r;
	uint64_t n = 0;

	for (r = rs->all; r < rs->all + rs->n; r++)
		if (r->conf->max_sessions != 0 && lease_free(r))
			n++;
	return n;
}

void
lease_settle(struct remotes *rs)
{
	struct remote *r;

	if (rs->leased)
		for (r = rs->all; r < rs->all + rs->n; r++)
			if (r->conf->max_sessions != 0)
				place_settle(r);
}

/* Whether others want what is given back is looked at behind that, and the
 * master looks the other way round: one of both sees the other. */
static void
place_settle(struct remote *r)
{
	const uint64_t before = atomic_load(&r->board->claim);
	const uint32_t need = atomic_load(&r->board->active) +
	    atomic_load(&r->board->queue);
	uint32_t back = BOARD_CLAIM_BACK(before);
	const uint32_t has = atomic_load(&r->told->leases) - back;
	const uint32_t more = (int32_t)(has - need) > 0 ? has - need : 0;

	back += more;
	if (BOARD_CLAIM(back, need) != before) {
		atomic_store(&r->board->claim, BOARD_CLAIM(back, need));
		r->unsaid = need > has ||
		    (more != 0 && atomic_load(&r->told->wanted) != 0);
	}
	if (r->unsaid)
		place_say(r);
}

static void
place_say(struct remote *r)
{
	r->unsaid = !say_master((unsigned)(r->told - self.board.told->places));
}
