#include "compat.h"

#include "self.h"
#include "session.h"
#include "wait.h"

#define LOOK	20		/* ms: what others do and checkers find */

struct waiter {
	TAILQ_ENTRY(waiter)	 entry;		/* in waiting, unless called */
	struct sess		*sess;
	struct remote		*at;		/* counted there; NULL: it was
						   called */
};

static struct remote *wait_where(const struct remotes *, const struct sess *);
static uint64_t	 load_of(const struct remote *);
static void	 wait_call(struct waiter *);
static void	 waiter_leave(struct waiter *);
static void	 look_soon(struct ev_task *);
static void	 look_again(struct ev_timer *);

static struct ev_timer	 look_timer = EV_TIMER(look_again);
static bool		(*ask_master)(void);
static bool		 asked;

void
wait_init(bool (*ask)(void))
{
	ask_master = ask;
}

bool
wait_helps(const struct remotes *rs, const struct sess *s)
{
	return rs->nfull[FULL_GOOD] + rs->nfull[FULL_BAD] != 0 &&
	    wait_where(rs, s) != NULL;
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
		    (r->full == best->full &&
		    load_of(r) * best->weight < load_of(best) * r->weight))
			best = r;
	}
	return best;
}

static uint64_t
load_of(const struct remote *r)
{
	return remote_load(r) + atomic_load(&r->board->queue) + 1;
}

int
wait_begin(struct sess *s)
{
	struct remotes *rs = s->path->remotes;
	struct waiter *w;

	if (sess_extra(s) == NULL || (w = calloc(1, sizeof(*w))) == NULL)
		return -1;
	s->extra->waiter = w;
	w->sess = s;
	w->at = wait_where(rs, s);
	TAILQ_INSERT_TAIL(&rs->waiting, w, entry);
	rs->look.cb = look_soon;
	board_add32(&w->at->board->queue, 1);
	board_add32(&self.board.own->waiting, 1);
	asked = asked || ask_master();
	if (!ev_timer_on(&look_timer))
		ev_timer_set(&look_timer, LOOK);
	return 0;
}

static void
waiter_leave(struct waiter *w)
{
	if (w->at == NULL)
		return;
	TAILQ_REMOVE(&w->sess->path->remotes->waiting, w, entry);
	board_add32(&w->at->board->queue, -1);
	board_add32(&self.board.own->waiting, -1);
	w->at = NULL;
	if (atomic_load(&self.board.own->waiting) == 0)
		asked = false;	/* the master may have seen that */
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

static void
wait_call(struct waiter *w)
{
	waiter_leave(w);
	sess_resume(w->sess);
}

/* One that has tried some does not hold up those behind it. */
void
wait_look(struct remotes *rs)
{
	struct waiter *w, *next;
	struct sess *s;

	TAILQ_FOREACH_SAFE(w, &rs->waiting, entry, next) {
		s = w->sess;
		if ((s->chosen = remote_pick(rs, s)) != NULL ||
		    !wait_helps(rs, s))
			wait_call(w);
		else if (s->ntried == 0)
			return;
	}
}

/* Somebody has left a place. */
static void
look_soon(struct ev_task *task)
{
	wait_look(container_of(task, struct remotes, look));
}

/* What happens elsewhere gives no event: the master writes what others have. */
static void
look_again(struct ev_timer *t)
{
	unsigned i;

	for (i = 0; i < self.conf->nrelays; i++)
		if (wait_is_on(&self.remotes[i]))
			wait_look(&self.remotes[i]);
	if (atomic_load(&self.board.own->waiting) == 0)
		return;
	asked = asked || ask_master();
	ev_timer_set(t, LOOK);
}
