#include "compat.h"

#include <fcntl.h>

#include "ipc.h"
#include "packet.h"

/* Linux 6.16, and later than many a header. Some machines number otherwise. */
#if defined(SO_PASSCRED) && !defined(SO_PASSRIGHTS)
#if SO_PASSCRED == 16
#define SO_PASSRIGHTS	83
#endif
#endif

#define IPC_CMSG	CMSG_SPACE(sizeof(int) * IPC_FDS_MOST)
#define IPC_PLAIN	256	/* most of an item that has no descriptor */

struct ipc_type {
	const char	*name;
	enum proto_dir	 dir;
	size_t		 size;
	unsigned	 fds;
};

static const struct ipc_type	*ipc_type(unsigned);
static int			 ipc_send_plain(int, const struct iovec[2]);
static int			 ipc_take_fds(struct msghdr *, int *);
static int			 ipc_fds(const struct proto_hdr *);
static int			 ipc_check(const struct proto_hdr *, size_t,
				    enum proto_dir, int);

static const struct ipc_type types[] = {
#define X(name, num, dir, item, fds) [num] = { #name, dir, sizeof(item), fds },
	PROTO_MESSAGES(X)
#undef X
};

#define X(name, num, dir, item, fds) \
	_Static_assert((fds) != 0 || sizeof(item) <= IPC_PLAIN, #name);
	PROTO_MESSAGES(X)
#undef X

static const struct ipc_type *
ipc_type(unsigned type)
{
	if (type >= nitems_of(types) || types[type].name == NULL)
		return NULL;
	return &types[type];
}

const char *
ipc_name(enum proto_type type)
{
	const struct ipc_type *t = ipc_type(type);

	return t == NULL ? "?" : t->name;
}

int
ipc_pair(int sv[2])
{
	int i, flags;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		if ((flags = fcntl(sv[i], F_GETFL)) == -1 ||
		    fcntl(sv[i], F_SETFL, flags | O_NONBLOCK) == -1 ||
		    fcntl(sv[i], F_SETFD, FD_CLOEXEC) == -1) {
			close(sv[0]);
			close(sv[1]);
			return -1;
		}
	}
	return 0;
}

int
ipc_send(int fd, enum proto_type type, const void *items, unsigned count,
    const int *fds)
{
	const struct ipc_type *t = ipc_type(type);
	struct proto_hdr hdr = { .type = (uint16_t)type,
	    .count = (uint16_t)count };
	union {
		struct cmsghdr	hdr;
		char		buf[IPC_CMSG];
	} ctl;
	struct iovec iov[2] = {
		{ .iov_base = &hdr, .iov_len = sizeof(hdr) },
		{ .iov_base = (void *)(uintptr_t)items }
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct cmsghdr *cmsg;
	size_t len;
	ssize_t n;

	if (t == NULL) {
		errno = EINVAL;
		return -1;
	}
	iov[1].iov_len = t->size * count;
	if (t->fds == 0)
		return ipc_send_plain(fd, iov);
	len = sizeof(int) * count * t->fds;
	msg.msg_control = ctl.buf;
	msg.msg_controllen = CMSG_SPACE(len);
	memset(ctl.buf, 0, msg.msg_controllen);
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), fds, len);
	do
		n = sendmsg(fd, &msg, PACKET_FLAGS);
	while (n == -1 && errno == EINTR);
	return packet_sent(n, iov[0].iov_len + iov[1].iov_len);
}

/* Without a call that could carry descriptors: a worker may not make it. */
static int
ipc_send_plain(int fd, const struct iovec iov[2])
{
	char buf[sizeof(struct proto_hdr) + IPC_PLAIN];

	memcpy(buf, iov[0].iov_base, iov[0].iov_len);
	memcpy(buf + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
	return packet_send(fd, buf, iov[0].iov_len + iov[1].iov_len);
}

/* Collects what arrived; returns how many, -1 fills the places of those that
 * the kernel could not install. */
static int
ipc_take_fds(struct msghdr *msg, int *fds)
{
	struct cmsghdr *cmsg;
	size_t k, len;
	int n = 0, fd;

	for (k = 0; k < PROTO_BATCH; k++)
		fds[k] = -1;
	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		len = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (k = 0; k < len; k++) {
			memcpy(&fd, CMSG_DATA(cmsg) + k * sizeof(int),
			    sizeof(fd));
			if (n < PROTO_BATCH)
				fds[n++] = fd;
			else
				ipc_close(fd);
		}
	}
	return n;
}

static int
ipc_check(const struct proto_hdr *hdr, size_t len, enum proto_dir dir,
    int complete)
{
	const struct ipc_type *t;

	if (len < sizeof(*hdr) || (t = ipc_type(hdr->type)) == NULL ||
	    t->dir != dir || hdr->count == 0 || hdr->count > PROTO_BATCH ||
	    hdr->count * t->fds > PROTO_BATCH ||
	    (hdr->count > 1 && t->fds == 0) ||
	    len != sizeof(*hdr) + hdr->count * t->size)
		return -1;
	return complete == (int)(hdr->count * t->fds) ? 0 : -1;
}

static int
ipc_fds(const struct proto_hdr *hdr)
{
	const struct ipc_type *t = ipc_type(hdr->type);

	return t == NULL ? 0 : (int)(hdr->count * t->fds);
}

int
ipc_recv(int fd, enum proto_dir dir, struct ipc_msg *m)
{
	struct proto_hdr hdr;
	union {
		struct cmsghdr	hdr;
		char		buf[IPC_CMSG];
	} ctl;
	struct iovec iov[2] = {
		{ .iov_base = &hdr, .iov_len = sizeof(hdr) },
		{ .iov_base = m->conn, .iov_len = sizeof(m->conn) }
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2,
	    .msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf) };
	ssize_t n;
	int k, nfds;

	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == ECONNRESET ? 0 : -1;
	nfds = ipc_take_fds(&msg, m->fds);
	if (n == 0 && nfds == 0)
		return 0;
	/* The table is full: some are -1. */
	if ((msg.msg_flags & MSG_CTRUNC) && n >= (ssize_t)sizeof(hdr))
		nfds = MAX(nfds, ipc_fds(&hdr));
	if ((msg.msg_flags & MSG_TRUNC) ||
	    ipc_check(&hdr, (size_t)n, dir, nfds) == -1) {
		for (k = 0; k < PROTO_BATCH; k++)
			if (m->fds[k] != -1)
				ipc_close(m->fds[k]);
		errno = EPROTO;
		return -1;
	}
	m->type = hdr.type;
	m->count = hdr.count;
	return 1;
}

#ifdef SO_PASSRIGHTS

void
ipc_no_fds(int fd)
{
	const int off = 0;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

#else

void
ipc_no_fds(int fd)
{
	(void)fd;
}

#endif

void
ipc_close(int fd)
{
	const struct linger now = { 0, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

void
ipc_close_all(struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t k, n;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (k = 0; k < n; k++) {
			memcpy(&fd, CMSG_DATA(c) + k * sizeof(fd),
			    sizeof(fd));
			ipc_close(fd);
		}
	}
}
