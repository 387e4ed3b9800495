#include "compat.h"

#include "lease.h"
#include "self.h"
#include "session.h"
#include "wait.h"

#define LOOK	20		/* ms: what others do and checkers find */

struct waiter {
	TAILQ_ENTRY(waiter)	 entry;		/* in waiting, unless called */
	struct sess		*sess;
	struct remote		*at;		/* counted there; NULL: it was
						   called */
	bool			 bound;		/* to that place */
};

static int	 wait_at(struct sess *, struct remote *, bool);
static struct remote *wait_where(const struct remotes *, const struct sess *);
static void	 wait_count(struct remote *, int);
static bool	 wait_serve(struct waiter *);
static struct remote *wait_lease(const struct remotes *, const struct sess *);
static bool	 wait_is_full(const struct remote *);
static bool	 wait_is_good(const struct remote *);
static void	 wait_move(struct waiter *);
static void	 wait_call(struct waiter *);
static void	 waiter_leave(struct waiter *);
static void	 look_soon(struct ev_task *);
static void	 look_again(struct ev_timer *);

static struct ev_timer	 look_timer = EV_TIMER(look_again);

bool
wait_helps(const struct remotes *rs, const struct sess *s)
{
	return rs->wanted != NULL ||
	    (rs->nfull[FULL_GOOD] + rs->nfull[FULL_BAD] != 0 &&
	    wait_where(rs, s) != NULL);
}

/* Of those that are full and well, that with the fewest for its weight. */
static struct remote *
wait_where(const struct remotes *rs, const struct sess *s)
{
	struct remote *r, *best = NULL;

	for (r = rs->all; r < rs->all + rs->n; r++) {
		if (r->full == FULL_NOT ||
		    (s->ntried != 0 && remote_is_given_up(r, s)))
			continue;
		if (best == NULL || r->full > best->full ||
		    (r->full == best->full && (remote_load(r) + 1) *
		    best->weight < (remote_load(best) + 1) * r->weight))
			best = r;
	}
	return best;
}

int
wait_begin(struct sess *s)
{
	struct remotes *rs = s->path->remotes;

	return wait_at(s, rs->wanted != NULL ? rs->wanted :
	    wait_where(rs, s), false);
}

int
wait_for(struct sess *s, struct remote *r)
{
	return wait_at(s, r, true);
}

static int
wait_at(struct sess *s, struct remote *r, bool bound)
{
	struct waiter *w;

	if (sess_extra(s) == NULL || (w = calloc(1, sizeof(*w))) == NULL)
		return -1;
	s->extra->waiter = w;
	w->sess = s;
	w->at = r;
	w->bound = bound;
	TAILQ_INSERT_TAIL(&r->of->waiting, w, entry);
	board_add32(&self.board.own->waiting, 1);
	wait_count(r, 1);
	if (!ev_timer_on(&look_timer))
		ev_timer_set(&look_timer, LOOK);
	return 0;
}

/* What is claimed there is settled once, behind all that happens now. */
static void
wait_count(struct remote *r, int n)
{
	board_add32(&r->board->queue, n);
	r->queued += (uint32_t)n;
	remote_place(r);
	ev_defer(&r->of->look, look_soon);
}

static void
waiter_leave(struct waiter *w)
{
	if (w->at == NULL)
		return;
	TAILQ_REMOVE(&w->at->of->waiting, w, entry);
	board_add32(&self.board.own->waiting, -1);
	wait_count(w->at, -1);
	w->at = NULL;
}

void
wait_end(struct sess *s)
{
	if (!wait_has(s))
		return;
	waiter_leave(s->extra->waiter);
	free(s->extra->waiter);
	s->extra->waiter = NULL;
}

bool
wait_called(const struct sess *s)
{
	return wait_has(s) && s->extra->waiter->at == NULL;
}

bool
wait_bound(const struct sess *s)
{
	return wait_has(s) && s->extra->waiter->bound;
}

static void
wait_call(struct waiter *w)
{
	waiter_leave(w);
	sess_resume(w->sess);
}

/* One that has tried some does not hold up those behind it, nor does one whose
 * place has no lease while others have. */
void
wait_look(struct remotes *rs)
{
	struct waiter *w, *next;

	TAILQ_FOREACH_SAFE(w, &rs->waiting, entry, next) {
		if (wait_serve(w))
			wait_call(w);
		else if (w->sess->ntried == 0 && !w->bound &&
		    lease_unused(rs) == 0)
			return;
	}
}

/* It has a place, or waits for nothing. */
static bool
wait_serve(struct waiter *w)
{
	struct sess *s = w->sess;
	struct remotes *rs = w->at->of;
	struct remote *r = NULL;
	const bool ready = w->at->standing != STANDING_AWAY &&
	    lease_free(w->at);

	if (ready && (w->bound || wait_is_good(w->at)))
		r = w->at;
	else if (w->bound)
		return !wait_is_good(w->at);
	else if (wait_is_full(w->at))
		r = wait_lease(rs, s);
	if (r == NULL && (s->chosen = remote_pick(rs, s)) == NULL && ready &&
	    rs->nfull[FULL_GOOD] == 0)
		r = w->at;
	if (r != NULL)
		s->chosen = remote_take(r, s);
	if (s->chosen != NULL || !wait_helps(rs, s))
		return true;
	wait_move(w);
	return false;
}

/* Any that has one: whoever waits for it comes later. */
static struct remote *
wait_lease(const struct remotes *rs, const struct sess *s)
{
	struct remote *r;

	for (r = rs->all; r < rs->all + rs->n; r++)
		if (r->conf->max_sessions != 0 && !r->backup &&
		    wait_is_good(r) && lease_free(r) &&
		    (s->ntried == 0 || !remote_is_given_up(r, s)))
			return r;
	return NULL;
}

/* As far as is known, by those that are there. */
static bool
wait_is_full(const struct remote *r)
{
	return remote_load(r) - r->queued >= r->conf->max_sessions;
}

static bool
wait_is_good(const struct remote *r)
{
	return r->standing == STANDING_GOOD && remote_fails(r) == 0;
}

/* To where there is more hope; one that counts for a place that is not full
 * stays there until the master has answered. */
static void
wait_move(struct waiter *w)
{
	struct remote *at = w->at, *to = at->of->wanted;

	if (to == NULL && !wait_is_good(at))
		to = wait_where(at->of, w->sess);
	if (to == NULL || to == at || (wait_is_good(at) && !wait_is_full(at)))
		return;
	wait_count(at, -1);
	wait_count(to, 1);
	w->at = to;
}

/* Somebody has left a place, or waits for one. */
static void
look_soon(struct ev_task *task)
{
	struct remotes *rs = container_of(task, struct remotes, look);

	wait_look(rs);
	lease_settle(rs);
}

void
wait_leases(void)
{
	unsigned i;

	remotes_look();
	for (i = 0; i < self.conf->nrelays; i++)
		if (self.remotes[i].leased)
			look_soon(&self.remotes[i].look);
}

/* What happens elsewhere gives no event: the master writes what others have. */
static void
look_again(struct ev_timer *t)
{
	wait_leases();
	if (atomic_load(&self.board.own->waiting) != 0)
		ev_timer_set(t, LOOK);
}
