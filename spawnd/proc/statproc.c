#include "compat.h"

#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>

#include "conf/conf.h"
#include "inbox.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/side.h"
#include "proc/statproc.h"
#include "proc/writer.h"
#include "shm.h"

#define AGAIN		1000	/* ms until the next one, at first */
#define AGAIN_MOST	60000
#define YOUNG		60000	/* ms: one that ends before that */
#define LAST		5000	/* ms, when its channel is shut */
#define TURN_MESSAGES	1	/* a view may be long */
#define LOOKS		1000	/* ms, in which it may ask */
#define LOOKS_MOST	200	/* so often: some nine times what it does */

static bool	 wanted(void);
static int	 launch_on(int);
static int	 launch_with(int, int);
static void	 start_failed(void);
static void	 send_again(void);
static void	 channel_event(struct ev_io *, int);
static void	 channel_message(struct ev_io *, struct ipc_msg *);
static bool	 too_many(void);
static void	 look(const struct proto_look *);
static void	 answer(const struct proto_seen *, int);
static void	 hold(int *, int);
static void	 let_go(int *);
static int	 view_write(const struct proto_look *, bool *);
static int	 text_hold(const char *, size_t);
static void	 disconnect(void);
static void	 status_broken(void);
static void	 status_exit(struct child *, int);
static void	 come_again(struct ev_timer *);
static void	 end(void);

static bool		(*show)(FILE *, const char *, bool);
static int		 held = -1;	/* who is next, when there is room */
static int		 held_view = -1;	/* the same: a view for it */
static struct proto_seen held_seen;
static struct ev_io	 channel = { .fd = -1 };
static struct child	 status = CHILD("status process", status_exit,
    CHILD_OWN | CHILD_WORKER);
static struct inbox	 inbox;
static struct ev_timer	 again = EV_TIMER(come_again);
static struct writer	*writer;
static uint64_t		 started;	/* ms */
static uint64_t		 backoff;	/* ms, 0: none died young */
static uint32_t		 uid;		/* it runs as that */
static int		 sandbox;
static bool		 closed;	/* there is to be none any more */

void
statproc_begin(bool (*fn)(FILE *, const char *, bool))
{
	show = fn;
}

void
statproc_step(void)
{
	if (closed)
		return;
	if (!wanted()) {
		end();
		backoff = 0;
		ev_timer_stop(&again);
		return;
	}
	if (channel.fd == -1 && !child_runs(&status) && !ev_timer_on(&again)) {
		if (side_open(&channel, IO_READ | IO_WRITE, channel_event,
		    launch_on) == -1)
			start_failed();
		started = ev_now();
		mark(MARK_ACCEPT);
	}
	if (channel.fd != -1 && writer_wanted(writer))
		writer_replace(&writer, channel.fd);
}

static bool
wanted(void)
{
	return master.gen != NULL && conf_has_status(master.gen->conf);
}

/* --- start --- */

static int
launch_on(int fd)
{
	int log, r, saved;

	writer_over(&writer);
	if ((writer = writer_new(WHO_STATUS, &log)) == NULL)
		return -1;
	r = launch_with(fd, log);
	saved = errno;
	close(log);
	errno = saved;
	if (r == 0)
		writer_begin(writer, status.pid);
	return r;
}

static int
launch_with(int fd, int log)
{
	const struct child_fd fds[] = { { fd, PROTO_FD_CHANNEL },
	    { log, PROTO_FD_LOG } };
	const struct conf *c = master.gen->conf;
	const char *user = geteuid() == 0 && c->status_user != NULL ?
	    c->status_user : "";
	char path[1024], version[16], word[16], u[16], g[16];
	char called[] = "status";
	char *argv[] = { called, version, word, (char *)(uintptr_t)user, u, g,
	    NULL };

	uid = c->status_uid;
	sandbox = (int)c->sandbox;
	master_libexec("status", path, sizeof(path));
	snprintf(version, sizeof(version), "%d", PROTO_VERSION);
	snprintf(word, sizeof(word), "%d", (int)c->sandbox);
	snprintf(u, sizeof(u), "%" PRIu32, uid);
	snprintf(g, sizeof(g), "%" PRIu32, c->status_gid);
	return child_start(&status, path, argv, fds, nitems_of(fds));
}

static void
start_failed(void)
{
	log_warnx("cannot start the status process: %s", log_why(errno));
	ev_timer_set(&again, AGAIN);
}

/* --- what it is given --- */

bool
statproc_full(void)
{
	return held != -1 || (channel.fd == -1 && !closed);
}

void
statproc_visit(int fd)
{
	const struct proto_visit item = { .reserved = 0 };

	if (channel.fd != -1 && ipc_send(channel.fd, MSG_VISIT, &item, 1,
	    &fd) == -1 && errno == EAGAIN)
		hold(&held, fd);
	else
		close(fd);
}

static void
hold(int *where, int fd)
{
	let_go(where);
	*where = fd;
	ev_io_again(&channel, IO_WRITE);
}

static void
let_go(int *where)
{
	if (*where != -1)
		close(*where);
	*where = -1;
}

/* An answer is what many wait for: it is not behind them. */
static void
send_again(void)
{
	const int view = held_view, visitor = held;

	held = held_view = -1;
	if (view != -1)
		answer(&held_seen, view);
	if (visitor == -1)
		return;
	statproc_visit(visitor);
	mark(MARK_ACCEPT);
}

static void
channel_event(struct ev_io *io, int what)
{
	if (what & IO_WRITE)
		send_again();
	if (!(what & IO_READ))
		return;
	if (inbox_read(&inbox, io, PROTO_UP, TURN_MESSAGES,
	    channel_message) == 0)
		return;
	if (errno == 0) {
		disconnect();
		child_limit(&status, LAST);
	} else
		status_broken();
}

static void
channel_message(struct ev_io *io, struct ipc_msg *m)
{
	(void)io;
	if (m->type == MSG_LOOK && !too_many() &&
	    memchr(m->look.view, '\0', sizeof(m->look.view)) != NULL)
		look(&m->look);
	else
		status_broken();
}

/* Each look is work of the master. */
static bool
too_many(void)
{
	static uint64_t since;
	static unsigned looks;

	if (ev_now() - since >= LOOKS) {
		since = ev_now();
		looks = 0;
	}
	return ++looks > LOOKS_MOST;
}

/* It asks again if it gets no answer. */
static void
look(const struct proto_look *what)
{
	struct proto_seen item = { .number = what->number,
	    .stopping = master.stopping };
	bool known;
	int fd;

	if ((fd = view_write(what, &known)) == -1) {
		log_warn("a view for the status process");
		return;
	}
	item.known = known;
	answer(&item, fd);
}

static void
answer(const struct proto_seen *item, int fd)
{
	if (ipc_send(channel.fd, MSG_SEEN, item, 1, &fd) == -1 &&
	    errno == EAGAIN) {
		held_seen = *item;
		hold(&held_view, fd);
	} else
		close(fd);
}

static int
view_write(const struct proto_look *what, bool *known)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int fd = -1;

	if (f == NULL)
		return -1;
	*known = show(f, what->view, what->json != 0);
	if (fclose(f) != EOF)
		fd = text_hold(text, len);
	free(text);
	return fd;
}

static int
text_hold(const char *text, size_t len)
{
	int fd = shm_create("spawnd-view", 0);
	ssize_t n;

	if (fd == -1)
		return -1;
	for (; len > 0; text += n, len -= (size_t)n)
		if ((n = write(fd, text, len)) <= 0)
			break;
	if (len == 0 && shm_seal(fd) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
disconnect(void)
{
	inbox_end(&inbox);
	ev_io_close(&channel);
	let_go(&held);
	let_go(&held_view);
}

static void
status_broken(void)
{
	disconnect();
	child_kill(&status, SIGKILL, "speaks out of turn: killed");
}

/* --- its end --- */

static void
status_exit(struct child *c, int how)
{
	const bool young = ev_now() - started < YOUNG;

	if (c->killed)
		log_warnx("the status process was killed");
	else if (WIFSIGNALED(how))
		log_warnx("the status process died of signal %d (%s)",
		    WTERMSIG(how), strsignal(WTERMSIG(how)));
	else
		log_warnx("the status process failed with status %d",
		    WEXITSTATUS(how));
	end();
	backoff = !young ? 0 : MIN(AGAIN_MOST, MAX(AGAIN, backoff * 2));
	ev_timer_set(&again, MAX(AGAIN, backoff));
}

static void
come_again(struct ev_timer *t)
{
	(void)t;
	mark(MARK_SEND);
}

/* It has nothing that it could lose. */
static void
end(void)
{
	if (child_runs(&status)) {
		child_kill(&status, SIGKILL, NULL);
		child_forget(&status);
	}
	disconnect();
	writer_over(&writer);
}

void
statproc_reload(const struct conf *c)
{
	if (channel.fd == -1 || (c->status_uid == uid &&
	    (int)c->sandbox == sandbox))
		return;
	end();
	ev_timer_stop(&again);
	mark(MARK_SEND);
}

void
statproc_stop(void)
{
	end();
	ev_timer_stop(&again);
	closed = true;
}

/* --- over an upgrade --- */

void
statproc_save(FILE *f)
{
	if (channel.fd != -1 && child_runs(&status))
		fprintf(f, "status %d %ld %" PRIu64 " %" PRIu32 " %" PRIu32
		    " %d\n", inherit_fd(channel.fd), (long)status.pid,
		    started, writer_number(writer), uid, sandbox);
}

bool
statproc_take(const char *line)
{
	uint32_t number;
	long pid;
	int fd;

	if (sscanf(line, "status %d %ld %" SCNu64 " %" SCNu32 " %" SCNu32
	    " %d", &fd, &pid, &started, &number, &uid, &sandbox) != 6)
		return false;
	writer = writer_find(number);
	return child_adopt(&status, (pid_t)pid) == 0 &&
	    ev_io_add(&channel, fd, IO_READ | IO_WRITE, channel_event) == 0;
}
