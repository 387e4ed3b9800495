#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>

#include "conf/conf.h"
#include "fdname.h"
#include "inbox.h"
#include "ledger.h"
#include "log.h"
#include "master.h"
#include "proc/child.h"
#include "proc/inherit.h"
#include "proc/logproc.h"
#include "proc/side.h"
#include "proc/writer.h"
#include "proto.h"
#include "safe.h"

#define RESTART		1000		/* ms after the logger has died */
#define END_LIMIT	1000		/* ms that the last lines may take */
#define TURN_MESSAGES	64
#define OPEN_AGAIN	500		/* ms until it may ask once more */
#define NOBODY		"-"		/* in the place of a user */
#define END_LOOK	5

static const char *target_of(const struct conf *);
static bool	 standard(int);
static bool	 waits_for_reader(const char *);
static int	 refused(const char *, const char *, const char **);
static int	 settings(const struct conf *);
static int	 launch(void);
static int	 launch_on(int);
static void	 logger_event(struct ev_io *, int);
static void	 logger_says(void);
static void	 logger_message(struct ev_io *, struct ipc_msg *);
static void	 logger_event_line(struct proto_event *);
static void	 logger_broken(const char *);
static void	 logger_gone(void);
static void	 logger_exit(struct child *, int);
static void	 logger_restart(struct ev_timer *);
static void	 file_asked(void);
static void	 file_again(void);
static void	 file_hand(void);
static void	 logger_wait(void);
static void	 logger_leave(void);
static void	 logger_finish(void);

static struct ev_io	 channel = { .fd = -1 };
static struct child	 logger = CHILD("logger", logger_exit,
    CHILD_OWN | CHILD_STDERR);
static struct inbox	 inbox;
static struct ev_timer	 restart_timer = EV_TIMER(logger_restart);
static char		*target;
static char		*user;		/* "": nobody else */
static uint32_t		 uid, gid;
static int		 facility, sandbox;
static bool		 file_due;	/* is to be opened for it */
static bool		 file_told;	/* that it cannot be */
static bool		 started;
static bool		 leaving;	/* another comes behind it */

static const char *
target_of(const struct conf *c)
{
	/* The logger has no other way to what a name of ours stands for. */
	if (c->log_to != NULL)
		switch (fdname_of(c->log_to)) {
		case STDOUT_FILENO:
			return "stdout";
		case STDERR_FILENO:
			return "stderr";
		default:
			return c->log_to;
		}
	return master.opt.background || master.opt.inetd ? "syslog" : "stderr";
}

bool
logproc_started(void)
{
	return started;
}

int
logproc_check(const struct conf *conf, const char **errp)
{
	const char *err, *to = conf->log_to;
	int fd;

	if (to == NULL || to[0] != '/')
		return 0;
	if ((fd = fdname_of(to)) != -1) {
		if (!standard(fd))
			return refused(to, "that descriptor is closed at the "
			    "start; only standard output and error stay",
			    errp);
		return !master.opt.background ? 0 : refused(to, "in the "
		    "background that is nowhere; use a file or \"syslog\"",
		    errp);
	}
	fd = safe_open(to, O_WRONLY | O_APPEND | O_CREAT, 0640, &err);
	if (fd == -1 && !(errno == ENXIO && waits_for_reader(to)))
		return refused(to, err, errp);
	if (fd != -1)
		close(fd);
	return 0;
}

static bool
standard(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

/* The logger goes on trying; other files that cannot be opened stay so. */
static bool
waits_for_reader(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

static int
refused(const char *to, const char *reason, const char **errp)
{
	static char why[512];

	snprintf(why, sizeof(why), "log file %s: %s", to, reason);
	*errp = why;
	return -1;
}

int
logproc_start(const struct conf *conf, const char **errp)
{
	if (settings(conf) == -1) {
		*errp = log_why(errno);
		return -1;
	}
	if (writer_start() == -1 || launch() == -1) {
		*errp = log_why(errno);
		writer_close();
		return -1;
	}
	started = true;
	log_set_level(conf->log_level);
	return 0;
}

static int
settings(const struct conf *conf)
{
	char *to = strdup(target_of(conf));
	char *who = strdup(conf->log_user != NULL && geteuid() == 0 ?
	    conf->log_user : "");

	if (to == NULL || who == NULL) {
		free(to);
		free(who);
		return -1;
	}
	free(target);
	free(user);
	target = to;
	user = who;
	uid = conf->log_uid;
	gid = conf->log_gid;
	facility = conf->log_facility;
	sandbox = conf->sandbox;
	return 0;
}

static int
launch(void)
{
	if (side_open(&channel, IO_READ | IO_WRITE, logger_event,
	    launch_on) == -1)
		return -1;
	logproc_reopen();
	writer_logger(channel.fd);
	return 0;
}

static int
launch_on(int fd)
{
	const struct child_fd fds[] = { { fd, PROTO_FD_CHANNEL },
	    { STDOUT_FILENO, STDOUT_FILENO } };
	const unsigned n = strcmp(target, "stdout") == 0 ? 2 : 1;
	char path[1024], number[16], word[16], u[16], g[16];
	char called[] = "logger";
	char *argv[] = { called, target, number, word, user, u, g, NULL };

	master_libexec("logger", path, sizeof(path));
	snprintf(number, sizeof(number), "%d", facility);
	snprintf(word, sizeof(word), "%d", sandbox);
	snprintf(u, sizeof(u), "%" PRIu32, uid);
	snprintf(g, sizeof(g), "%" PRIu32, gid);
	return child_start(&logger, path, argv, fds, n);
}

static void
logger_event(struct ev_io *io, int what)
{
	(void)io;
	if (what & IO_READ)
		logger_says();
	if (channel.fd == -1)
		return;
	file_hand();
	writer_hand();
}

static void
logger_says(void)
{
	if (inbox_read(&inbox, &channel, PROTO_OF_LOG, TURN_MESSAGES,
	    logger_message) == 0)
		return;
	if (errno == 0)
		logger_broken(NULL);	/* dead, or soon */
	else if (errno == EPROTO)
		logger_broken("speaks out of turn: killed");
	else
		ev_io_again(&channel, IO_READ);
}

static void
logger_message(struct ev_io *io, struct ipc_msg *m)
{
	(void)io;
	if (m->type == MSG_OPEN)
		file_asked();
	else if (m->type == MSG_EVENT)
		logger_event_line(&m->event);
	else
		writer_ended(m->ended.number);
}

/* What the others have warned of: what we do is known already. */
static void
logger_event_line(struct proto_event *e)
{
	e->who[sizeof(e->who) - 1] = '\0';
	e->text[sizeof(e->text) - 1] = '\0';
	ledger_add_event((int)MIN(e->level, LOG_DEBUG), e->who, e->text);
}

/* As if it had died: what it has not read is there for the next one. */
static void
logger_broken(const char *why)
{
	logger_gone();
	if (!leaving)
		child_kill(&logger, SIGKILL, why);
}

static void
logger_gone(void)
{
	writer_logger(-1);
	inbox_end(&inbox);
	ev_io_close(&channel);
}

/* Lines that come meanwhile wait in their sockets. */
static void
logger_exit(struct child *c, int status)
{
	(void)c;
	(void)status;
	logger_gone();
	ev_timer_set(&restart_timer, leaving ? 0 : RESTART);
	leaving = false;
}

/* One that was told to leave and hangs is left; reaper.c takes it in. */
static void
logger_restart(struct ev_timer *t)
{
	if (leaving) {
		child_forget(&logger);
		logger_gone();
		leaving = false;
	}
	if (!child_runs(&logger) && launch() == -1)
		ev_timer_set(t, RESTART);
}

void
logproc_reopen(void)
{
	file_told = false;
	file_again();
}

/* Not as often as somebody likes who has taken it over. */
static void
file_asked(void)
{
	static uint64_t next;

	if (ev_now() < next)
		return;
	next = ev_now() + OPEN_AGAIN;
	file_again();
}

static void
file_again(void)
{
	file_due = target[0] == '/' && channel.fd != -1;
	file_hand();
}

/* Better a file that was renamed than none: where it cannot be opened, the
 * logger goes on with that, and asks again. */
static void
file_hand(void)
{
	const struct proto_file item = { .reserved = 0 };
	const char *err;
	int fd;

	if (!file_due)
		return;
	fd = safe_open(target, O_WRONLY | O_APPEND | O_CREAT, 0640, &err);
	if (fd == -1) {
		if (!file_told)
			log_warnx("log file %s cannot be opened: %s", target,
			    err);
		file_told = true;
		file_due = false;
		return;
	}
	file_told = false;
	/* An event tells when a full channel has room. */
	file_due = ipc_send(channel.fd, MSG_FILE, &item, 1, &fd) == -1 &&
	    errno == EAGAIN;
	close(fd);
}

/* It writes what is there and ends; then the next one begins, so that lines
 * stay in their order. */
static void
logger_leave(void)
{
	if (!child_runs(&logger))
		return;		/* one will be started */
	logger_finish();
	leaving = true;
	ev_timer_set(&restart_timer, END_LIMIT);
}

/* Root without CAP_KILL may not signal it. */
static void
logger_finish(void)
{
	const struct proto_finish end = { .reserved = 0 };

	if (channel.fd != -1)
		ipc_send(channel.fd, MSG_FINISH, &end, 1, NULL);
}

void
logproc_reload(const struct conf *conf)
{
	const char *to = target_of(conf);
	const char *who = conf->log_user != NULL && geteuid() == 0 ?
	    conf->log_user : "";

	if (strcmp(to, target) == 0 && strcmp(who, user) == 0 &&
	    uid == conf->log_uid && gid == conf->log_gid &&
	    conf->log_facility == facility && (int)conf->sandbox == sandbox)
		logproc_reopen();
	else if (settings(conf) == -1)
		log_warn("log target");
	else
		logger_leave();
}

void
logproc_save(FILE *f)
{
	fprintf(f, "log %d %d %" PRIu32 " %" PRIu32 " %d %ld %d %s %s\n",
	    facility, sandbox, uid, gid,
	    channel.fd == -1 ? -1 : inherit_fd(channel.fd),
	    child_runs(&logger) ? (long)logger.pid : -1L, leaving,
	    *user != '\0' ? user : NOBODY, target);
	writer_save(f);
}

bool
logproc_take(const char *line)
{
	int at, to, fd, leaves;
	long pid;

	if (sscanf(line, "log %d %d %" SCNu32 " %" SCNu32 " %d %ld %d %n%*s%n",
	    &facility, &sandbox, &uid, &gid, &fd, &pid, &leaves, &at,
	    &to) != 7 || line[to] != ' ' ||
	    (target = strdup(line + to + 1)) == NULL ||
	    (user = strndup(line + at, (size_t)(to - at))) == NULL)
		return false;
	if (strcmp(user, NOBODY) == 0)
		*user = '\0';
	started = true;
	if (pid == -1 || child_adopt(&logger, (pid_t)pid) == -1 || fd == -1) {
		ev_timer_set(&restart_timer, RESTART);
		return fd == -1;
	}
	leaving = leaves != 0;
	if (leaving)
		ev_timer_set(&restart_timer, END_LIMIT);
	writer_adopt(fd);
	return ev_io_add(&channel, fd, IO_READ | IO_WRITE,
	    logger_event) == 0;
}

/* Containers and supervisors kill what is left when we have ended, and the
 * last lines with it. */
static void
logger_wait(void)
{
	int ms;

	for (ms = 0; ms < END_LIMIT; ms += END_LOOK) {
		if (!child_runs(&logger) ||
		    waitpid(logger.pid, NULL, WNOHANG) != 0)
			return;
		poll(NULL, 0, END_LOOK);
	}
}

void
logproc_stop(void)
{
	if (!started)
		return;
	started = false;
	logger_finish();
	writer_close();
	ev_io_close(&channel);
	logger_wait();
	ev_timer_stop(&restart_timer);
	free(target);
	free(user);
	target = user = NULL;
}
