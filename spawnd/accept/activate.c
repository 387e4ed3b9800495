#include "compat.h"

#include <fcntl.h>
#include <limits.h>

#include "accept/activate.h"
#include "log.h"
#include "sockopt.h"

#define SD_FIRST	3	/* descriptor, SD_LISTEN_FDS_START */
#define SOCKETS_MAX	1024

struct passed {
	TAILQ_ENTRY(passed)	 entry;
	char			*name;	/* "": none was given */
	bool			 inetd;	/* for the section, whatever its name */
	int			 fd;
};

static void	open_first_three(void);
static int	listen_fds(void);
static int	passed_take(struct passed *);
static void	passed_free(struct passed *);
static void	passed_prepare(const struct passed *);
static const char *unfit(int);

static TAILQ_HEAD(, passed)	 sockets = TAILQ_HEAD_INITIALIZER(sockets);

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
		activate_add(SD_FIRST + i, names, len, false);
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
		    /* cppcheck-suppress leakReturnValNotUsed */
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

void
activate_add(int fd, const char *name, size_t len, bool inetd)
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
	int type, listens;

	a.len = sizeof(a.un);
	if (sockopt_get(fd, SOL_SOCKET, SO_TYPE, &type) == -1)
		return errno == EBADF ? "is not open" : "is not a socket";
	if (type != SOCK_STREAM)
		return "is not a stream socket";
	if (sockopt_get(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens) == -1 ||
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
