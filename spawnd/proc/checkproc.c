#include "compat.h"

#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>

#include "inbox.h"
#include "log.h"
#include "master.h"
#include "proc/checkproc.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/side.h"
#include "proc/writer.h"
#include "targets.h"

#define SILENCE		60000		/* ms until one that is silent goes */
#define LAST		5000		/* the same, when its channel is shut */
#define AGAIN		1000		/* ms until the next one, at first */
#define AGAIN_MOST	60000
#define YOUNG		60000		/* ms: one that ends before that */
#define TURN_MESSAGES	16

static bool	 wanted(void);
static int	 launch(void);
static int	 launch_on(int);
static int	 launch_with(int, int);
static void	 start_failed(void);
static void	 tell_all(void);
static int	 tell(struct generation *);
static void	 tell_level(void);
static void	 channel_event(struct ev_io *, int);
static void	 channel_message(struct ev_io *, struct ipc_msg *);
static void	 checker_broken(void);
static void	 checker_exit(struct child *, int);
static void	 come_again(struct ev_timer *);
static bool	 asks(const struct conf *);
static void	 end(void);

static int		 level = -1;	/* that was set; -1: none was */
static struct ev_io	 channel = { .fd = -1 };
static struct child	 checker = CHILD("checker", checker_exit,
    CHILD_OWN | CHILD_WORKER);
static struct inbox	 inbox;
static struct ev_timer	 again = EV_TIMER(come_again);
static struct writer	*writer;
static uint64_t		 started;	/* ms */
static uint64_t		 backoff;	/* ms, 0: none died young */
static uint32_t		 uid, gid;	/* it runs as those */
static int		 sandbox;
static bool		 adopted;	/* by an upgrade: of another release */
static bool		 closed;	/* there is to be none any more */

void
checkproc_step(void)
{
	if (closed)
		return;
	if (!wanted()) {
		end();
		backoff = 0;
		ev_timer_stop(&again);
		return;
	}
	if (channel.fd == -1 && !child_runs(&checker) &&
	    !ev_timer_on(&again) && launch() == -1)
		start_failed();
	if (channel.fd == -1)
		return;
	tell_all();
	if (writer_wanted(writer))
		writer_replace(&writer, channel.fd);
}

static bool
wanted(void)
{
	const struct generation *g;

	TAILQ_FOREACH(g, &master.gens, entry)
		if (g->targets.mem != NULL)
			return true;
	return false;
}

/* --- start --- */

static int
launch(void)
{
	struct generation *g;

	if (side_open(&channel, IO_READ, channel_event, launch_on) == -1)
		return -1;
	started = ev_now();
	child_limit(&checker, SILENCE);
	TAILQ_FOREACH(g, &master.gens, entry)
		g->checked = false;
	return 0;
}

static int
launch_on(int fd)
{
	int log, r, saved;

	writer_over(&writer);
	if ((writer = writer_new(WHO_CHECKER, &log)) == NULL)
		return -1;
	r = launch_with(fd, log);
	saved = errno;
	close(log);
	errno = saved;
	if (r == 0)
		writer_begin(writer, checker.pid);
	return r;
}

/* As the workers of the newest generation. */
static int
launch_with(int fd, int log)
{
	const struct child_fd fds[] = { { fd, PROTO_FD_CHANNEL },
	    { log, PROTO_FD_LOG } };
	const struct conf *c =
	    TAILQ_LAST(&master.gens, generations)->conf;
	const char *user = c->user != NULL && geteuid() == 0 ? c->user : "";
	char path[1024], version[16], word[16], u[16], g[16];
	char called[] = "checker";
	char *argv[] = { called, version, word, (char *)(uintptr_t)user, u, g,
	    NULL };

	uid = c->uid;
	gid = c->gid;
	sandbox = (int)c->sandbox;
	adopted = false;
	master_libexec("checker", path, sizeof(path));
	snprintf(version, sizeof(version), "%d", PROTO_VERSION);
	snprintf(word, sizeof(word), "%d", (int)c->sandbox);
	snprintf(u, sizeof(u), "%" PRIu32, c->uid);
	snprintf(g, sizeof(g), "%" PRIu32, c->gid);
	return child_start(&checker, path, argv, fds, nitems_of(fds));
}

static void
start_failed(void)
{
	log_warnx("cannot start the checker: %s", log_why(errno));
	ev_timer_set(&again, AGAIN);
}

/* --- what it is told --- */

static void
tell_all(void)
{
	struct generation *g;

	TAILQ_FOREACH(g, &master.gens, entry) {
		if (g->checked || g->targets.mem == NULL)
			continue;
		if (tell(g) == 0) {
			g->checked = true;
			continue;
		}
		/* It does not read, or the machine lacks what that takes. */
		log_warnx("the checker cannot be told of generation %u: %s",
		    g->number, strerror(errno));
		child_kill(&checker, SIGKILL, NULL);
		end();
		ev_timer_set(&again, AGAIN);
		return;
	}
}

static int
tell(struct generation *g)
{
	const bool secrets = g->secrets_fd != -1;
	const struct proto_check item = { .generation = g->number,
	    .secrets = secrets };
	const int fds[] = { g->conf_fd, g->targets.fd,
		secrets ? g->secrets_fd : g->conf_fd };

	if (ipc_send(channel.fd, MSG_CHECK, &item, 1, fds) == -1)
		return -1;
	tell_level();
	return 0;
}

/* Its channel has room for that, or it is about to be ended. */
static void
tell_level(void)
{
	const struct proto_level item = { .level = (uint32_t)level };

	if (level != -1 && channel.fd != -1)
		ipc_send(channel.fd, MSG_LEVEL, &item, 1, NULL);
}

void
checkproc_level(int wanted)
{
	level = wanted;
	tell_level();
}

void
checkproc_gone(const struct generation *g)
{
	const struct proto_uncheck item = { .generation = g->number };

	if (!g->checked || channel.fd == -1 ||
	    ipc_send(channel.fd, MSG_UNCHECK, &item, 1, NULL) == 0)
		return;
	/* One that knows of it would go on with it for ever. */
	end();
}

/* --- what it says --- */

static void
channel_event(struct ev_io *io, int what)
{
	(void)what;
	if (inbox_read(&inbox, io, PROTO_UP, TURN_MESSAGES,
	    channel_message) == 0)
		return;
	if (errno == 0) {
		ev_io_close(&channel);
		child_limit(&checker, LAST);
	} else
		checker_broken();
}

static void
channel_message(struct ev_io *io, struct ipc_msg *m)
{
	(void)io;
	if (m->type == MSG_ALIVE)
		child_limit(&checker, SILENCE);
	else
		checker_broken();
}

static void
checker_broken(void)
{
	ev_io_close(&channel);
	child_kill(&checker, SIGKILL, "speaks out of turn: killed");
}

/* Nobody knows less than before, so nothing is lost but time. */
static void
checker_exit(struct child *c, int status)
{
	const bool young = ev_now() - started < YOUNG;

	if (c->killed)
		log_warnx("the checker was killed: remotes stay as they are "
		    "until the next one has looked");
	else if (WIFSIGNALED(status))
		log_warnx("the checker died of signal %d (%s): remotes stay "
		    "as they are until the next one has looked",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_warnx("the checker failed with status %d: remotes stay as "
		    "they are until the next one has looked",
		    WEXITSTATUS(status));
	end();
	backoff = !young ? 0 : MIN(AGAIN_MOST, MAX(AGAIN, backoff * 2));
	ev_timer_set(&again, MAX(AGAIN, backoff));
}

static void
come_again(struct ev_timer *t)
{
	(void)t;
	checkproc_step();
}

/* --- its end --- */

/* It has nothing that it could lose. */
static void
end(void)
{
	if (child_runs(&checker)) {
		child_kill(&checker, SIGKILL, NULL);
		child_forget(&checker);
	}
	inbox_end(&inbox);
	ev_io_close(&channel);
	writer_over(&writer);
}

void
checkproc_reload(const struct conf *c)
{
	if (!adopted && !asks(c) && (int)c->sandbox == sandbox &&
	    c->uid == uid && c->gid == gid)
		return;
	end();
	ev_timer_stop(&again);
	checkproc_step();
}

/* Does it look up names? */
static bool
asks(const struct conf *c)
{
	const struct conf_relay *r;
	unsigned i;

	for (r = c->relays; r < c->relays + c->nrelays; r++)
		for (i = 0; i < r->nremotes; i++)
			if (conf_looks_up(r, &r->remotes[i]))
				return true;
	return false;
}

void
checkproc_stop(void)
{
	end();
	ev_timer_stop(&again);
	closed = true;
}

void
checkproc_save(FILE *f)
{
	if (channel.fd != -1 && child_runs(&checker))
		fprintf(f, "checker %d %ld %" PRIu64 " %" PRIu32 "\n",
		    inherit_fd(channel.fd), (long)checker.pid, started,
		    writer_number(writer));
}

bool
checkproc_take(const char *line)
{
	struct generation *g;
	uint32_t number;
	long pid;
	int fd;

	if (sscanf(line, "checker %d %ld %" SCNu64 " %" SCNu32, &fd, &pid,
	    &started, &number) != 4)
		return false;
	adopted = true;
	writer = writer_find(number);
	if (child_adopt(&checker, (pid_t)pid) == -1 ||
	    ev_io_add(&channel, fd, IO_READ, channel_event) == -1)
		return false;
	child_limit(&checker, SILENCE);
	TAILQ_FOREACH(g, &master.gens, entry)
		g->checked = true;
	return true;
}
