/*
 * A packet of any bytes, with any number of descriptors, on the channel of a
 * worker or the logger: it is in the contract or refused, and no descriptor is
 * left.
 */
#include "compat.h"

#include "ipc.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 put(int, const uint8_t *, size_t, unsigned);
static int	 next_fd(void);

static void
put(int fd, const uint8_t *data, size_t size, unsigned nfds)
{
	char space[CMSG_SPACE(sizeof(int) * (PROTO_BATCH + 1))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (nfds != 0) {
		msg.msg_control = space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);	/* all are 0 */
	}
	sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int
next_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* The first byte says which way the packet goes and what comes with it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int sv[2] = { -1, -1 };
	struct ipc_msg m;
	enum proto_dir dir;
	unsigned i;
	int before;

	if (size < 1)
		return 0;
	if (sv[0] == -1 && ipc_pair(sv) == -1)
		abort();
	before = next_fd();
	dir = (enum proto_dir)((data[0] & 1) + (data[0] >> 7) * 2);
	put(sv[0], data + 1, size - 1, (data[0] >> 1 & 63) %
	    (PROTO_BATCH + 2));
	if (ipc_recv(sv[1], dir, &m) == 1) {
		if (m.count == 0 || m.count > PROTO_BATCH ||
		    ipc_name(m.type)[0] == '?')
			abort();
		for (i = 0; i < m.count; i++)
			if (m.fds[i] != -1)
				close(m.fds[i]);
	}
	if (next_fd() != before)
		abort();
	return 0;
}
