#include "compat.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <signal.h>

#include "conf/conf.h"
#include "drop.h"
#include "env.h"
#include "log.h"
#include "master.h"
#include "proc/child.h"
#include "sandbox.h"

#define CHILD_FDS	8	/* most that a child is given */

static void	child_exec(const struct child *, const char *, char *const [],
		    const struct child_fd *, unsigned) no_return;
static int	child_report(const struct child *, const struct child_fd *,
		    unsigned);
static void	child_place(const struct child *, const struct child_fd *,
		    unsigned, int);
static int	child_above(const struct child_fd *, unsigned);
static int	child_copy(int, int);
static void	child_lacks(void) no_return;
static void	child_null(const struct child *);
static void	child_signals(const struct child *);
static void	child_limits(const struct conf *);
static void	child_folder(const struct conf *);
static void	child_env(const struct conf *);
static int	child_become(const struct child *, const char **);
static void	child_failed(const struct child *, const char *, const char *,
		    int) no_return;
static void	child_exit(struct ev_proc *, int);

void
child_init(struct child *c, const char *what, unsigned flags,
    void (*ended)(struct child *, int))
{
	memset(c, 0, sizeof(*c));
	c->proc.pid = c->pid = -1;
	c->what = what;
	c->flags = flags;
	c->ended = ended;
	ev_timer_init(&c->silence, child_silent);
}

int
child_start(struct child *c, const char *program, char *const argv[],
    const struct child_fd *fds, unsigned n)
{
	pid_t pid;
	int saved;

	if ((pid = fork()) == -1)
		return -1;
	if (pid == 0)
		child_exec(c, program, argv, fds, n);
	if (child_adopt(c, pid) == 0)
		return 0;
	/* Nobody would know what becomes of it; reaper.c takes it in. */
	saved = errno;
	kill(pid, SIGKILL);
	errno = saved;
	return -1;
}

int
child_adopt(struct child *c, pid_t pid)
{
	if (pid < 1) {
		errno = ESRCH;
		return -1;
	}
	if (ev_proc_add(&c->proc, pid, child_exit) == -1)
		return -1;
	c->pid = pid;
	c->killed = false;
	return 0;
}

/* --- between fork(2) and exec(2) --- */

static void
child_exec(const struct child *c, const char *program, char *const argv[],
    const struct child_fd *fds, unsigned n)
{
	const int above = child_above(fds, n);
	const char *err;
	const int report = child_copy(child_report(c, fds, n), above + 1);

	setsid();
	child_place(c, fds, n, above);
	if (dup2(report, above) == -1 ||
	    fcntl(above, F_SETFD, FD_CLOEXEC) == -1)
		_exit(127);
	closefrom(above + 1);
	if (c->dir != NULL && chdir(c->dir) == -1 && chdir("/") == -1)
		_exit(127);
	child_signals(c);
	if (c->conf != NULL)
		child_limits(c->conf);
	if (c->flags & CHILD_WORKER)
		env_shorten();
	if (c->conf != NULL && !(c->flags & CHILD_OWN))
		child_env(c->conf);
	if (child_become(c, &err) == -1)
		child_failed(c, program, err, above);
	if (c->conf != NULL)
		child_folder(c->conf);
	execv(program, argv);
	child_failed(c, program, strerror(errno), above);
}

/* Where it says that it cannot be executed. */
static int
child_report(const struct child *c, const struct child_fd *fds, unsigned n)
{
	unsigned i;

	if (log_fd() != -1 && !(c->flags & CHILD_STDERR))
		return log_fd();
	for (i = 0; i < n; i++)
		if (fds[i].place == STDERR_FILENO)
			return fds[i].fd;
	return STDERR_FILENO;
}

/* The first number that none of the places has. */
static int
child_above(const struct child_fd *fds, unsigned n)
{
	int above = STDERR_FILENO + 1;
	unsigned i;

	for (i = 0; i < n; i++)
		if (fds[i].place >= above)
			above = fds[i].place + 1;
	return above;
}

/* All are copied out of the way first: the place of one may be the number of
 * another. */
static void
child_place(const struct child *c, const struct child_fd *fds, unsigned n,
    int above)
{
	unsigned i;
	int copy[CHILD_FDS];

	if (n > CHILD_FDS)
		_exit(127);
	for (i = 0; i < n; i++)
		copy[i] = child_copy(fds[i].fd, above + 1);
	child_null(c);
	for (i = 0; i < n; i++)
		if (dup2(copy[i], fds[i].place) == -1)
			child_lacks();
}

static int
child_copy(int fd, int above)
{
	int r = fcntl(fd, F_DUPFD, above);

	if (r == -1)
		child_lacks();
	return r;
}

static void
child_lacks(void)
{
	log_write(LOG_ERR, "cannot start a process: %s", log_why(errno));
	_exit(127);
}

/* A terminal would let it type into the shell that we were started from. The
 * logger writes to it, but in a session of its own it is only a file. */
static void
child_null(const struct child *c)
{
	int null;

	if ((null = open("/dev/null", O_RDWR)) == -1)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (master.opt.background ||
	    (!(c->flags & CHILD_STDERR) && isatty(STDERR_FILENO)))
		dup2(null, STDERR_FILENO);
}

static void
child_signals(const struct child *c)
{
	const int held[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2 };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; (c->flags & CHILD_OWN) && i < nitems_of(held); i++)
		sigaddset(&set, held[i]);
	ev_signal_reset(&set);
}

/* What cannot be had is done without. */
static void
child_limits(const struct conf *c)
{
	const struct rlimit core = { c->core_limit, c->core_limit };
	struct rlimit now;

	if (c->nice != 0)
		(void)!nice((int)c->nice);
	if (c->core_limit == 0 || setrlimit(RLIMIT_CORE, &core) == 0 ||
	    getrlimit(RLIMIT_CORE, &now) == -1)
		return;
	now.rlim_cur = now.rlim_max;	/* it is the lower one */
	setrlimit(RLIMIT_CORE, &now);
}

/* If it may be there at all, as who it has become. */
static void
child_folder(const struct conf *c)
{
	if (c->working_directory != NULL && chdir(c->working_directory) == -1 &&
	    chdir("/") == -1)
		_exit(127);
}

static void
child_env(const struct conf *c)
{
	unsigned i;

	for (i = 0; i < c->nenv; i++)
		putenv((char *)(uintptr_t)c->env[i]);
}

static int
child_become(const struct child *c, const char **errp)
{
	if (c->confined && sandbox_foreign() == -1) {
		*errp = strerror(errno);
		return -1;
	}
	return c->user == NULL ? 0 :
	    drop_root(c->user, c->uid, c->gid, errp);
}

static void
child_failed(const struct child *c, const char *program, const char *why,
    int report)
{
	if (log_fd() != -1 && !(c->flags & CHILD_STDERR))
		log_init(report);
	else if (dup2(report, STDERR_FILENO) != -1)
		log_init(-1);
	log_write(LOG_ERR, "cannot run %s: %s%s", program, why,
	    c->flags & CHILD_OWN ? " (SPAWND_LIBEXEC may name another "
	    "directory)" : "");
	_exit(127);
}

/* --- while it runs --- */

static void
child_exit(struct ev_proc *p, int status)
{
	struct child *c = container_of(p, struct child, proc);

	ev_timer_stop(&c->silence);
	c->ended(c, status);
}

bool
child_runs(const struct child *c)
{
	return c->proc.pid != -1;
}

void
child_limit(struct child *c, uint64_t ms)
{
	ev_timer_set(&c->silence, ms);
}

void
child_silent(struct ev_timer *t)
{
	struct child *c = container_of(t, struct child, silence);

	child_kill(c, SIGKILL, "takes too long: killed");
}

int
child_kill(struct child *c, int signo, const char *why)
{
	static bool told;

	if (c->inside) {
		errno = EPERM;
		return -1;
	}
	if (c->proc.pid < 1) {
		errno = ESRCH;
		return -1;
	}
	if (why != NULL)
		log_warnx("%s %ld %s", c->what, (long)c->proc.pid, why);
	if (kill(c->flags & CHILD_GROUP ? -c->proc.pid : c->proc.pid,
	    signo) == 0) {
		c->killed = c->killed || signo == SIGKILL;
		return 0;
	}
	if (errno == EPERM && !told) {
		told = true;
		log_warnx("%s %ld cannot be sent signals: is CAP_KILL "
		    "missing?", c->what, (long)c->proc.pid);
		errno = EPERM;
	}
	return -1;
}

void
child_forget(struct child *c)
{
	ev_timer_stop(&c->silence);
	ev_proc_del(&c->proc);
}
