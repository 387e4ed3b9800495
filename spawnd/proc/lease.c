#include "compat.h"

#include "board.h"
#include "mark.h"
#include "proc/generation.h"
#include "proc/lease.h"
#include "proc/place.h"
#include "proc/worker.h"
#include "proto.h"

struct lease {
	TAILQ_ENTRY(lease)	 entry;		/* in askers, if asks */
	struct worker		*worker;
	uint32_t		 given, back;	/* so far */
	uint32_t		 need;
	bool			 asks;
};

static bool	 has_limits(const struct generation *);
static void	 lease_begin(struct worker *, unsigned);
static void	 lease_end(struct worker *, unsigned);
static uint32_t	 has(const struct lease *);
static uint32_t	 need_of(const struct worker *, uint64_t);
static void	 read_claim(struct worker *, unsigned);
static void	 read_all(struct total *);
static void	 ask(struct total *, struct lease *);
static void	 ask_no_more(struct total *, struct lease *);
static void	 give_all(struct total *);
static bool	 give(struct total *);
static void	 give_one(struct lease *);
static bool	 has_room(const struct total *);
static uint64_t	 without(const struct total *);
static void	 want(const struct total *, bool);

static LIST_HEAD(, total) shorts = LIST_HEAD_INITIALIZER(shorts);

int
lease_worker(struct worker *w)
{
	unsigned i;

	if (!has_limits(w->gen))
		return 0;
	w->leases = calloc(w->gen->board.nplaces, sizeof(*w->leases));
	if (w->leases == NULL)
		return -1;
	for (i = 0; i < w->gen->board.nplaces; i++)
		lease_begin(w, i);
	/* Of one that was taken up it is not known what it was told. */
	w->lease_due = true;
	return 0;
}

static bool
has_limits(const struct generation *g)
{
	unsigned i;

	for (i = 0; g->conf->exec == NULL && i < g->board.nplaces; i++)
		if (g->places[i].most != 0)
			return true;
	return false;
}

/* What it was given is the master's word; what it has given back of that is
 * its own. None is given here: it is not known yet what others have who are
 * taken up as well. */
static void
lease_begin(struct worker *w, unsigned i)
{
	const struct board_other *told =
	    &board_told(&w->gen->board, w->slot)->places[i];
	const uint64_t claim = board_get(
	    &board_slot(&w->gen->board, w->slot)->places[i].claim);
	struct lease *l = &w->leases[i];
	struct total *t = w->gen->places[i].total;

	l->worker = w;
	if (w->gen->places[i].most == 0)
		return;
	l->given = atomic_load(&told->leases);
	l->back = BOARD_CLAIM_BACK(claim);
	if (has(l) > need_of(w, UINT32_MAX))
		l->back = l->given - need_of(w, claim);
	t->leases += has(l);
	if (!TAILQ_EMPTY(&t->askers))
		want(t, true);
	read_claim(w, i);
}

void
lease_worker_gone(struct worker *w)
{
	unsigned i;

	for (i = 0; w->leases != NULL && i < w->gen->board.nplaces; i++)
		lease_end(w, i);
	free(w->leases);
	w->leases = NULL;
}

/* The next one in this slot begins with none. */
static void
lease_end(struct worker *w, unsigned i)
{
	struct board_other *told =
	    &board_told(&w->gen->board, w->slot)->places[i];
	struct total *t = w->gen->places[i].total;
	struct lease *l = &w->leases[i];

	ask_no_more(t, l);
	t->leases -= has(l);
	l->back = l->given;
	l->worker = NULL;
	atomic_store(&told->leases, 0);
	atomic_store(&told->wanted, 0);
	give_all(t);
}

static uint32_t
has(const struct lease *l)
{
	return l->given - l->back;
}

/* It cannot need more than it may have sessions, and connects beside them. */
static uint32_t
need_of(const struct worker *w, uint64_t claim)
{
	return MIN(BOARD_CLAIM_NEED(claim),
	    w->gen->conf->users_max + PROTO_FD_RACES);
}

/* Who gives back what it does not have is not heard: what it has stays out
 * until it ends. */
static void
read_claim(struct worker *w, unsigned i)
{
	const uint64_t claim = board_get(
	    &board_slot(&w->gen->board, w->slot)->places[i].claim);
	struct lease *l = &w->leases[i];
	struct total *t = w->gen->places[i].total;
	const uint32_t back = BOARD_CLAIM_BACK(claim) - l->back;

	if (l->worker == NULL || w->gen->places[i].most == 0)
		return;
	if (back > has(l)) {
		ask_no_more(t, l);
		return;
	}
	l->back += back;
	t->leases -= back;
	l->need = need_of(w, claim);
	if (l->need > has(l))
		ask(t, l);
	else
		ask_no_more(t, l);
}

static void
read_all(struct total *t)
{
	const struct place *p;
	struct worker *w;

	LIST_FOREACH(p, &t->places, entry)
		TAILQ_FOREACH(w, &p->gen->workers, entry)
			if (w->leases != NULL)
				read_claim(w, (unsigned)(p - p->gen->places));
}

static void
ask(struct total *t, struct lease *l)
{
	if (l->asks)
		return;
	if (TAILQ_EMPTY(&t->askers))
		LIST_INSERT_HEAD(&shorts, t, short_of);
	TAILQ_INSERT_TAIL(&t->askers, l, entry);
	l->asks = true;
}

static void
ask_no_more(struct total *t, struct lease *l)
{
	if (!l->asks)
		return;
	TAILQ_REMOVE(&t->askers, l, entry);
	l->asks = false;
	if (!TAILQ_EMPTY(&t->askers))
		return;
	LIST_REMOVE(t, short_of);
	want(t, false);
}

void
lease_claim(struct worker *w, uint32_t place)
{
	if (w->leases == NULL || place >= w->gen->board.nplaces)
		return;
	read_claim(w, place);
	give_all(w->gen->places[place].total);
}

bool
lease_look(void)
{
	struct total *t, *next;

	LIST_FOREACH_SAFE(t, &shorts, short_of, next)
		give_all(t);
	return !LIST_EMPTY(&shorts);
}

/* Workers give back without a word where nobody wants any. Who does so now
 * sees that somebody does, or what it has given back is seen here. */
static void
give_all(struct total *t)
{
	if (TAILQ_EMPTY(&t->askers))
		return;
	if (give(t))
		return;
	read_all(t);
	if (give(t))
		return;
	want(t, true);
	atomic_thread_fence(memory_order_seq_cst);
	read_all(t);
	give(t);
}

/* One each in turn, so that nobody waits for long behind one that wants many.
 * Returns whether all have what they want. */
static bool
give(struct total *t)
{
	struct lease *l;

	while ((l = TAILQ_FIRST(&t->askers)) != NULL && has_room(t)) {
		t->leases++;
		give_one(l);
		if (l->need <= has(l)) {
			ask_no_more(t, l);
			continue;
		}
		TAILQ_REMOVE(&t->askers, l, entry);
		TAILQ_INSERT_TAIL(&t->askers, l, entry);
	}
	return l == NULL;
}

static void
give_one(struct lease *l)
{
	struct worker *w = l->worker;
	const size_t i = (size_t)(l - w->leases);

	atomic_store(&board_told(&w->gen->board, w->slot)->places[i].leases,
	    ++l->given);
	w->lease_due = true;
	mark(MARK_SEND);
}

/* By the limit of the newest generation that has it. */
static bool
has_room(const struct total *t)
{
	const struct place *p, *newest = NULL;

	LIST_FOREACH(p, &t->places, entry)
		if (newest == NULL || p->gen->number > newest->gen->number)
			newest = p;
	return newest == NULL || newest->most == 0 ||
	    t->leases + without(t) < newest->most;
}

/* Sessions of generations that had no limit there. */
static uint64_t
without(const struct total *t)
{
	const struct place *p;
	const struct worker *w;
	uint64_t n = 0;

	LIST_FOREACH(p, &t->places, entry) {
		if (p->most != 0)
			continue;
		TAILQ_FOREACH(w, &p->gen->workers, entry)
			if (w->counted != NULL)
				n += w->counted[p - p->gen->places];
	}
	return n;
}

/* Whether they are to say what they give back. */
static void
want(const struct total *t, bool wanted)
{
	const struct place *p;
	struct board_other *told;
	const struct worker *w;

	LIST_FOREACH(p, &t->places, entry)
		TAILQ_FOREACH(w, &p->gen->workers, entry) {
			if (w->leases == NULL)
				continue;
			told = board_told(&p->gen->board, w->slot)->places;
			atomic_store(&told[p - p->gen->places].wanted, wanted);
		}
}

void
lease_move(struct place *p, struct total *from)
{
	const size_t i = (size_t)(p - p->gen->places);
	struct total *to = p->total;
	struct worker *w;

	TAILQ_FOREACH(w, &p->gen->workers, entry) {
		if (w->leases == NULL || w->leases[i].worker == NULL)
			continue;
		from->leases -= has(&w->leases[i]);
		to->leases += has(&w->leases[i]);
		if (!w->leases[i].asks)
			continue;
		ask_no_more(from, &w->leases[i]);
		ask(to, &w->leases[i]);
	}
	give_all(from);
	give_all(to);
}
