#include "compat.h"

#include <poll.h>

#include "logger.h"

void
sender_start(int fd)
{
	(void)fd;
}

/* Nothing and a hang-up: the end, and not an empty packet. */
ssize_t
sender_take(int fd, char *buf, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	n = recv(fd, buf, size, MSG_DONTWAIT);
	if (n == 0 && poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP)) {
		errno = EPIPE;
		return -1;
	}
	return n;
}
