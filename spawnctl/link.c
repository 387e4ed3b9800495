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

static int	 link_open(const char *, uint64_t);
static void	 link_refused(const char *) no_return;
static int	 link_send(int, const char *);
static bool	 link_lives(const char *, uint64_t);
static size_t	 link_read(struct link *, int, char **, size_t);
static void	 link_fd(struct link *, struct msghdr *);

char *
link_ask(struct link *l, const char *request)
{
	uint64_t start = link_now();
	char *answer = NULL;
	size_t len = 0, n;
	int fd;

	l->fd = -1;
	if ((fd = link_open(l->path, l->limit)) == -1)
		link_refused(l->path);
	if (link_send(fd, request) == -1)
		err(1, "%s", l->path);
	for (;;) {
		if (!link_wait(fd, start, l->limit)) {
			if (!l->lasts || !link_lives(l->path, l->limit))
				link_silent(l);
			start = link_now();
		} else if ((n = link_read(l, fd, &answer, len)) == 0)
			break;
		else
			len += n;
	}
	close(fd);
	answer[len] = '\0';
	return answer;
}

/* Returns -1 with errno: EAGAIN if the limit was over. */
static int
link_open(const char *path, uint64_t limit)
{
	const struct timeval tv = { (time_t)(limit / 1000),
	    (suseconds_t)(limit % 1000 * 1000) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlcpy(un.sun_path, path, sizeof(un.sun_path)) >=
	    sizeof(un.sun_path))
		errx(1, "%s: too long for a unix socket", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	/* Who is asked by too many keeps the others waiting here already. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void
link_refused(const char *path)
{
	switch (errno) {
	case EAGAIN:
		errx(1, "%s: spawnd takes no connection", path);
	case EACCES:
	case EPERM:
		err(1, "%s: run this as root or as the user who started "
		    "spawnd", path);
	default:
		err(1, "%s (is spawnd running, with control = \"%s\" in its "
		    "file? -s or $SPAWND_CONTROL names another socket)", path,
		    path);
	}
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
	int fd = link_open(path, limit);
	bool lives;

	if (fd == -1)
		return errno != EAGAIN;
	lives = link_send(fd, "show summary\n") == -1 ||
	    link_wait(fd, link_now(), limit);
	close(fd);
	return lives;
}

static size_t
link_read(struct link *l, int fd, char **buf, size_t len)
{
	const size_t room = 4096;
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_len = room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.buf };
	ssize_t n;

	if ((*buf = realloc(*buf, len + room + 1)) == NULL)
		err(1, "the answer");
	iov.iov_base = *buf + len;
	do {
		msg.msg_controllen = sizeof(control.buf);
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		err(1, "the answer");
	link_fd(l, &msg);
	return (size_t)n;
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
