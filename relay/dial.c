#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fcntl.h>

#include "dial.h"
#include "remote/local.h"

static int	 dial_from(struct local *, const struct addr *);
static void	 dial_options(int, const struct addr *);

int
dial(struct locals *locals, const struct addr *to)
{
	struct local *l = locals_for(locals, to->sa.sa_family);
	unsigned tries = local_tries(l);
	int fd;

	do
		fd = dial_from(l, to);
	while (fd == -1 && errno == EADDRNOTAVAIL && --tries > 0);
	return fd;
}

static int
dial_from(struct local *l, const struct addr *to)
{
	int fd, saved;

	fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	dial_options(fd, to);
	if ((l != NULL && local_bind(l, fd) == -1) ||
	    (connect(fd, &to->sa, to->len) == -1 && errno != EINPROGRESS &&
	    errno != EINTR)) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Urgent data has its place in the stream from the first byte on: what comes
 * before the option is set would be lost to the next urgent byte. */
static void
dial_options(int fd, const struct addr *to)
{
	const int on = 1;

	if (to->sa.sa_family == AF_UNIX)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

bool
dial_lacks(int err)
{
	return err == EADDRNOTAVAIL || err == EMFILE || err == ENFILE ||
	    err == ENOBUFS || err == ENOMEM;
}
