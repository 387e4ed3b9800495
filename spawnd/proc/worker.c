#include "compat.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>

#include "accept/admit.h"
#include "accept/handoff.h"
#include "accept/pool.h"
#include "board.h"
#include "conf/conf.h"
#include "ev.h"
#include "ipc.h"
#include "life.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/logproc.h"
#include "proc/reaper.h"
#include "proc/reload.h"
#include "proc/worker.h"
#include "proto.h"

#define YOUNG		5000	/* ms: who dies earlier died young */
#define BACKOFF_MIN	1000
#define BACKOFF_MAX	60000
#define TURN_MESSAGES	64	/* of one worker a turn */
#define STUCK_LOOK	1000	/* ms between looks at a stuck worker */
#define DRAIN_AGAIN	200	/* ms until DRAIN is sent again */
#define DRAIN_SLACK	5000	/* ms past drain-timeout */
#define LATE		1000	/* ms: this process has been stopped */

static struct worker	*worker_alloc(struct generation *);
static int	worker_launch(struct worker *);
static void	worker_exec(struct worker *, int) no_return;
static int	fd_place(int, int);
static void	worker_event(struct ev_io *, int);
static void	worker_has_room(struct worker *);
static void	worker_more(struct ev_task *);
static void	worker_read(struct worker *);
static void	worker_message(struct worker *, const struct ipc_msg *);
static void	worker_ready(struct worker *, const struct proto_ready *);
static void	worker_exit(struct ev_proc *, int);
static void	worker_report(const struct worker *, int);
static void	worker_fold(struct worker *);
static void	worker_backoff(struct worker *);
static void	worker_free(struct worker *);
static void	worker_timer(struct ev_timer *);
static void	worker_stuck(struct worker *);
static void	worker_look_again(struct worker *);
static void	worker_limit_drain(struct worker *);
static void	worker_timer_set(struct worker *, uint64_t);
static bool	worker_must_wait(const struct generation *);
static void	refill_timer_fire(struct ev_timer *);
static void	drain_again(struct ev_timer *);
static void	shrink(struct ev_timer *);
static void	shrink_watch(struct generation *);

static const char * const state_names[] = {
	[WORKER_STARTING] = "starting", [WORKER_READY] = "ready",
	[WORKER_LEAVING] = "retiring", [WORKER_DRAINING] = "draining",
	[WORKER_STUCK] = "stuck"
};

static struct ev_timer	 refill_timer = EV_TIMER(refill_timer_fire);
static struct ev_timer	 drain_timer = EV_TIMER(drain_again);
static struct ev_timer	 shrink_timer = EV_TIMER(shrink);

const char *
worker_state_name(enum worker_state state)
{
	return state_names[state];
}

/* What the worker says is clamped: it cannot have closed what it was not
 * sent. */
uint64_t
worker_users(const struct worker *w)
{
	uint64_t closed =
	    board_get(&board_slot(&w->gen->board, w->slot)->closed);

	return closed >= w->sent ? 0 : w->sent - closed;
}

static struct worker *
worker_alloc(struct generation *g)
{
	struct worker *w;
	unsigned slot;

	for (slot = 0; slot < BOARD_SLOTS && g->slots[slot] != NULL; slot++)
		;
	if (slot == BOARD_SLOTS) {
		errno = EAGAIN;
		return NULL;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->gen = g;
	w->slot = slot;
	w->chan.fd = -1;
	w->pid = -1;
	w->peer = -1;
	w->started = ev_now();
	g->slots[slot] = w;
	if (slot >= atomic_load(&g->board.head->slots_used))
		atomic_store(&g->board.head->slots_used, slot + 1);
	ev_timer_init(&w->timer, worker_timer);
	TAILQ_INSERT_TAIL(&g->workers, w, entry);
	g->nworkers++;
	return w;
}

int
worker_start(struct generation *g)
{
	struct worker *w;

	if ((w = worker_alloc(g)) == NULL || worker_launch(w) == -1) {
		log_warn("cannot start a worker");
		if (w != NULL)
			worker_free(w);
		g->not_before = ev_now() + BACKOFF_MIN;
		ev_timer_set(&refill_timer, BACKOFF_MIN);
		return -1;
	}
	worker_timer_set(w, g->conf->start_timeout);
	handoff_changed();
	shrink_watch(g);
	log_debug("worker %ld started in slot %u", (long)w->pid, w->slot);
	return 0;
}

static int
worker_launch(struct worker *w)
{
	int sv[2];

	if (ipc_pair(sv) == -1)
		return -1;
	w->peer = sv[1];
	if (ev_io_add(&w->chan, sv[0], IO_READ, worker_event) == -1) {
		close(sv[0]);
		return -1;
	}
	if ((w->pid = fork()) == -1)
		return -1;
	if (w->pid == 0)
		worker_exec(w, sv[1]);
	return reaper_watch(&w->proc, w->pid, worker_exit);
}

/* A copy of fd out of the way of the places that children find. */
static int
fd_place(int fd, int above)
{
	int r = fcntl(fd, F_DUPFD, above);

	if (r == -1)
		_exit(127);
	return r;
}

/* The child's side of the start. */
static void
worker_exec(struct worker *w, int chan)
{
	char path[1024], gen[16], slot[16], version[16];
	char *argv[] = { path, gen, slot, version, NULL };
	const int from[] = { chan, w->gen->conf_fd, w->gen->board.fd,
	    logproc_fd() };
	int fd[nitems_of(from)];
	int null, i;

	master_libexec("relay", path, sizeof(path));
	snprintf(gen, sizeof(gen), "%u", w->gen->number);
	snprintf(slot, sizeof(slot), "%u", w->slot);
	snprintf(version, sizeof(version), "%u", PROTO_VERSION);
	for (i = 0; i < (int)nitems_of(from); i++)
		fd[i] = fd_place(from[i], PROTO_FD_END);
	for (i = 0; i < (int)nitems_of(from); i++)
		dup2(fd[i], PROTO_FD_CHANNEL + i);
	if ((null = open("/dev/null", O_RDWR)) != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (master.opt.background)
			dup2(null, STDERR_FILENO);
	}
	closefrom(PROTO_FD_END);
	reaper_child();
	execv(path, argv);
	log_init(PROTO_FD_LOG, "spawnd");
	log_write(LOG_ERR, "cannot run %s: %s", path, strerror(errno));
	_exit(127);
}

static void
worker_event(struct ev_io *io, int what)
{
	struct worker *w = container_of(io, struct worker, chan);

	if ((what & IO_WRITE) && w->full) {
		worker_has_room(w);
		if (w->drain_due)
			worker_drain(w);
		admit_resume();
	}
	if (what & IO_READ)
		worker_read(w);
}

/*
 * Whether the channel can be written to is watched only while it cannot: it
 * would be an event for every packet that the worker takes.
 */
void
worker_is_full(struct worker *w)
{
	w->full = true;
	handoff_changed();
	if (ev_io_add(&w->chan, w->chan.fd, IO_WRITE, worker_event) == -1)
		ev_timer_set(&drain_timer, DRAIN_AGAIN);
	ev_io_again(&w->chan, IO_WRITE);
}

static void
worker_has_room(struct worker *w)
{
	int fd = w->chan.fd;

	w->full = false;
	handoff_changed();
	ev_io_del(&w->chan);
	if (ev_io_add(&w->chan, fd, IO_READ, worker_event) == -1) {
		log_warn("worker %ld: cannot watch its channel", (long)w->pid);
		w->chan.fd = fd;	/* as it is still ours to close */
		kill(w->pid, SIGKILL);
	}
}

static void
worker_more(struct ev_task *task)
{
	worker_read(container_of(task, struct worker, more));
}

static void
worker_read(struct worker *w)
{
	struct ipc_msg m;
	int i, r;

	for (i = 0; i < TURN_MESSAGES; i++) {
		if ((r = ipc_recv(w->chan.fd, PROTO_UP, &m)) == 1) {
			worker_message(w, &m);
			continue;
		}
		if (r == -1 && errno == EPROTO) {
			log_warnx("worker %ld speaks out of turn: killed",
			    (long)w->pid);
			kill(w->pid, SIGKILL);
		}
		ev_io_again(&w->chan, IO_READ);
		return;
	}
	ev_defer(&w->more, worker_more);
}

static void
worker_message(struct worker *w, const struct ipc_msg *m)
{
	log_debug("worker %ld says %s", (long)w->pid, ipc_name(m->type));
	switch (m->type) {
	case MSG_READY:
		worker_ready(w, &m->ready);
		break;
	case MSG_LEAVE:
		log_info("worker %ld: %s", (long)w->pid,
		    m->leave.why == LEAVE_RETIRED ? "retires" :
		    "asked to leave");
		worker_replace(w);
		break;
	case MSG_WAKE:
		admit_resume();
		break;
	default:
		break;		/* ipc_recv() lets no other through */
	}
}

static void
worker_ready(struct worker *w, const struct proto_ready *r)
{
	struct worker *old, *next;

	if (w->state != WORKER_STARTING)
		return;
	if (r->version != PROTO_VERSION) {
		log_write(LOG_ERR, "worker %ld is of another release "
		    "(protocol %u, mine is %u): restart spawnd after an "
		    "upgrade", (long)w->pid, r->version, PROTO_VERSION);
		kill(w->pid, SIGKILL);
		return;
	}
	ev_timer_stop(&w->timer);
	w->state = WORKER_READY;
	handoff_changed();
	if (w->gen->old || master.stopping) {
		worker_drain(w);
		return;
	}
	if (w->sent != 0)
		worker_watch(w);
	/* It stands in for one that leaves. */
	TAILQ_FOREACH_SAFE(old, &w->gen->workers, entry, next) {
		if (old->state == WORKER_LEAVING) {
			worker_drain(old);
			break;
		}
	}
	reload_worker_ready(w->gen);
	admit_resume();
}

void
worker_replace(struct worker *w)
{
	struct generation *g = w->gen;

	if (w->state != WORKER_READY && w->state != WORKER_STARTING)
		return;
	if (g->old || master.stopping) {
		worker_drain(w);
		return;
	}
	w->state = WORKER_LEAVING;
	handoff_changed();
	if (generation_count(g, true) >= g->conf->servers_min)
		worker_drain(w);
	else
		worker_refill(g);
}

void
worker_drain(struct worker *w)
{
	const struct proto_drain drain = { .close = 0 };

	if (w->state == WORKER_DRAINING && !w->drain_due)
		return;
	handoff_flush(w);
	if (w->state != WORKER_STUCK) {		/* it keeps its kill timer */
		ev_timer_stop(&w->timer);
		w->state = WORKER_DRAINING;
		w->draining_since = ev_now();
	}
	w->drain_due = false;
	handoff_changed();
	if (ipc_send(w->chan.fd, MSG_DRAIN, &drain, 1, NULL) == -1 &&
	    errno != EPIPE && errno != ECONNRESET) {
		w->drain_due = true;
		if (errno == EAGAIN)
			worker_is_full(w);
		else
			ev_timer_set(&drain_timer, DRAIN_AGAIN);
	}
	worker_watch(w);
}

/* The system could not send DRAIN, or watch for room in a channel, and no event
 * tells when it can. */
static void
drain_again(struct ev_timer *t)
{
	struct generation *g;
	struct worker *w;

	(void)t;
	TAILQ_FOREACH(g, &master.gens, entry) {
		TAILQ_FOREACH(w, &g->workers, entry) {
			w->full = false;
			if (w->drain_due)
				worker_drain(w);
		}
	}
	admit_resume();
}

void
worker_expire(struct worker *w)
{
	const struct proto_drain now = { .close = 1 };

	/* A full channel means that it does not listen. */
	if (ipc_send(w->chan.fd, MSG_DRAIN, &now, 1, NULL) == -1)
		kill(w->pid, SIGINT);
}

void
worker_refill(struct generation *g)
{
	const struct pool_limits limits = {
		.servers_min = g->conf->servers_min
	};
	static struct pool_worker view[BOARD_SLOTS];
	const struct worker *w;
	unsigned missing;
	size_t n = 0;

	if (g->old || master.stopping)
		return;
	TAILQ_FOREACH(w, &g->workers, entry)
		view[n++].state = w->state;
	missing = pool_missing(view, n, &limits);
	if (missing == 0 || worker_must_wait(g))
		return;
	while (missing-- > 0)
		if (worker_start(g) == -1)
			return;
}

/* Back-off: the timer comes back to all that wanted a worker. */
static bool
worker_must_wait(const struct generation *g)
{
	if (ev_now() >= g->not_before)
		return false;
	ev_timer_set(&refill_timer, g->not_before - ev_now());
	return true;
}

bool
worker_start_now(struct generation *g)
{
	return !worker_must_wait(g) && worker_start(g) == 0;
}

static void
refill_timer_fire(struct ev_timer *t)
{
	(void)t;
	if (master.gen == NULL)
		return;
	worker_refill(master.gen);
	admit_resume();
}

static void
worker_exit(struct ev_proc *p, int status)
{
	struct worker *w = container_of(p, struct worker, proc);
	struct generation *g = w->gen;
	bool early = w->state == WORKER_STARTING;

	handoff_recover(w);
	worker_report(w, status);	/* with what is really lost */
	worker_fold(w);
	if (ev_now() - w->started >= YOUNG)
		g->backoff = 0;
	else if (early || status != 0)
		worker_backoff(w);
	worker_free(w);
	reload_worker_died(g);
	if (g == master.gen)
		worker_refill(g);
	generation_sweep();
	admit_resume();
	master_worker_gone();
}

static void
worker_report(const struct worker *w, int status)
{
	long pid = (long)w->pid;
	unsigned long long lost = worker_users(w);

	if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	    (w->gen->old && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGINT))
		log_debug("worker %ld has ended", pid);
	else if (WIFSIGNALED(status))
		log_warnx("worker %ld died of signal %d (%s) with %llu "
		    "sessions", pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)), lost);
	else
		log_warnx("worker %ld failed with status %d and %llu sessions",
		    pid, WEXITSTATUS(status), lost);
}

void
worker_save(FILE *f, const struct generation *g)
{
	const struct worker *w;

	TAILQ_FOREACH(w, &g->workers, entry)
		fprintf(f, "worker %u %ld %d %d %d %d %" PRIu64 " %" PRIu64
		    " %" PRIu64 "\n", w->slot, (long)w->pid,
		    inherit_fd(w->chan.fd), inherit_fd(w->peer),
		    (int)w->state, w->drain_due, w->sent, w->started,
		    w->draining_since);
}

/* Of the generation that was taken up last. */
bool
worker_take(const char *line)
{
	struct generation *g = TAILQ_LAST(&master.gens, generations);
	struct worker *w;
	unsigned slot;
	int chan, state, due;
	long pid;

	if (g == NULL || (w = calloc(1, sizeof(*w))) == NULL)
		return false;
	if (sscanf(line, "worker %u %ld %d %d %d %d %" SCNu64 " %" SCNu64
	    " %" SCNu64, &slot, &pid, &chan, &w->peer, &state, &due, &w->sent,
	    &w->started, &w->draining_since) != 9 || slot >= BOARD_SLOTS) {
		free(w);
		return false;
	}
	w->gen = g;
	w->slot = slot;
	w->pid = (pid_t)pid;
	w->state = state == WORKER_STUCK ? WORKER_DRAINING :
	    (enum worker_state)state;
	w->drain_due = due != 0;
	w->full = w->drain_due;		/* until it is writable */
	w->chan.fd = -1;
	g->slots[slot] = w;
	g->nworkers++;
	ev_timer_init(&w->timer, worker_timer);
	TAILQ_INSERT_TAIL(&g->workers, w, entry);
	if (ev_io_add(&w->chan, chan, w->full ? IO_READ | IO_WRITE : IO_READ,
	    worker_event) == -1 ||
	    ev_proc_add(&w->proc, w->pid, worker_exit) == -1)
		return false;
	if (w->state == WORKER_STARTING)
		worker_timer_set(w, g->conf->start_timeout);
	else
		worker_watch(w);
	shrink_watch(g);
	return true;
}

/* What it has done stays on record; its part of the board becomes free. */
static void
worker_fold(struct worker *w)
{
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	struct total *t;
	unsigned i;

	master.past_sessions += w->sent;
	master.past_in += board_get(&b->bytes_in);
	master.past_out += board_get(&b->bytes_out);
	master.past_dropped += board_get(&b->log_dropped);
	for (i = 0; i < w->gen->board.nremotes; i++) {
		t = w->gen->totals[i];
		t->sessions += board_get(&b->remotes[i].sessions);
		t->failed += board_get(&b->remotes[i].failed);
		t->bytes_in += board_get(&b->remotes[i].bytes_in);
		t->bytes_out += board_get(&b->remotes[i].bytes_out);
	}
	board_clear(&w->gen->board, w->slot);
}

static void
worker_backoff(struct worker *w)
{
	struct generation *g = w->gen;

	/* Those that die of the same thing count as one. */
	if (g->old || ev_now() < g->not_before)
		return;
	g->backoff = g->backoff == 0 ? BACKOFF_MIN : g->backoff * 2;
	if (g->backoff > BACKOFF_MAX)
		g->backoff = BACKOFF_MAX;
	g->not_before = ev_now() + g->backoff;
	log_warnx("a worker died young: the next one starts in %llu s",
	    (unsigned long long)g->backoff / 1000);
}

static void
worker_free(struct worker *w)
{
	struct generation *g = w->gen;

	ev_timer_stop(&w->timer);
	ev_undefer(&w->more);
	ev_proc_del(&w->proc);
	ev_io_close(&w->chan);
	if (w->peer != -1)
		close(w->peer);
	TAILQ_REMOVE(&g->workers, w, entry);
	g->slots[w->slot] = NULL;
	g->nworkers--;
	handoff_changed();
	free(w);
}

/* --- watching --- */

static void
worker_timer_set(struct worker *w, uint64_t ms)
{
	w->due = ev_now() + ms;
	ev_timer_set(&w->timer, ms);
}

void
worker_watch(struct worker *w)
{
	uint64_t ms = w->gen->conf->watchdog;

	if (ms == 0 && w->state == WORKER_DRAINING)
		worker_limit_drain(w);
	if (ms == 0 || ev_timer_on(&w->timer) ||
	    w->state == WORKER_STARTING || w->state == WORKER_STUCK)
		return;
	w->seen = board_get(&board_slot(&w->gen->board, w->slot)->taken);
	worker_timer_set(w, ms);
}

/* One timer for three limits: of the start, of the watchdog, and of a stuck
 * worker's life. */
static void
worker_timer(struct ev_timer *t)
{
	struct worker *w = container_of(t, struct worker, timer);
	const struct board_worker *b = board_slot(&w->gen->board, w->slot);
	uint64_t taken = board_get(&b->taken);
	bool drained = atomic_load(&b->draining) != 0;

	/* We were stopped ourselves: what it did is yet to be seen. */
	if (ev_now() > w->due + LATE) {
		worker_timer_set(w, w->gen->conf->watchdog + LATE);
		return;
	}
	if (w->state == WORKER_STARTING) {
		log_warnx("worker %ld is silent: killed", (long)w->pid);
		kill(w->pid, SIGKILL);
	} else if (w->state == WORKER_STUCK) {
		if (drained) {
			w->state = WORKER_DRAINING;
			w->draining_since = ev_now();
			worker_limit_drain(w);
			return;
		}
		if (w->gen->conf->watchdog_kill == 0 || ev_now() <
		    w->stuck_since + w->gen->conf->watchdog_kill) {
			worker_look_again(w);
			return;
		}
		log_warnx("worker %ld is still stuck: killed",
		    (long)w->pid);
		kill(w->pid, SIGKILL);
	} else if ((taken < w->sent && taken == w->seen) ||
	    (w->state == WORKER_DRAINING && !drained))
		worker_stuck(w);
	else if (w->state == WORKER_DRAINING)
		worker_limit_drain(w);
	else if (taken < w->sent)
		worker_watch(w);
}

/* A worker bounds its drain by itself, unless it hangs. */
static void
worker_limit_drain(struct worker *w)
{
	uint64_t limit = w->gen->conf->drain_timeout, now = ev_now();

	if (limit == 0)
		return;
	limit += w->draining_since + DRAIN_SLACK;
	if (now < limit) {
		worker_timer_set(w, limit - now);
		return;
	}
	log_warnx("worker %ld has not ended in its drain-timeout: killed",
	    (long)w->pid);
	kill(w->pid, SIGKILL);
}

/* Has a stuck worker come back, or must it be killed? */
static void
worker_look_again(struct worker *w)
{
	uint64_t limit = w->gen->conf->watchdog_kill, now = ev_now();

	limit = limit == 0 ? STUCK_LOOK : w->stuck_since + limit - now;
	worker_timer_set(w, limit < STUCK_LOOK ? limit : STUCK_LOOK);
}

/* Its waiting sessions go to others, a new worker takes its place; when it
 * comes back to life, it finds DRAIN and serves what it has. */
static void
worker_stuck(struct worker *w)
{
	struct generation *g = w->gen;

	log_warnx("worker %ld is stuck with %llu sessions",
	    (long)w->pid, (unsigned long long)worker_users(w));
	w->state = WORKER_STUCK;
	handoff_recover(w);
	worker_drain(w);
	w->stuck_since = ev_now();
	worker_look_again(w);
	if (g == master.gen)
		worker_refill(g);
	admit_resume();
}

/* --- shrinking: only while there are more than servers min --- */

static void
shrink_watch(struct generation *g)
{
	if (g->conf->shrink_after == 0 ||
	    g->nworkers <= g->conf->servers_min ||
	    ev_timer_on(&shrink_timer))
		return;
	ev_timer_set(&shrink_timer, g->conf->shrink_after / 4 + 1);
}

static void
shrink(struct ev_timer *t)
{
	struct generation *g = master.gen;
	struct worker *w, *next;
	unsigned ready;

	(void)t;
	if (g == NULL || master.stopping)
		return;
	ready = generation_count(g, true);
	TAILQ_FOREACH_REVERSE_SAFE(w, &g->workers, worker_list, entry, next) {
		if (w->state != WORKER_READY || worker_users(w) != 0) {
			w->idle_since = 0;
			continue;
		}
		if (w->idle_since == 0)
			w->idle_since = ev_now();
		if (ready > g->conf->servers_min &&
		    ev_now() - w->idle_since >= g->conf->shrink_after) {
			log_info("worker %ld is idle and not needed",
			    (long)w->pid);
			worker_drain(w);
			ready--;
		}
	}
	shrink_watch(g);
}

/* --- all of them --- */

void
worker_signal_all(const struct generation *only, int signo)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		if (only == NULL || g == only)
			TAILQ_FOREACH(w, &g->workers, entry)
				kill(w->pid, signo);
}

struct worker *
worker_find(pid_t pid)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			if (w->pid == pid)
				return w;
	return NULL;
}
