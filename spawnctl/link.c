#include "compat.h"

#include <sys/time.h>
#include <sys/un.h>

#include <err.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#include "conf/conf.h"
#include "conf/int.h"
#include "link.h"

static int	 link_open(const char *, uint64_t, bool);
static int	 link_failed(struct link *, const char *);
static const char *link_refused(const char *);
static int	 link_send(int, const char *);
static bool	 link_lives(const char *, uint64_t);
static void	 link_fd(struct link *, struct msghdr *);

char *
link_ask(struct link *l, const char *request)
{
	uint64_t start = link_now();
	int done = link_begin(l, request, true);

	while (done == 0) {
		if (link_wait(l->sock, start, l->limit))
			done = link_step(l);
		else if (l->lasts && link_lives(l->path, l->limit))
			start = link_now();
		else
			link_silent(l);
	}
	if (done == -1)
		errx(1, "%s", l->why);
	return link_end(l);
}

int
link_begin(struct link *l, const char *request, bool waits)
{
	l->fd = -1;
	l->answer = NULL;
	l->len = 0;
	l->sock = link_open(l->path, l->limit, waits);
	if (l->sock == -1)
		return link_failed(l, link_refused(l->path));
	if (link_send(l->sock, request) == -1)
		return link_failed(l, NULL);
	return 0;
}

/* why: NULL for what errno says. */
static int
link_failed(struct link *l, const char *why)
{
	const int error = errno;

	if (why == NULL)
		snprintf(l->why, sizeof(l->why), "%s: %s", l->path,
		    strerror(error));
	else
		strlcpy(l->why, why, sizeof(l->why));
	free(link_end(l));
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	return -1;
}

char *
link_end(struct link *l)
{
	char *answer = l->answer;

	if (l->sock != -1)
		close(l->sock);
	l->sock = -1;
	l->answer = NULL;
	if (answer != NULL)
		answer[l->len] = '\0';
	return answer;
}

/* Returns -1 with errno: EAGAIN if the limit was over. */
static int
link_open(const char *path, uint64_t limit, bool waits)
{
	const struct timeval tv = { (time_t)(limit / 1000),
	    (suseconds_t)(limit % 1000 * 1000) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlcpy(un.sun_path, path, sizeof(un.sun_path)) >=
	    sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | (waits ? 0 : SOCK_NONBLOCK), 0);
	if (fd == -1)
		return -1;
	/* Who is asked by too many keeps the others waiting here already. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Says so, by errno. */
static const char *
link_refused(const char *path)
{
	static char why[512];
	const char *error = strerror(errno);

	switch (errno) {
	case ENAMETOOLONG:
		snprintf(why, sizeof(why), "%s: too long for a unix socket",
		    path);
		break;
	case EAGAIN:
		snprintf(why, sizeof(why), "%s: spawnd takes no connection",
		    path);
		break;
	case EACCES:
	case EPERM:
		snprintf(why, sizeof(why), "%s: run this as root or as the "
		    "user who started spawnd: %s", path, error);
		break;
	default:
		snprintf(why, sizeof(why), "%s (is spawnd running, with "
		    "control = \"%s\" in its file? -s or $SPAWND_CONTROL names "
		    "another socket): %s", path, path, error);
	}
	return why;
}

void
link_silent(const struct link *l)
{
	char text[CONF_UNITLEN];

	errx(1, "%s: no answer in %s; spawnd is stopped or very busy "
	    "(-t sets the limit)", l->path, conf_duration_str(l->limit, text));
}

static int
link_send(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n)
		if ((n = send(fd, text, len, MSG_NOSIGNAL)) == -1)
			return -1;
	return 0;
}

uint64_t
link_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool
link_wait(int fd, uint64_t start, uint64_t limit)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t now;
	int ms = -1, n;

	do {
		now = link_now();
		if (limit != 0)
			ms = now - start >= limit ? 0 :
			    (int)MIN(start + limit - now, INT_MAX);
		n = poll(&pfd, 1, ms);
	} while (n == -1 && errno == EINTR);
	return n != 0;
}

/* Asks something else. To be turned away, as one of too many, is an answer. */
static bool
link_lives(const char *path, uint64_t limit)
{
	int fd = link_open(path, limit, true);
	bool lives;

	if (fd == -1)
		return errno != EAGAIN;
	lives = link_send(fd, "show summary\n") == -1 ||
	    link_wait(fd, link_now(), limit);
	close(fd);
	return lives;
}

int
link_step(struct link *l)
{
	const size_t room = 4096;
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_len = room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf) };
	char *more = realloc(l->answer, l->len + room + 1);
	ssize_t n;

	if (more == NULL)
		return link_failed(l, NULL);
	l->answer = more;
	iov.iov_base = more + l->len;
	n = recvmsg(l->sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 0 :
		    link_failed(l, NULL);
	link_fd(l, &msg);
	l->len += (size_t)n;
	return n == 0;
}

/* The kernel closes those for which there is no room here. */
static void
link_fd(struct link *l, struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return;
	if (l->fd != -1)
		close(l->fd);
	memcpy(&l->fd, CMSG_DATA(c), sizeof(int));
}
