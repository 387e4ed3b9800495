#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "conf/conf.h"
#include "ev.h"
#include "fdname.h"
#include "ipc.h"
#include "log.h"
#include "master.h"
#include "proc/child.h"
#include "proc/inherit.h"
#include "proc/logproc.h"
#include "proto.h"
#include "safe.h"

#define LOG_BUFFER	(1024 * 1024)	/* bytes of lines under way, if root */
#define RESTART		1000		/* ms after the logger has died */
#define END_LIMIT	1000		/* ms that the last lines may take */
#define END_LOOK	5

static const char *target_of(const struct conf *);
static bool	 standard(int);
static bool	 waits_for_reader(const char *);
static int	 refused(const char *, const char *, const char **);
static int	 launch(void);
static void	 logger_exit(struct child *, int);
static void	 logger_restart(struct ev_timer *);
static void	 logger_wait(void);
static void	 logger_leave(void);

/* Both ends stay open here: lines wait while there is no logger, and a new
 * one goes on with them. */
static int		 pair[2] = { -1, -1 };
static struct child	 logger = CHILD("logger", logger_exit,
    CHILD_OWN | CHILD_STDERR);
static struct ev_timer	 restart_timer = EV_TIMER(logger_restart);
static char		*target;
static int		 facility, sandbox;

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

int
logproc_fd(void)
{
	return pair[1];
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
	const int size = LOG_BUFFER;
	const char *to = target_of(conf);

	if (ipc_pair(pair) == -1 || (target = strdup(to)) == NULL) {
		*errp = log_why(errno);
		return -1;
	}
#ifdef SO_SNDBUFFORCE
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
#else
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
#endif
	facility = conf->log_facility;
	sandbox = conf->sandbox;
	if (launch() == -1) {
		*errp = log_why(errno);
		return -1;
	}
	log_init(pair[1], "spawnd");
	log_set_level(conf->log_level);
	return 0;
}

static int
launch(void)
{
	const struct child_fd fds[] = { { pair[0], PROTO_FD_CHANNEL },
	    { STDOUT_FILENO, STDOUT_FILENO } };
	const unsigned n = strcmp(target, "stdout") == 0 ? 2 : 1;
	char path[1024], number[16], word[16];
	char *argv[] = { path, target, number, word, NULL };

	master_libexec("logger", path, sizeof(path));
	snprintf(number, sizeof(number), "%d", facility);
	snprintf(word, sizeof(word), "%d", sandbox);
	return child_start(&logger, path, argv, fds, n);
}

/* Lines that come meanwhile wait in the socket. */
static void
logger_exit(struct child *c, int status)
{
	(void)c;
	(void)status;
	ev_timer_set(&restart_timer, RESTART);
}

static void
logger_restart(struct ev_timer *t)
{
	if (!child_runs(&logger) && launch() == -1)
		ev_timer_set(t, RESTART);
}

void
logproc_reopen(void)
{
	child_kill(&logger, SIGUSR1, NULL);
}

/* It writes what it has read and ends; reaper.c takes what is left. */
static void
logger_leave(void)
{
	child_kill(&logger, SIGUSR2, NULL);
	child_forget(&logger);
}

void
logproc_reload(const struct conf *conf)
{
	const char *to = target_of(conf);
	char *copy;

	if (strcmp(to, target) == 0 && conf->log_facility == facility &&
	    (int)conf->sandbox == sandbox) {
		logproc_reopen();
		return;
	}
	if ((copy = strdup(to)) == NULL) {
		log_warn("log target");
		return;
	}
	free(target);
	target = copy;
	facility = conf->log_facility;
	sandbox = conf->sandbox;
	logger_leave();
	if (launch() == -1) {
		log_warn("logger");
		ev_timer_set(&restart_timer, RESTART);
	}
}

void
logproc_save(FILE *f)
{
	fprintf(f, "log %d %d %d %d %ld %s\n", inherit_fd(pair[0]),
	    inherit_fd(pair[1]), facility, sandbox, child_runs(&logger) ?
	    (long)logger.pid : -1L, target);
}

bool
logproc_take(const char *line)
{
	long pid;
	int at;

	if (sscanf(line, "log %d %d %d %d %ld %n", &pair[0], &pair[1],
	    &facility, &sandbox, &pid, &at) != 5 ||
	    (target = strdup(line + at)) == NULL)
		return false;
	log_init(pair[1], "spawnd");
	if (pid == -1)
		return launch() == 0;
	return child_adopt(&logger, (pid_t)pid) == 0;
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
	if (pair[0] == -1)
		return;
	log_init(-1, "spawnd");
	child_kill(&logger, SIGUSR2, NULL);
	close(pair[0]);
	close(pair[1]);
	pair[0] = pair[1] = -1;
	logger_wait();
	ev_timer_stop(&restart_timer);
	free(target);
	target = NULL;
}
