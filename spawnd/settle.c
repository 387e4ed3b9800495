#include "compat.h"

#include "accept/admit.h"
#include "accept/handoff.h"
#include "accept/overload.h"
#include "accept/pause.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "pending.h"
#include "proc/channel.h"
#include "proc/checkproc.h"
#include "proc/generation.h"
#include "proc/process.h"
#include "proc/recproc.h"
#include "proc/refill.h"
#include "proc/reload.h"
#include "proc/seat.h"
#include "proc/statproc.h"
#include "proc/tickets.h"
#include "proc/upgrade.h"
#include "proc/watch.h"
#include "proc/worker.h"
#include "settle.h"

#define SINGLE_AGAIN		1000	/* ms until it is tried again */
#define SINGLE_AGAIN_MAX	3600000

static void	settle(struct ev_task *);
static void	settle_broken(void);
static void	settle_lost(void);
static void	settle_refill(bool);
static void	settle_kept(void);
static void	settle_want_room(void);
static void	settle_single(void);
static void	settle_again(struct ev_timer *);
static void	settle_end(void);

static struct ev_timer	 single_timer = EV_TIMER(settle_again);

void
settle_begin(void)
{
	mark_begin(settle);
}

/*
 * Each step sees what those before it have done. What one of them marks is
 * settled at the end of the next turn.
 */
static void
settle(struct ev_task *task)
{
	const unsigned what = mark_take();

	(void)task;
	settle_broken();
	settle_lost();
	if (master.gen != NULL) {
		/* Before the sessions that are to have it. */
		if (what & (MARK_SEND | MARK_WORKERS))
			channel_send_set();
		if (what & (MARK_WORKERS | MARK_GROW))
			settle_refill((what & MARK_GROW) != 0);
		handoff_look();
		settle_kept();
		admit_ready();
		handoff_send();
		if (what & MARK_SEND) {
			tickets_send();
			channel_send_due();
		}
		settle_want_room();
	}
	if (what & (MARK_WORKERS | MARK_PENDING)) {
		reload_step();
		settle_single();
		upgrade_step();
		generation_sweep();
		settle_end();
	}
	if (what & (MARK_WORKERS | MARK_SEND)) {
		checkproc_step();
		recproc_step();
		statproc_step();
	}
}

static void
settle_broken(void)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			if (w->state != WORKER_DEAD &&
			    (!watch_counts(w) || !seat_look(w)))
				channel_broken(w, "counts sessions that "
				    "cannot be: killed");
}

/* What the dead and the stuck were sent and have not taken goes to others, as
 * far as there are descriptors; later the rest. */
static void
settle_lost(void)
{
	struct worker *w;
	bool all;

	while ((w = worker_next_lost()) != NULL) {
		all = handoff_recover(w);
		if (w->state == WORKER_DEAD && !w->reported) {
			refill_died(w);
			process_report(w, all);
		} else if (w->state == WORKER_DEAD && all)
			process_report_rest(w);
		if (!all)
			worker_lose_later(w);
		else if (w->state == WORKER_DEAD)
			process_bury(w);
		else
			worker_drain_again(w);
	}
}

/* Better some of those who wait than all of them: without a worker they would
 * keep the descriptors that its start needs, for ever. */
static void
settle_refill(bool grow)
{
	if (handoff_kept() != 0 && refill_starved(master.gen))
		handoff_give_up(PAUSE_RESERVE);
	refill_step(master.gen, grow);
}

/* Who was first is served first. When the master stops nobody gets room any
 * more. */
static void
settle_kept(void)
{
	const unsigned n = handoff_kept();

	if (n == 0)
		return;
	if (!master.stopping) {
		handoff_give_kept();
		return;
	}
	log_warnx("stopping: %u connections that wait for room are closed", n);
	handoff_drop();
}

/*
 * Workers say when a session ends as long as somebody waits. First we ask to be
 * woken, then we look again: a session that has ended in between is seen then,
 * a later one wakes us.
 */
static void
settle_want_room(void)
{
	const bool held = admit_held(), waits = handoff_kept() != 0 ||
	    overload_on() || held;
	struct generation *g;
	bool now, any = false;

	/* Sessions of a former one take no room, but count for limits. */
	TAILQ_FOREACH(g, &master.gens, entry) {
		now = !master.stopping && (g == master.gen ? waits : held);
		if (now == (atomic_load(&g->board.head->want_room) != 0))
			continue;
		atomic_store(&g->board.head->want_room, now);
		any |= now;
	}
	if (!any)
		return;
	atomic_thread_fence(memory_order_seq_cst);
	mark(MARK_ACCEPT);
}

/* The worker that lived in this process has ended: the next one can live here
 * when the process has executed itself, which an upgrade does, and no session
 * is lost by. */
static void
settle_single(void)
{
	static uint64_t again = SINGLE_AGAIN;

	if (!process_spent() || ev_timer_on(&single_timer) ||
	    master.stopping || master.gen == NULL ||
	    !master.gen->conf->single || upgrade_busy() || !reload_idle() ||
	    pending_asked(PENDING_RELOAD))
		return;
	pending_ask(PENDING_UPGRADE, NULL);
	ev_timer_set(&single_timer, again);
	again = MIN(again * 2, SINGLE_AGAIN_MAX);
}

static void
settle_again(struct ev_timer *t)
{
	(void)t;
	mark(MARK_PENDING);
}

/* The master ends with its last worker. */
static void
settle_end(void)
{
	const struct generation *g;

	if (!master.stopping)
		return;
	TAILQ_FOREACH(g, &master.gens, entry)
		if (g->nworkers != 0)
			return;
	ev_stop();
}
