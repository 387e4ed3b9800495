#include "compat.h"

#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>

#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/auth.h"
#include "proc/channel.h"
#include "proc/foreign.h"
#include "proc/generation.h"
#include "proc/inside.h"
#include "proc/load.h"
#include "proc/process.h"
#include "proc/recproc.h"
#include "proc/seat.h"
#include "proc/shakes.h"
#include "proc/tickets.h"
#include "proc/totals.h"
#include "proc/watch.h"
#include "proc/writer.h"

static int	process_launch(struct worker *);
static void	process_child(struct worker *);
static int	process_exec(struct worker *, int);
static unsigned	process_fds(const struct worker *, int, struct child_fd *);
static int	process_begin(struct worker *);
static void	process_begun_ended(void);
static void	process_ended(struct child *, int);
static bool	process_is_done(const struct worker *);
static void	process_died(const struct worker *, unsigned long long);
static unsigned long long process_open(const struct worker *, bool);

static struct worker	*inside;	/* lives in this process */
static bool		 spent;

int
process_start(struct generation *g)
{
	struct worker *w;

	if ((w = worker_new(g, WORKER_NOSLOT)) == NULL ||
	    process_launch(w) == -1) {
		log_warnx("cannot start a worker: %s", log_why(errno));
		if (w != NULL)
			worker_free(w);
		return -1;
	}
	board_add(&ledger->started, 1);
	watch_begin(w);
	log_debug("worker %ld started in slot %u", (long)w->child.pid,
	    w->slot);
	return 0;
}

static int
process_launch(struct worker *w)
{
	int log, r, saved;

	process_child(w);
	if (board_slot_make(&w->gen->board, w->slot) == -1 ||
	    load_worker(w) == -1 || seat_worker(w) == -1 ||
	    channel_open(w) == -1)
		return -1;
	tickets_worker(w);
	if (auth_worker(w) == -1 || recproc_worker(w) == -1)
		return -1;
	if (w->gen->conf->single && inside_free())
		return process_begin(w);
	if ((w->log = writer_new(foreign_who(w), &log)) == NULL)
		return -1;
	r = w->gen->conf->exec != NULL ? foreign_start(w, log) :
	    process_exec(w, log);
	saved = errno;
	close(log);
	errno = saved;
	if (r == 0)
		writer_begin(w->log, w->child.pid);
	recproc_worker_runs(w);
	return r;
}

/* One of ours does not get signals before it listens to them. */
static void
process_child(struct worker *w)
{
	child_init(&w->child, "worker", w->gen->conf->exec != NULL ?
	    CHILD_WORKER : CHILD_OWN | CHILD_WORKER, process_ended);
	w->child.conf = w->gen->conf;
}

static int
process_exec(struct worker *w, int log)
{
	struct child_fd fds[PROTO_FD_END];
	const unsigned n = process_fds(w, log, fds);
	char path[1024], gen[16], slot[16], version[16];
	char called[] = "relay";
	char *argv[] = { called, gen, slot, version, NULL };

	master_libexec("relay", path, sizeof(path));
	snprintf(gen, sizeof(gen), "%u", w->gen->number);
	snprintf(slot, sizeof(slot), "%u", w->slot);
	snprintf(version, sizeof(version), "%d", PROTO_VERSION);
	return child_start(&w->child, path, argv, fds, n);
}

/* What it is given; returns how many there are. */
static unsigned
process_fds(const struct worker *w, int log, struct child_fd *fds)
{
	const struct generation *g = w->gen;
	const struct child_fd all[] = {
		{ w->its_end,		PROTO_FD_CHANNEL },
		{ g->conf_fd,		PROTO_FD_CONF },
		{ g->board.ro,		PROTO_FD_BOARD },
		{ log,			PROTO_FD_LOG },
		{ g->board.slots[w->slot].fd, PROTO_FD_SLOT },
		{ g->secrets_fd,	PROTO_FD_SECRETS },
		{ g->targets.ro,	PROTO_FD_TARGETS },
		{ g->buckets_fd,	PROTO_FD_BUCKETS },
		{ w->feed,		PROTO_FD_FEED },
		{ w->feed_its,		PROTO_FD_WAKE }
	};
	unsigned i, n = 0;

	for (i = 0; i < nitems_of(all); i++)
		if (all[i].fd != -1)
			fds[n++] = all[i];
	return n;
}

/* Its lines are the master's. */
static int
process_begin(struct worker *w)
{
	struct child_fd given[PROTO_FD_END];
	int fds[PROTO_FD_END];
	const char *err;
	unsigned i, n = process_fds(w, -1, given);

	for (i = 0; i < nitems_of(fds); i++)
		fds[i] = -1;
	while (n-- > 0)
		fds[given[n].place] = given[n].fd;
	w->child.inside = true;
	w->child.pid = getpid();
	inside = w;
	if (inside_start(w->gen->number, w->slot, fds, process_begun_ended,
	    &err) == 0) {
		recproc_worker_runs(w);
		return 0;
	}
	inside = NULL;
	log_write(LOG_ERR, "%s", err);
	errno = ECANCELED;
	return -1;
}

static void
process_begun_ended(void)
{
	process_ended(&inside->child, 0);
}

struct worker *
process_inside(void)
{
	return inside;
}

bool
process_spent(void)
{
	return spent;
}

static void
process_ended(struct child *c, int status)
{
	struct worker *w = container_of(c, struct worker, child);

	w->status = status;
	ev_timer_stop(&w->timer);
	worker_lose(w, WORKER_DEAD);
}

void
process_bury(struct worker *w)
{
	if (w == inside) {
		inside = NULL;
		spent = true;
		inside_end();
	}
	totals_fold(w);
	shakes_fold(w);
	worker_free(w);
}

void
process_report(struct worker *w, bool all)
{
	const long pid = (long)w->child.pid;

	w->reported = true;
	load_worker_gone(w);
	if (process_is_done(w))
		log_debug("worker %ld has ended", pid);
	else
		process_died(w, process_open(w, all));
}

/* As it was to. What nobody has asked to go, and has not served, has failed. */
static bool
process_is_done(const struct worker *w)
{
	if (WIFEXITED(w->status))
		return WEXITSTATUS(w->status) == 0 && !w->early;
	return w->gen->old && WTERMSIG(w->status) == SIGINT;
}

static void
process_died(const struct worker *w, unsigned long long open)
{
	const long pid = (long)w->child.pid;

	w->gen->died++;
	board_add(&ledger->died, 1);
	if (w->child.killed && WIFSIGNALED(w->status) &&
	    WTERMSIG(w->status) == SIGKILL)
		log_warnx("worker %ld was killed, with %llu sessions", pid,
		    open);
	else if (WIFSIGNALED(w->status))
		log_warnx("worker %ld died of signal %d (%s) with %llu "
		    "sessions", pid, WTERMSIG(w->status),
		    strsignal(WTERMSIG(w->status)), open);
	else
		log_warnx("worker %ld failed with status %d and %llu sessions",
		    pid, WEXITSTATUS(w->status), open);
}

/* Those that are really lost. Once the channel has been emptied, also what it
 * had got from there and not yet counted as taken. */
static unsigned long long
process_open(const struct worker *w, bool all)
{
	const uint64_t users = worker_users(w);

	return all ? users : users - MIN(users, worker_untaken(w));
}

void
process_report_rest(const struct worker *w)
{
	const unsigned long long n = worker_untaken(w);

	if (n != 0)
		log_warnx("worker %ld: %llu more sessions are lost with it",
		    (long)w->child.pid, n);
}

bool
process_take(const char *line)
{
	struct generation *g = TAILQ_LAST(&master.gens, generations);
	struct worker own, *w;
	int board, chan, state, due;
	uint32_t log;
	long pid;

	if (g == NULL || sscanf(line, "worker %u %ld %d %d %d %d %d %" SCNu64
	    " %" SCNu64 " %" SCNu64 " %" SCNu32, &own.slot, &pid, &board, &chan,
	    &own.its_end, &state, &due, &own.sent, &own.started,
	    &own.draining_since, &log) != 11 ||
	    own.slot >= BOARD_SLOTS || (w = worker_new(g, own.slot)) == NULL)
		return false;
	process_child(w);
	w->its_end = own.its_end;
	w->log = writer_find(log);
	w->state = (enum worker_state)state;
	w->sent = own.sent;
	w->started = own.started;
	w->draining_since = own.draining_since;
	w->drain_due = due != 0;
	if (w->state == WORKER_STUCK) {	/* as if it had just come back */
		w->state = WORKER_DRAINING;
		w->draining_since = ev_now();
	}
	if (board_slot_reopen(&g->board, w->slot, board) == -1 ||
	    channel_adopt(w, chan) == -1)
		return false;
	/* With sessions that nobody has; all else is on record. */
	if (w->state == WORKER_DEAD) {
		w->child.pid = (pid_t)pid;
		w->reported = true;
		worker_lose(w, WORKER_DEAD);
		return true;
	}
	if (load_worker(w) == -1 || child_adopt(&w->child, (pid_t)pid) == -1)
		return false;
	watch_begin(w);
	return true;
}
