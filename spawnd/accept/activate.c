#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <syslog.h>

#include "accept/activate.h"
#include "accept/handoff.h"
#include "ev.h"
#include "life.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/reload.h"
#include "proc/worker.h"
#include "shm.h"

#define SD_FIRST	3	/* descriptor, SD_LISTEN_FDS_START */
#define SOCKETS_MAX	1024
#define ERRORS_MAX	8192	/* bytes that are sent to syslog */
#define IDLE_LOOK	1000	/* ms until shrink-after is looked up again */

struct passed {
	TAILQ_ENTRY(passed)	 entry;
	char			*name;	/* "": none was given */
	bool			 inetd;	/* for the section, whatever its name */
	int			 fd;
};

static void	open_first_three(void);
static int	listen_fds(void);
static void	passed_add(int, const char *, size_t, bool);
static int	passed_take(struct passed *);
static void	passed_free(struct passed *);
static void	passed_prepare(const struct passed *);
static const char *unfit(int);
static bool	same_file(int, int);
static void	inetd_take(void);
static void	inetd_report(void);
static bool	inetd_busy(void);
static void	inetd_idle(struct ev_timer *);

static TAILQ_HEAD(, passed)	 sockets = TAILQ_HEAD_INITIALIZER(sockets);
static int			 errors = -1;	/* stands in for stderr */
static struct ev_timer		 idle_timer;
static uint64_t			 idle_since, idle_seen;

/* --- sd_listen_fds(3) --- */

void
activate_collect(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int i, n = listen_fds();
	size_t len;

	open_first_three();
	for (i = 0; i < n; i++) {
		len = names == NULL ? 0 : strcspn(names, ":");
		passed_add(SD_FIRST + i, names, len, false);
		if (names != NULL)
			names = names[len] == ':' ? names + len + 1 : NULL;
	}
	closefrom(SD_FIRST + n);
	/* They are for us, not for our children. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_PIDFDID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* Or else a file of ours would be taken for the standard error. */
static void
open_first_three(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", O_RDWR) == -1)
			_exit(1);
}

/* How many there are for this process. */
static int
listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *err;
	long long n;

	if (pid == NULL || fds == NULL ||
	    strtonum(pid, 1, LLONG_MAX, &err) != (long long)getpid())
		return 0;
	n = strtonum(fds, 0, SOCKETS_MAX, &err);
	if (err != NULL)
		fatalx("LISTEN_FDS %s: %s", fds, err);
	return (int)n;
}

static void
passed_add(int fd, const char *name, size_t len, bool inetd)
{
	struct passed *p;

	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    (p->name = strndup(name == NULL ? "" : name, len)) == NULL)
		fatal("start");
	p->fd = fd;
	p->inetd = inetd;
	TAILQ_INSERT_TAIL(&sockets, p, entry);
}

void
activate_open(void)
{
	const struct passed *p;

	if (master.opt.inetd)
		inetd_take();
	TAILQ_FOREACH(p, &sockets, entry)
		passed_prepare(p);
}

static void
passed_prepare(const struct passed *p)
{
	const char *why = unfit(p->fd);
	int flags;

	if (why != NULL && p->inetd)
		fatalx("-i: descriptor 0 %s; in inetd the service must be "
		    "\"stream\" and \"wait\"", why);
	if (why != NULL)
		fatalx("descriptor %d%s%s, passed by the supervisor, %s",
		    p->fd, p->name[0] != '\0' ? " " : "", p->name, why);
	if ((flags = fcntl(p->fd, F_GETFL)) == -1 ||
	    fcntl(p->fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(p->fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("descriptor %d", p->fd);
}

/* Why the descriptor is no socket to accept sessions from, or NULL. */
static const char *
unfit(int fd)
{
	struct addr a;
	int type, listens = 0;
	socklen_t tlen = sizeof(type), llen = sizeof(listens);

	a.len = sizeof(a.un);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &tlen) == -1)
		return errno == EBADF ? "is not open" : "is not a socket";
	if (type != SOCK_STREAM)
		return "is not a stream socket";
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &llen) == -1 ||
	    !listens)
		return "does not listen";
	if (getsockname(fd, &a.sa, &a.len) == -1 ||
	    (a.sa.sa_family != AF_INET && a.sa.sa_family != AF_INET6 &&
	    a.sa.sa_family != AF_UNIX))
		return "is neither a TCP nor a unix socket";
	return NULL;
}

int
activate_by_name(const char *name)
{
	struct passed *p;

	TAILQ_FOREACH(p, &sockets, entry)
		if (p->inetd || strcmp(p->name, name) == 0)
			return passed_take(p);
	return -1;
}

int
activate_by_address(const struct addr *a)
{
	struct passed *p;
	struct addr own;

	TAILQ_FOREACH(p, &sockets, entry) {
		activate_address(p->fd, &own);
		if (addr_cmp(&own, a) == 0)
			return passed_take(p);
	}
	return -1;
}

static int
passed_take(struct passed *p)
{
	int fd = p->fd;

	p->fd = -1;
	passed_free(p);
	return fd;
}

static void
passed_free(struct passed *p)
{
	TAILQ_REMOVE(&sockets, p, entry);
	if (p->fd != -1)
		close(p->fd);
	free(p->name);
	free(p);
}

void
activate_close_rest(void)
{
	char text[ADDR_STRLEN];
	struct passed *p;
	struct addr a;

	while ((p = TAILQ_FIRST(&sockets)) != NULL) {
		activate_address(p->fd, &a);
		log_warnx("the passed socket %s, %s%s, is for no listener: "
		    "closed", addr_str(&a, text),
		    p->name[0] != '\0' ? "named " : "without a name", p->name);
		passed_free(p);
	}
}

void
activate_address(int fd, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->un);
	if (getsockname(fd, &a->sa, &a->len) == -1 ||
	    a->sa.sa_family != AF_UNIX)
		return;
	a->un.sun_path[sizeof(a->un.sun_path) - 1] = '\0';
	/* In the abstract name space, as it is usually written. */
	if (a->un.sun_path[0] == '\0')
		a->un.sun_path[0] = '@';
}

/* --- inetd(8), wait --- */

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) != -1 && fstat(b, &y) != -1 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/*
 * inetd makes its socket the standard output and error too, where nobody is
 * to read our errors: they are kept, and sent to syslog.
 */
static void
inetd_take(void)
{
	const bool out = same_file(STDIN_FILENO, STDOUT_FILENO);
	const bool err = same_file(STDIN_FILENO, STDERR_FILENO);
	int fd, null;

	if ((fd = fcntl(STDIN_FILENO, F_DUPFD, SD_FIRST)) == -1 ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		fatal("-i");
	if (err && (errors = shm_create("spawnd-errors", 0)) != -1 &&
	    (dup2(errors, STDERR_FILENO) == -1 || atexit(inetd_report) != 0))
		fatal("-i");
	dup2(null, STDIN_FILENO);
	if (out)
		dup2(null, STDOUT_FILENO);
	close(null);
	passed_add(fd, NULL, 0, true);
}

void
activate_log_begins(void)
{
	inetd_report();
}

static void
inetd_report(void)
{
	char text[ERRORS_MAX + 1], *line, *rest = text;
	ssize_t n;
	int null;

	if (errors == -1)
		return;
	n = pread(errors, text, ERRORS_MAX, 0);
	text[n > 0 ? n : 0] = '\0';
	openlog("spawnd", LOG_PID, LOG_DAEMON);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			syslog(LOG_ERR, "%s", line);
	closelog();
	close(errors);
	errors = -1;
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
}

void
activate_watch_idle(void)
{
	if (!master.opt.inetd)
		return;
	idle_since = ev_now();
	ev_timer_init(&idle_timer, inetd_idle);
	ev_timer_set(&idle_timer, 0);
}

/* Has anything happened since the last look? */
static bool
inetd_busy(void)
{
	const uint64_t seen = master.accepted + master.refused;
	const struct generation *g;
	const struct worker *w;
	bool busy = seen != idle_seen || handoff_kept() != 0 ||
	    !reload_idle();

	idle_seen = seen;
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			busy |= worker_users(w) != 0;
	return busy;
}

static void
inetd_idle(struct ev_timer *t)
{
	const uint64_t limit = master.gen == NULL ? 0 :
	    master.gen->conf->shrink_after;

	if (master.stopping)
		return;
	if (limit == 0 || inetd_busy())
		idle_since = ev_now();
	if (limit == 0) {
		ev_timer_set(t, IDLE_LOOK);	/* after a start or a reload */
	} else if (ev_now() - idle_since < limit) {
		ev_timer_set(t, limit / 4 + 1);
	} else {
		log_info("idle: inetd takes over");
		life_stop(false);
	}
}
