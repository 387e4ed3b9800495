#include "compat.h"

#include "board.h"
#include "conf/conf.h"
#include "ev.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/load.h"
#include "proc/worker.h"
#include "tell/places.h"

/* What there is to say of a place, over all generations. */
struct sight {
	struct target	 target;
	struct deeds	 done;
	uint64_t	 active;
	uint64_t	 held;		/* workers that hold it */
	uint64_t	 queue;		/* sessions that wait for it */
};

static void	 place_fill(struct table *, const struct conf_relay *,
		    const struct conf_remote *, unsigned, unsigned);
static void	 see(struct sight *, const struct total *);
static void	 see_worker(struct sight *, const struct place *,
		    const struct worker *);
static void	 cell_check(struct table *, const struct conf_remote *,
		    const struct total *, const struct sight *);
static const char *state_of(const struct conf_remote *, const struct total *,
		    const struct sight *);

const struct column places_cols[PLACES_COLS] = {
	{ "relay", true }, { "name", true }, { "address", true },
	{ "weight", false }, { "active", false }, { "sessions", false },
	{ "failed", false }, { "held", false }, { "bytes_in", false },
	{ "bytes_out", false }, { "state", true }, { "up", false },
	{ "since", false }, { "check_error", true },
	{ "queue", false }, { "refused", false }, { "timed_out", false },
	{ "unreachable", false }, { "other", false }
};

void
places_fill(struct table *t)
{
	const struct conf *c = master.gen->conf;
	const struct conf_relay *r;
	unsigned i, k, place = 0;

	load_targets(master.gen);
	for (r = c->relays; r < c->relays + c->nrelays; r++)
		for (i = 0; i < r->nremotes; i++)
			for (k = 0; k < conf_places(r, &r->remotes[i]); k++)
				place_fill(t, r, &r->remotes[i], place++, k);
}

/* One that is not there any more is shown until its sessions have ended. */
static void
place_fill(struct table *t, const struct conf_relay *r,
    const struct conf_remote *remote, unsigned place, unsigned number)
{
	const struct total *past = master.gen->places[place].total;
	unsigned i;
	struct sight s = { .target.present = number < remote->naddr };

	see(&s, past);
	if (master.gen->targets.mem != NULL)
		target_get(&master.gen->targets, place, &s.target);
	if (!s.target.present && s.active == 0)
		return;
	table_cell(t, "%s", r->name);
	table_cell(t, "%s", remote->name);
	table_cell(t, "%s", past->addr);
	table_cell(t, "%u", BOARD_ADMIN_WEIGHT(past->admin) != 0 ?
	    BOARD_ADMIN_WEIGHT(past->admin) : s.target.weight != 0 ?
	    s.target.weight : remote->weight);
	table_number(t, s.active);
	table_number(t, s.done.sessions);
	table_number(t, s.done.failed);
	table_number(t, s.held);
	table_number(t, s.done.bytes_in);
	table_number(t, s.done.bytes_out);
	cell_check(t, remote, past, &s);
	table_number(t, s.queue);
	for (i = 0; i < FAILURES; i++)
		table_number(t, s.done.reasons[i]);
}

static void
see(struct sight *s, const struct total *past)
{
	const struct place *p;
	const struct worker *w;

	s->done = past->past;
	LIST_FOREACH(p, &past->places, entry)
		TAILQ_FOREACH(w, &p->gen->workers, entry)
			if (w->counted != NULL)
				see_worker(s, p, w);
}

static void
see_worker(struct sight *s, const struct place *p, const struct worker *w)
{
	const unsigned i = (unsigned)(p - p->gen->places);
	const struct board_place *b = &board_slot(&p->gen->board,
	    w->slot)->places[i];

	load_deeds(&s->done, w, i);
	s->active += atomic_load(&b->active);
	s->queue += atomic_load(&b->queue);
	s->held += p->gen == master.gen &&
	    (board_get(&b->outcome) & 0xff) != 0;
}

/* What is not checked is neither up nor down. */
static void
cell_check(struct table *t, const struct conf_remote *remote,
    const struct total *past, const struct sight *s)
{
	const struct target *x = &s->target;

	table_cell(t, "%s", state_of(remote, past, s));
	table_cell(t, "%s", x->state == TARGET_UNKNOWN ? "-" :
	    x->state == TARGET_UP ? "yes" : "no");
	if (x->since == 0)
		table_cell(t, "-");
	else
		table_number(t, (ev_now() - MIN(x->since, ev_now())) / 1000);
	table_cell(t, "%s", x->error[0] == '\0' ? "-" : x->error);
}

static const char *
state_of(const struct conf_remote *remote, const struct total *past,
    const struct sight *s)
{
	enum conf_state state = BOARD_ADMIN_STATE(past->admin);

	if (state == BOARD_ADMIN_NONE)
		state = remote->state;
	if (state == STATE_DISABLED)
		return "disabled";
	if (state == STATE_DRAIN)
		return "draining";
	if (!s->target.present)
		return "gone";
	if (s->target.state == TARGET_DOWN)
		return "down";
	return s->held != 0 ? "held" : "up";
}
