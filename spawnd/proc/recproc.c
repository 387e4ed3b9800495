#include "compat.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>

#include "conf/conf.h"
#include "feed.h"
#include "inbox.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/recproc.h"
#include "proc/side.h"
#include "proc/worker.h"
#include "proc/writer.h"
#include "safe.h"

#define AGAIN		1000	/* ms until the next one, at first */
#define AGAIN_MOST	60000
#define YOUNG		60000	/* ms: one that ends before that */
#define END_LIMIT	60000	/* ms for what is left to be written */
#define STOP_LIMIT	2000	/* the same when the master ends */
#define STOP_LOOK	5
#define TURN_MESSAGES	16

struct recorder {
	TAILQ_ENTRY(recorder)	 entry;
	struct generation	*g;		/* NULL: it has ended */
	struct child		 child;
	struct ev_io		 channel;
	struct inbox		 inbox;
	struct ev_timer		 again;
	struct writer		*writer;
	uint64_t		 started;	/* ms */
	uint64_t		 backoff;	/* ms, 0: none died young */
	unsigned		 dumps;		/* files that it was given */
	bool			 full;		/* its channel */
	struct ev_task		 gone;
};

static struct recorder *find(const struct generation *);
static struct recorder *recorder_new(struct generation *);
static void	 recorder_free(struct recorder *);
static void	 recorder_freed(struct ev_task *);
static int	 launch(struct recorder *);
static int	 launch_on(int);
static int	 launch_with(struct recorder *, int, int);
static void	 start_failed(struct recorder *);
static void	 step(struct recorder *);
static bool	 tell_worker(struct recorder *, struct worker *);
static bool	 tell_dump(struct recorder *);
static const char *dump_to(const struct conf_dump *);
static int	 dump_open(const struct conf_dump *, const char **);
static bool	 sent(struct recorder *, int);
static void	 channel_event(struct ev_io *, int);
static void	 channel_message(struct ev_io *, struct ipc_msg *);
static void	 recorder_exit(struct child *, int);
static void	 recorder_died(const struct recorder *, int);
static void	 come_again(struct ev_timer *);
static void	 disconnect(struct recorder *);
static void	 close_fd(int *);
static bool	 take_feed(const char *);

static TAILQ_HEAD(, recorder)	 recorders = TAILQ_HEAD_INITIALIZER(recorders);
static struct recorder		*starting;

bool
recproc_wanted(const struct conf *c)
{
	return c->exec == NULL && (conf_filter_used(c, CONF_FILTER_RECORD) ||
	    conf_filter_used(c, CONF_FILTER_DUMP));
}

static struct recorder *
find(const struct generation *g)
{
	struct recorder *r;

	TAILQ_FOREACH(r, &recorders, entry)
		if (r->g == g)
			break;
	return r;
}

static struct recorder *
recorder_new(struct generation *g)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->g = g;
	r->channel.fd = -1;
	child_init(&r->child, "recorder", CHILD_OWN | CHILD_WORKER,
	    recorder_exit);
	ev_timer_init(&r->again, come_again);
	TAILQ_INSERT_TAIL(&recorders, r, entry);
	return r;
}

static void
recorder_free(struct recorder *r)
{
	TAILQ_REMOVE(&recorders, r, entry);
	disconnect(r);
	ev_timer_stop(&r->again);
	child_forget(&r->child);
	writer_over(&r->writer);
	ev_defer(&r->gone, recorder_freed);
}

static void
recorder_freed(struct ev_task *t)
{
	free(container_of(t, struct recorder, gone));
}

/* --- workers --- */

int
recproc_worker(struct worker *w)
{
	int sv[2];

	if (!w->gen->recorded)
		return 0;
	if ((w->feed = feed_create()) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    sv) == -1) {
		close_fd(&w->feed);
		return -1;
	}
	ipc_no_fds(sv[0]);
	w->feed_wake = sv[0];
	w->feed_its = sv[1];
	return 0;
}

void
recproc_worker_runs(struct worker *w)
{
	close_fd(&w->feed_its);
	mark(MARK_SEND);
}

void
recproc_worker_gone(struct worker *w)
{
	close_fd(&w->feed);
	close_fd(&w->feed_wake);
	close_fd(&w->feed_its);
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* --- start --- */

void
recproc_step(void)
{
	struct generation *g;
	struct recorder *r, *next;

	TAILQ_FOREACH(g, &master.gens, entry)
		if (g->recorded && find(g) == NULL &&
		    recorder_new(g) == NULL)
			log_warn("recorder");
	TAILQ_FOREACH_SAFE(r, &recorders, entry, next)
		if (r->g != NULL)
			step(r);
}

static void
step(struct recorder *r)
{
	struct worker *w;

	if (r->channel.fd == -1) {
		if (child_runs(&r->child) || ev_timer_on(&r->again))
			return;
		if (launch(r) == -1) {
			start_failed(r);
			return;
		}
	}
	while (r->dumps < r->g->conf->ndumps && tell_dump(r))
		;
	TAILQ_FOREACH(w, &r->g->workers, entry)
		if (!tell_worker(r, w))
			break;
	if (r->channel.fd != -1 && writer_wanted(r->writer))
		writer_replace(&r->writer, r->channel.fd);
}

static int
launch(struct recorder *r)
{
	struct worker *w;

	starting = r;
	if (side_open(&r->channel, IO_READ | IO_WRITE, channel_event,
	    launch_on) == -1)
		return -1;
	r->started = ev_now();
	r->dumps = 0;
	r->full = false;
	TAILQ_FOREACH(w, &r->g->workers, entry)
		w->feed_told = false;
	return 0;
}

static int
launch_on(int fd)
{
	struct recorder *r = starting;
	int log, ret, saved;

	writer_over(&r->writer);
	if ((r->writer = writer_new(WHO_RECORDER, &log)) == NULL)
		return -1;
	ret = launch_with(r, fd, log);
	saved = errno;
	close(log);
	errno = saved;
	if (ret == 0)
		writer_begin(r->writer, r->child.pid);
	return ret;
}

static int
launch_with(struct recorder *r, int fd, int log)
{
	const struct child_fd fds[] = { { fd, PROTO_FD_CHANNEL },
	    { r->g->conf_fd, PROTO_FD_CONF }, { log, PROTO_FD_LOG } };
	char path[1024], version[16];
	char called[] = "recorder";
	char *argv[] = { called, version, NULL };

	master_libexec("recorder", path, sizeof(path));
	snprintf(version, sizeof(version), "%d", PROTO_VERSION);
	return child_start(&r->child, path, argv, fds, nitems_of(fds));
}

static void
start_failed(struct recorder *r)
{
	log_warnx("cannot start a recorder: %s", log_why(errno));
	ev_timer_set(&r->again, AGAIN);
}

/* --- what it is told --- */

/* False: no more can be told now. */
static bool
tell_worker(struct recorder *r, struct worker *w)
{
	const struct proto_record item = { .pid = (int32_t)w->child.pid };
	const int fds[] = { w->feed, w->feed_wake };

	if (w->feed == -1 || w->feed_told || w->feed_its != -1)
		return true;
	if (r->channel.fd == -1 || r->full)
		return false;
	if (!sent(r, ipc_send(r->channel.fd, MSG_RECORD, &item, 1, fds)))
		return false;
	w->feed_told = true;
	return true;
}

static bool
tell_dump(struct recorder *r)
{
	const struct conf_dump *d = &r->g->conf->dumps[r->dumps];
	const struct proto_dump item = { .section = r->dumps };
	const char *err;
	bool told;
	int fd;

	if (r->channel.fd == -1 || r->full)
		return false;
	if ((fd = dump_open(d, &err)) == -1) {
		log_warnx("dump %s: %s: %s", d->name, dump_to(d), err);
		r->dumps++;
		return true;
	}
	told = sent(r, ipc_send(r->channel.fd, MSG_DUMP, &item, 1, &fd));
	close(fd);
	r->dumps += told;
	return told;
}

static const char *
dump_to(const struct conf_dump *d)
{
	return d->to != NULL ? d->to : "stderr";
}

static int
dump_open(const struct conf_dump *d, const char **errp)
{
	int fd;

	if (dump_to(d)[0] == '/')
		return safe_open(d->to, O_WRONLY | O_APPEND | O_CREAT, 0600,
		    errp);
	fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	*errp = strerror(errno);
	return fd;
}

/* An event tells when a full channel has room. */
static bool
sent(struct recorder *r, int result)
{
	if (result == 0)
		return true;
	r->full = errno == EAGAIN;
	if (!r->full && !ev_timer_on(&r->again))
		ev_timer_set(&r->again, AGAIN);
	return false;
}

int
recproc_check(const struct conf *c, const char **errp)
{
	static char why[1200];
	const char *err;
	unsigned i;
	int fd;

	for (i = 0; i < c->ndumps; i++) {
		fd = dump_open(&c->dumps[i], &err);
		if (fd == -1) {
			snprintf(why, sizeof(why), "dump %s: %s: %s",
			    c->dumps[i].name, dump_to(&c->dumps[i]), err);
			*errp = why;
			return -1;
		}
		close(fd);
	}
	return 0;
}

void
recproc_reopen(void)
{
	struct recorder *r;

	TAILQ_FOREACH(r, &recorders, entry)
		r->dumps = 0;
	mark(MARK_SEND);
}

static void
channel_event(struct ev_io *io, int what)
{
	struct recorder *r = container_of(io, struct recorder, channel);

	if ((what & IO_READ) && inbox_read(&r->inbox, io, PROTO_UP,
	    TURN_MESSAGES, channel_message) == -1) {
		disconnect(r);		/* dead, or soon */
		child_limit(&r->child, END_LIMIT);
		return;
	}
	r->full = false;
	mark(MARK_SEND);
}

/* It has nothing to say. */
static void
channel_message(struct ev_io *io, struct ipc_msg *m)
{
	struct recorder *r = container_of(io, struct recorder, channel);

	(void)m;
	child_kill(&r->child, SIGKILL, "speaks out of turn: killed");
}

static void
disconnect(struct recorder *r)
{
	inbox_end(&r->inbox);
	ev_io_close(&r->channel);
}

/* --- the end of one --- */

static void
recorder_exit(struct child *c, int status)
{
	struct recorder *r = container_of(c, struct recorder, child);
	const bool young = ev_now() - r->started < YOUNG;

	disconnect(r);
	if (r->g != NULL || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		recorder_died(r, status);
	if (r->g == NULL) {
		recorder_free(r);
		return;
	}
	r->backoff = !young ? 0 : MIN(AGAIN_MOST, MAX(AGAIN, r->backoff * 2));
	ev_timer_set(&r->again, MAX(AGAIN, r->backoff));
}

static void
recorder_died(const struct recorder *r, int status)
{
	const char *lost = r->g == NULL ? "what it had not written is lost" :
	    "sessions go on, what flows until the next one is there may be "
	    "lost";

	if (r->child.killed)
		log_warnx("the recorder was killed: %s", lost);
	else if (WIFSIGNALED(status))
		log_warnx("the recorder died of signal %d (%s): %s",
		    WTERMSIG(status), strsignal(WTERMSIG(status)), lost);
	else
		log_warnx("the recorder failed with status %d: %s",
		    WEXITSTATUS(status), lost);
}

static void
come_again(struct ev_timer *t)
{
	(void)t;
	mark(MARK_SEND);
}

void
recproc_gone(struct generation *g)
{
	struct recorder *r = find(g);

	if (r == NULL)
		return;
	r->g = NULL;
	if (!child_runs(&r->child)) {
		recorder_free(r);
		return;
	}
	disconnect(r);
	child_limit(&r->child, END_LIMIT);
}

/* Containers and supervisors kill what is left when we have ended. */
void
recproc_stop(void)
{
	struct recorder *r, *next;
	int ms;

	TAILQ_FOREACH(r, &recorders, entry)
		disconnect(r);
	for (ms = 0; ms < STOP_LIMIT && !TAILQ_EMPTY(&recorders);
	    ms += STOP_LOOK) {
		TAILQ_FOREACH_SAFE(r, &recorders, entry, next)
			if (!child_runs(&r->child) ||
			    waitpid(r->child.pid, NULL, WNOHANG) != 0)
				recorder_free(r);
		if (!TAILQ_EMPTY(&recorders))
			poll(NULL, 0, STOP_LOOK);
	}
	while ((r = TAILQ_FIRST(&recorders)) != NULL)
		recorder_free(r);
}

/* --- over an upgrade --- */

void
recproc_save(FILE *f)
{
	const struct generation *g;
	const struct recorder *r;
	const struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			if (w->feed != -1)
				fprintf(f, "recorder feed %u %u %d %d %d\n",
				    g->number, w->slot, inherit_fd(w->feed),
				    inherit_fd(w->feed_wake), w->feed_told);
	TAILQ_FOREACH(r, &recorders, entry)
		if (child_runs(&r->child))
			fprintf(f, "recorder %u %d %ld %" PRIu64 " %" PRIu32
			    " %u\n", r->g == NULL ? 0 : r->g->number,
			    r->channel.fd == -1 ? -1 :
			    inherit_fd(r->channel.fd), (long)r->child.pid,
			    r->started, writer_number(r->writer), r->dumps);
}

bool
recproc_take(const char *line)
{
	struct recorder *r;
	struct generation *g;
	unsigned number, dumps;
	uint64_t started;
	uint32_t log;
	long pid;
	int fd;

	if (strncmp(line, "recorder feed ", 14) == 0)
		return take_feed(line);
	if (sscanf(line, "recorder %u %d %ld %" SCNu64 " %" SCNu32 " %u",
	    &number, &fd, &pid, &started, &log, &dumps) != 6)
		return false;
	TAILQ_FOREACH(g, &master.gens, entry)
		if (g->number == number)
			break;
	if ((r = recorder_new(g)) == NULL)
		return false;
	r->started = started;
	r->writer = writer_find(log);
	r->dumps = dumps;
	if (child_adopt(&r->child, (pid_t)pid) == -1) {
		recorder_free(r);
		return false;
	}
	if (fd == -1)
		child_limit(&r->child, END_LIMIT);
	return fd == -1 || ev_io_add(&r->channel, fd, IO_READ | IO_WRITE,
	    channel_event) == 0;
}

static bool
take_feed(const char *line)
{
	unsigned number, slot;
	struct generation *g;
	struct worker *w;
	int feed, wake, told;

	if (sscanf(line, "recorder feed %u %u %d %d %d", &number, &slot, &feed,
	    &wake, &told) != 5)
		return false;
	TAILQ_FOREACH(g, &master.gens, entry)
		if (g->number == number)
			break;
	if (g == NULL || slot >= BOARD_SLOTS || (w = g->slots[slot]) == NULL)
		return false;
	w->feed = feed;
	w->feed_wake = wake;
	w->feed_told = told != 0;
	return true;
}
