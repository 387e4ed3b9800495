#include "compat.h"

#include <inttypes.h>
#include <signal.h>

#include "ipc.h"
#include "mark.h"
#include "master.h"
#include "proc/auth.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/load.h"
#include "proc/recproc.h"
#include "proc/seat.h"
#include "proc/worker.h"
#include "proc/writer.h"

#define LATER		100	/* ms until more is taken back */

static void	worker_lose_now(struct ev_timer *);

static const char * const state_names[] = {
	[WORKER_STARTING] = "starting", [WORKER_READY] = "ready",
	[WORKER_LEAVING] = "retiring", [WORKER_DRAINING] = "draining",
	[WORKER_STUCK] = "stuck", [WORKER_DEAD] = "dead"
};

static TAILQ_HEAD(, worker)	 lost = TAILQ_HEAD_INITIALIZER(lost);
static struct ev_timer		 later_timer = EV_TIMER(worker_lose_now);

const char *
worker_state_name(enum worker_state state)
{
	return state_names[state];
}

uint64_t
worker_users(const struct worker *w)
{
	uint64_t closed =
	    board_get(&board_slot(&w->gen->board, w->slot)->closed);

	return closed >= w->sent ? 0 : w->sent - closed;
}

uint64_t
worker_untaken(const struct worker *w)
{
	uint64_t taken =
	    board_get(&board_slot(&w->gen->board, w->slot)->taken);

	return taken >= w->sent ? 0 : w->sent - taken;
}

struct worker *
worker_new(struct generation *g, unsigned slot)
{
	struct worker *w;

	if (slot == WORKER_NOSLOT)
		for (slot = 0; slot < BOARD_SLOTS; slot++)
			if (g->slots[slot] == NULL)
				break;
	if (slot >= BOARD_SLOTS || g->slots[slot] != NULL) {
		errno = EAGAIN;
		return NULL;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->gen = g;
	w->slot = slot;
	w->chan.fd = -1;
	w->its_end = w->feed = w->feed_wake = w->feed_its = -1;
	w->started = ev_now();
	TAILQ_INIT(&w->askers);
	g->slots[slot] = w;
	TAILQ_INSERT_TAIL(&g->workers, w, entry);
	g->nworkers++;
	mark(MARK_WORKERS);
	return w;
}

void
worker_free(struct worker *w)
{
	struct generation *g = w->gen;

	ev_timer_stop(&w->timer);
	inbox_end(&w->inbox);
	child_forget(&w->child);
	ev_io_close(&w->chan);
	if (w->its_end != -1)
		close(w->its_end);
	writer_over(&w->log);
	auth_worker_gone(w);
	recproc_worker_gone(w);
	if (w->lost)
		TAILQ_REMOVE(&lost, w, lost_entry);
	TAILQ_REMOVE(&g->workers, w, entry);
	load_worker_gone(w);
	seat_gone(w);
	board_slot_free(&g->board, w->slot);
	g->slots[w->slot] = NULL;
	g->nworkers--;
	mark(MARK_WORKERS | MARK_ACCEPT);
	free(w);
}

void
worker_drain(struct worker *w)
{
	if (w->state == WORKER_DRAINING || w->state == WORKER_STUCK ||
	    w->state == WORKER_DEAD)
		return;
	ev_timer_stop(&w->timer);
	w->state = WORKER_DRAINING;
	seat_leave(w);
	w->draining_since = ev_now();
	worker_drain_again(w);
}

void
worker_drain_again(struct worker *w)
{
	w->drain_due = true;
	mark(MARK_SEND);
}

bool
worker_replace(struct worker *w)
{
	if (w->state != WORKER_READY && w->state != WORKER_STARTING)
		return false;
	if (w->gen->old || master.stopping)
		worker_drain(w);
	else
		w->state = WORKER_LEAVING;
	mark(MARK_WORKERS);
	return true;
}

void
worker_lose(struct worker *w, enum worker_state state)
{
	w->early = w->state == WORKER_STARTING;
	w->state = state;
	seat_leave(w);
	if (!w->lost)
		TAILQ_INSERT_TAIL(&lost, w, lost_entry);
	w->lost = true;
	w->later = false;
	mark(MARK_WORKERS | MARK_ACCEPT);
}

void
worker_lose_later(struct worker *w)
{
	worker_lose(w, w->state);
	w->later = true;
	ev_timer_set(&later_timer, LATER);
}

static void
worker_lose_now(struct ev_timer *t)
{
	struct worker *w;

	(void)t;
	TAILQ_FOREACH(w, &lost, lost_entry)
		w->later = false;
	mark(MARK_WORKERS | MARK_ACCEPT);
}

struct worker *
worker_next_lost(void)
{
	struct worker *w;

	TAILQ_FOREACH(w, &lost, lost_entry)
		if (!w->later)
			break;
	if (w == NULL)
		return NULL;
	TAILQ_REMOVE(&lost, w, lost_entry);
	w->lost = false;
	return w;
}

/* Root without CAP_KILL may not signal who has another user's id. */
void
worker_kill(struct worker *w, int signo, const char *why)
{
	const struct proto_drain now = { .cut = CUT_STOPPED };

	if (child_kill(&w->child, signo, why) == -1 && errno == EPERM)
		ipc_send(w->chan.fd, MSG_DRAIN, &now, 1, NULL);
}

void
worker_kill_all(int signo)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			worker_kill(w, signo, NULL);
}

struct worker *
worker_find(pid_t pid)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			if (w->child.pid == pid)
				return w;
	return NULL;
}

unsigned
worker_count(const struct generation *g, bool ready)
{
	const struct worker *w;
	unsigned n = 0;

	TAILQ_FOREACH(w, &g->workers, entry)
		if (!ready || w->state == WORKER_READY)
			n++;
	return n;
}

size_t
worker_view(const struct generation *g, struct pool_worker *view,
    struct worker **who)
{
	struct worker *w;
	size_t n = 0;

	TAILQ_FOREACH(w, &g->workers, entry) {
		view[n].state = w->state;
		view[n].full = w->full;
		view[n].awake = w->nout != 0;
		view[n].users = w->seats != NULL ? seat_users(w) :
		    worker_users(w);
		view[n].idle = w->idle_since == 0 ? 0 :
		    ev_now() - w->idle_since;
		who[n++] = w;
	}
	return n;
}

void
worker_save(FILE *f, const struct generation *g)
{
	const struct worker *w;

	TAILQ_FOREACH(w, &g->workers, entry) {
		fprintf(f, "worker %u %ld %d %d %d %d %d %" PRIu64 " %" PRIu64
		    " %" PRIu64 " %" PRIu32 "\n", w->slot, (long)w->child.pid,
		    inherit_fd(g->board.slots[w->slot].fd),
		    inherit_fd(w->chan.fd), inherit_fd(w->its_end),
		    (int)w->state, w->drain_due, w->sent, w->started,
		    w->draining_since, writer_number(w->log));
		seat_save(f, w);
	}
}
