#include "compat.h"

#include "accept/pause.h"
#include "conf/conf.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/process.h"
#include "proc/refill.h"

#define YOUNG		5000	/* ms: who dies earlier died young */
#define BACKOFF_MIN	1000
#define BACKOFF_MAX	60000

static unsigned	refill_missing(const struct generation *);
static bool	refill_wanted(const struct generation *);
static int	refill_one(struct generation *);
static void	refill_later(uint64_t);
static bool	refill_must_wait(const struct generation *);
static void	refill_again(struct ev_timer *);
static void	refill_shrink(struct generation *);
static struct worker *refill_leaver(struct generation *);
static void	refill_look(struct ev_timer *);

static struct ev_timer	 again_timer = EV_TIMER(refill_again);
static struct ev_timer	 idle_timer = EV_TIMER(refill_look);

/* A generation's workers as pool.c sees them. */
static struct pool_worker	 view[BOARD_SLOTS];
static struct worker		*who[BOARD_SLOTS];

struct pool_limits
refill_limits(const struct generation *g)
{
	return (struct pool_limits) {
		.servers_min = g->conf->servers_min,
		.servers_max = g->conf->servers_max,
		.users_min = g->conf->users_min,
		.users_max = g->conf->users_max,
		.idle = g->conf->shrink_after
	};
}

static unsigned
refill_missing(const struct generation *g)
{
	const struct pool_limits limits = refill_limits(g);

	return pool_missing(view, worker_view(g, view, who), &limits);
}

/* Asked again, as the one who asked may have got another generation. */
static bool
refill_wanted(const struct generation *g)
{
	const struct pool_limits limits = refill_limits(g);

	return pool_pick(view, worker_view(g, view, who), &limits).start;
}

int
refill_start(struct generation *g)
{
	unsigned missing = refill_missing(g);

	while (missing-- > 0)
		if (refill_one(g) == -1)
			return -1;
	return 0;
}

static int
refill_one(struct generation *g)
{
	if (process_start(g) == 0)
		return 0;
	g->not_before = ev_now() + BACKOFF_MIN;
	refill_later(BACKOFF_MIN);
	return -1;
}

/* One generation does not put off what another waits for. */
static void
refill_later(uint64_t ms)
{
	if (!ev_timer_on(&again_timer) || again_timer.at > ev_now() + ms)
		ev_timer_set(&again_timer, ms);
}

bool
refill_starved(const struct generation *g)
{
	const struct worker *w;

	if (g->old || master.stopping || refill_missing(g) == 0 ||
	    refill_must_wait(g))
		return false;
	TAILQ_FOREACH(w, &g->workers, entry)
		if (w->state == WORKER_READY || w->state == WORKER_STARTING)
			return false;
	return !pause_free(PAUSE_RESERVE);
}

void
refill_step(struct generation *g, bool grow)
{
	if (g->old || master.stopping)
		return;
	if (refill_missing(g) != 0) {
		if (!refill_must_wait(g))
			refill_start(g);
	} else if (grow && refill_wanted(g) && !refill_must_wait(g))
		refill_one(g);
	refill_shrink(g);
}

bool
refill_ask(struct generation *g)
{
	if (refill_must_wait(g))
		return false;
	mark(MARK_GROW);
	return true;
}

static bool
refill_must_wait(const struct generation *g)
{
	if (ev_now() >= g->not_before)
		return false;
	refill_later(g->not_before - ev_now());
	return true;
}

static void
refill_again(struct ev_timer *t)
{
	(void)t;
	mark(MARK_WORKERS | MARK_ACCEPT);
}

void
refill_died(const struct worker *w)
{
	struct generation *g = w->gen;

	if (ev_now() - w->started >= YOUNG) {
		g->backoff = 0;
		return;
	}
	/* Those that die of the same thing count as one. */
	if ((!w->early && w->status == 0) || g->old ||
	    ev_now() < g->not_before)
		return;
	g->backoff = g->backoff == 0 ? BACKOFF_MIN :
	    MIN(g->backoff * 2, BACKOFF_MAX);
	g->not_before = ev_now() + g->backoff;
	log_warnx("a worker died young: the next one starts in %llu s",
	    (unsigned long long)g->backoff / 1000);
}

/* --- letting go --- */

static void
refill_shrink(struct generation *g)
{
	struct worker *w;

	while ((w = refill_leaver(g)) != NULL) {
		if (w->state == WORKER_READY)
			log_info("worker %ld is idle and not needed",
			    (long)w->child.pid);
		worker_drain(w);
	}
	if (g->conf->shrink_after != 0 && !ev_timer_on(&idle_timer) &&
	    g->nworkers > g->conf->servers_min)
		ev_timer_set(&idle_timer, g->conf->shrink_after / 4 + 1);
}

static struct worker *
refill_leaver(struct generation *g)
{
	const struct pool_limits limits = refill_limits(g);
	int i = pool_leaver(view, worker_view(g, view, who), &limits);

	return i == -1 ? NULL : who[i];
}

/* Who is idle is seen from time to time only: it costs sessions nothing. */
static void
refill_look(struct ev_timer *t)
{
	struct worker *w;

	(void)t;
	if (master.gen == NULL)
		return;
	TAILQ_FOREACH(w, &master.gen->workers, entry) {
		if (w->state != WORKER_READY || worker_users(w) != 0)
			w->idle_since = 0;
		else if (w->idle_since == 0)
			w->idle_since = ev_now();
	}
	mark(MARK_WORKERS);
}
