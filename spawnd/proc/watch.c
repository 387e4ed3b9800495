#include "compat.h"

#include <signal.h>

#include "board.h"
#include "conf/conf.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/watch.h"

#define STUCK_LOOK	1000	/* ms between looks at a stuck worker */
#define CLOSING_LOOK	1000	/* ms between looks at one that closes */
#define CLOSING		2000	/* ms in which it must have closed one */
#define DRAIN_SLACK	5000	/* ms past drain-timeout */
#define DRAIN_MOST	30000	/* the same, for one that still closes */
#define EXPIRE_LIMIT	10000	/* ms to end when told to end now */
#define LATE		1000	/* ms: this process has been stopped */

static void	watch_set(struct worker *, uint64_t);
static void	watch_timer(struct ev_timer *);
static void	watch_working(struct worker *);
static void	watch_stuck(struct worker *);
static void	watch_drain(struct worker *);

void
watch_begin(struct worker *w)
{
	ev_timer_init(&w->timer, watch_timer);
	if (w->state == WORKER_STARTING)
		watch_set(w, w->gen->conf->start_timeout);
	else
		watch_look(w);
}

static void
watch_set(struct worker *w, uint64_t ms)
{
	w->due = ev_now() + ms;
	ev_timer_set(&w->timer, ms);
}

void
watch_look(struct worker *w)
{
	uint64_t ms = w->gen->conf->watchdog;

	if (ms == 0 && w->state == WORKER_DRAINING)
		watch_drain(w);
	if (ms == 0 || ev_timer_on(&w->timer) ||
	    w->state == WORKER_STARTING || w->state == WORKER_STUCK)
		return;
	w->seen = board_get(&board_slot(&w->gen->board, w->slot)->taken);
	watch_set(w, ms);
}

void
watch_expire(struct worker *w)
{
	if (w->expired)
		return;
	w->expired = true;
	watch_set(w, EXPIRE_LIMIT);
}

static void
watch_timer(struct ev_timer *t)
{
	struct worker *w = container_of(t, struct worker, timer);

	/* We were stopped ourselves: what it did is yet to be seen. */
	if (ev_now() > w->due + LATE)
		watch_set(w, w->gen->conf->watchdog + LATE);
	else if (w->expired)
		worker_kill(w, SIGKILL, "has not ended as it was told: killed");
	else if (w->state == WORKER_STARTING)
		worker_kill(w, SIGKILL, "is silent: killed");
	else if (w->state == WORKER_STUCK)
		watch_stuck(w);
	else if (w->state != WORKER_DEAD)
		watch_working(w);
}

/* Does it take what it was sent? Its waiting sessions go to others, a new
 * worker takes its place; when it comes back to life, it finds DRAIN and
 * serves what it has. */
static void
watch_working(struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	const uint64_t taken = board_get(&b->taken);
	const bool deaf = w->state == WORKER_DRAINING &&
	    atomic_load(&b->draining) == 0;

	if (deaf && watch_closing(w))	/* it has another thing to do first */
		watch_set(w, CLOSING_LOOK);
	else if (deaf || (taken < w->sent && taken == w->seen)) {
		log_warnx("worker %ld is stuck with %llu sessions",
		    (long)w->child.pid, (unsigned long long)worker_users(w));
		watch_lose(w);
	} else if (w->state == WORKER_DRAINING)
		watch_drain(w);
	else if (taken < w->sent)
		watch_look(w);
}

void
watch_lose(struct worker *w)
{
	worker_lose(w, WORKER_STUCK);
	w->stuck_since = ev_now();
	watch_stuck(w);
}

/* What it takes it counts before it ends. */
bool
watch_counts(struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	const uint64_t closed = board_get(&b->closed);
	const uint64_t taken = board_get(&b->taken);
	const bool good = taken <= w->sent && closed <= taken &&
	    taken >= w->taken && closed >= w->closed;

	w->taken = taken;
	w->closed = closed;
	return good;
}

/* Has a stuck worker come back, or must it be killed? */
static void
watch_stuck(struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	uint64_t limit = w->gen->conf->watchdog_kill, now = ev_now();

	if (atomic_load(&b->draining) != 0 && !w->lost) {
		w->state = WORKER_DRAINING;
		w->draining_since = now;
		watch_drain(w);
		return;
	}
	if (limit != 0 && now >= w->stuck_since + limit) {
		worker_kill(w, SIGKILL, "is still stuck: killed");
		return;
	}
	limit = limit == 0 ? STUCK_LOOK : w->stuck_since + limit - now;
	watch_set(w, MIN(limit, STUCK_LOOK));
}

bool
watch_closing(struct worker *w)
{
	const uint64_t closed =
	    board_get(&board_slot(&w->gen->board, w->slot)->closed);

	if (closed > w->closing) {
		w->closing = closed;
		w->closing_since = ev_now();
	}
	return ev_now() < w->closing_since + CLOSING;
}

bool
watch_closing_any(void)
{
	struct generation *g;
	struct worker *w;
	bool any = false;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			any = watch_closing(w) || any;
	return any;
}

/* A worker bounds its drain by itself, unless it hangs. */
static void
watch_drain(struct worker *w)
{
	uint64_t limit = w->gen->conf->drain_timeout, now = ev_now();

	if (limit == 0)
		return;
	limit += w->draining_since;
	if (now < limit + DRAIN_SLACK) {
		watch_closing(w);
		watch_set(w, limit + DRAIN_SLACK - now);
	} else if (now < limit + DRAIN_MOST && watch_closing(w))
		watch_set(w, CLOSING_LOOK);
	else
		worker_kill(w, SIGKILL,
		    "has not ended in its drain-timeout: killed");
}
