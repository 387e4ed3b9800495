#include "compat.h"

#include "ipc.h"
#include "logger.h"

void
sender_start(int fd)
{
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

/* An empty packet comes with who has sent it; the end of all does not. */
ssize_t
sender_take(int fd, char *buf, size_t size)
{
	union {
		struct cmsghdr	align;
		char		room[CMSG_SPACE(sizeof(struct ucred)) +
				    CMSG_SPACE(IPC_FDS_MOST * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	if ((n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) == -1)
		return -1;
	ipc_close_all(&msg);
	c = CMSG_FIRSTHDR(&msg);
	if (n != 0 || (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_CREDENTIALS))
		return n;
	errno = EPIPE;
	return -1;
}
