/*
 * sosplice.c - the kernel's side of SO_SPLICE in a thread; see sosplice.h.
 *
 * Linked into a relay whose calls go through the linker's --wrap. What the
 * real ones promise and a relay relies upon is kept: a source that is spliced
 * is neither readable nor can it be read; it becomes readable when splicing
 * ends; nothing is lost in between, as bytes stay with the source until the
 * drain has taken them; an error of the drain is found at the source as well,
 * by whoever reads, writes or asks first;
 * the count stays until the source is spliced again.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sosplice.h"

#define FDS	4096
#define STEPS	8		/* a source and turn */
#define TURN	1000		/* ms */

int	__real_setsockopt(int, int, int, const void *, socklen_t);
int	__real_getsockopt(int, int, int, void *, socklen_t *);
int	__real_epoll_ctl(int, int, int, struct epoll_event *);
int	__real_close(int);
ssize_t	__real_recv(int, void *, size_t, int);
ssize_t	__real_send(int, const void *, size_t, int);
ssize_t	__real_writev(int, const struct iovec *, int);
int	__wrap_setsockopt(int, int, int, const void *, socklen_t);
int	__wrap_getsockopt(int, int, int, void *, socklen_t *);
int	__wrap_epoll_ctl(int, int, int, struct epoll_event *);
int	__wrap_close(int);
ssize_t	__wrap_recv(int, void *, size_t, int);
ssize_t	__wrap_send(int, const void *, size_t, int);
ssize_t	__wrap_writev(int, const struct iovec *, int);

static struct source {
	bool			 spliced, full;
	bool			 drained;	/* it is somebody's drain */
	int			 to;
	int64_t			 count;
	int			 error;
	int			 epoll;		/* that watches it, or 0 */
	struct epoll_event	 ev;
} table[FDS];

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static int		 wake = -1, top;
static bool		 missing;	/* a kernel without SO_SPLICE */
static char		 buf[64 * 1024];

/* For the test, if SPAWND_SOSPLICE_COUNTS names a file of that size. */
static struct counts {
	uint32_t	started, stopped, ended;
} here, *counts = &here;

static void	 start(void) __attribute__((constructor));
static void	*mover(void *);
static int	 splice_start(int, int);
static void	 splice_end(int, int);
static void	 watch(int);
static int	 take_error(int);
static bool	 step(int);
static bool	 is_tcp(int);
static void	 wake_mover(void);

static void
start(void)
{
	const char *path = getenv("SPAWND_SOSPLICE_COUNTS");
	pthread_t t;
	int fd;

	if (path != NULL && (fd = open(path, O_RDWR | O_CLOEXEC)) != -1) {
		counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
		if (counts == MAP_FAILED)
			abort();
		__real_close(fd);
	}
	missing = getenv("SPAWND_SOSPLICE_MISSING") != NULL;
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Now, as the sandbox will allow no more. */
	if (wake == -1 || pthread_create(&t, NULL, mover, NULL) != 0)
		abort();
}

static void *
mover(void *arg)
{
	static struct pollfd pfds[FDS + 1];
	uint64_t n;
	int fd, i, k;

	for (;;) {
		k = 1;
		pfds[0] = (struct pollfd){ .fd = wake, .events = POLLIN };
		pthread_mutex_lock(&lock);
		for (fd = 0; fd <= top; fd++) {
			if (!table[fd].spliced)
				continue;
			pfds[k].fd = table[fd].full ? table[fd].to : fd;
			pfds[k++].events = table[fd].full ? POLLOUT : POLLIN;
		}
		pthread_mutex_unlock(&lock);
		poll(pfds, (nfds_t)k, TURN);
		if (pfds[0].revents != 0 &&
		    read(wake, &n, sizeof(n)) == -1 && errno != EAGAIN)
			abort();
		for (fd = 0; fd <= top; fd++) {
			pthread_mutex_lock(&lock);
			for (i = 0; i < STEPS && table[fd].spliced; i++)
				if (!step(fd))
					break;
			pthread_mutex_unlock(&lock);
		}
	}
	return arg;
}

/* True if there may be more at once. */
static bool
step(int fd)
{
	struct source *s = &table[fd];
	ssize_t n, m;

	s->full = false;
	n = __real_recv(fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		counts->ended++;
		splice_end(fd, n == 0 ? 0 : errno);
		return false;
	}
	m = __real_send(s->to, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (m == -1 && (errno == EAGAIN || errno == EINTR)) {
		s->full = true;
		return false;
	}
	if (m == -1) {
		/* Which was its own, and is still to be told there. */
		if (errno != EPIPE)
			table[s->to].error = errno;
		counts->ended++;
		splice_end(fd, errno);
		return false;
	}
	if (__real_recv(fd, buf, (size_t)m, MSG_DONTWAIT) != m)
		abort();
	s->count += m;
	return m == n;
}

static bool
is_tcp(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getpeername(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    (ss.ss_family == AF_INET || ss.ss_family == AF_INET6);
}

static int
splice_start(int fd, int to)
{
	struct source *s = &table[fd];

	if (to < 0 || to >= FDS || !is_tcp(fd) || !is_tcp(to)) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	if (s->spliced || table[to].drained) {
		errno = EBUSY;
		return -1;
	}
	s->spliced = table[to].drained = true;
	s->to = to;
	s->count = 0;
	s->full = false;
	if (fd > top)
		top = fd;
	counts->started++;
	watch(fd);
	wake_mover();
	return 0;
}

/* To look at other sockets; it holds those that it waits for, even if they
 * have been closed. */
static void
wake_mover(void)
{
	const uint64_t one = 1;

	if (write(wake, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void
splice_end(int fd, int error)
{
	struct source *s = &table[fd];

	if (!s->spliced)
		return;
	s->spliced = false;
	table[s->to].drained = false;
	if (error != 0)
		s->error = error;
	watch(fd);
	wake_mover();
}

/* Tells epoll what of fd is to be told of now; it tells at once what there
 * is. */
static void
watch(int fd)
{
	struct source *s = &table[fd];
	struct epoll_event ev = s->ev;

	if (s->epoll == 0)
		return;
	if (s->spliced)
		ev.events &= ~(uint32_t)(EPOLLIN | EPOLLPRI | EPOLLRDHUP);
	if (__real_epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &ev) == -1)
		abort();
}

/* It is told once. */
static int
take_error(int fd)
{
	int error = table[fd].error;

	table[fd].error = 0;
	return error;
}

int
__wrap_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	const struct splice *how = val;
	int r = 0;

	if (level != SOL_SOCKET || name != SO_SPLICE || fd < 0 || fd >= FDS)
		return __real_setsockopt(fd, level, name, val, len);
	if (missing || len != sizeof(*how)) {
		errno = missing ? ENOPROTOOPT : EINVAL;
		return -1;
	}
	pthread_mutex_lock(&lock);
	if (how->sp_fd != -1)
		r = splice_start(fd, how->sp_fd);
	else if (table[fd].spliced) {
		counts->stopped++;
		splice_end(fd, 0);
	}
	pthread_mutex_unlock(&lock);
	return r;
}

int
__wrap_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	int r = 0;

	if (level != SOL_SOCKET || fd < 0 || fd >= FDS ||
	    (name != SO_SPLICE && name != SO_ERROR))
		return __real_getsockopt(fd, level, name, val, len);
	pthread_mutex_lock(&lock);
	if (name == SO_ERROR && table[fd].error != 0) {
		*(int *)val = take_error(fd);
	} else if (name == SO_ERROR)
		r = __real_getsockopt(fd, level, name, val, len);
	else if (missing) {
		errno = ENOPROTOOPT;
		r = -1;
	} else {
		memcpy(val, &table[fd].count, sizeof(int64_t));
		*len = sizeof(int64_t);
	}
	pthread_mutex_unlock(&lock);
	return r;
}

int
__wrap_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	struct epoll_event own;
	int r;

	if (fd < 0 || fd >= FDS)
		return __real_epoll_ctl(ep, op, fd, ev);
	pthread_mutex_lock(&lock);
	if (op != EPOLL_CTL_DEL) {
		own = *ev;
		if (table[fd].spliced)
			own.events &= ~(uint32_t)(EPOLLIN | EPOLLPRI |
			    EPOLLRDHUP);
		r = __real_epoll_ctl(ep, op, fd, &own);
	} else
		r = __real_epoll_ctl(ep, op, fd, ev);
	if (r == 0) {
		table[fd].epoll = op == EPOLL_CTL_DEL ? 0 : ep;
		if (op != EPOLL_CTL_DEL)
			table[fd].ev = *ev;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

int
__wrap_close(int fd)
{
	int r, i;

	if (fd < 0 || fd >= FDS)
		return __real_close(fd);
	pthread_mutex_lock(&lock);
	table[fd].epoll = 0;
	splice_end(fd, 0);
	for (i = 0; i <= top && table[fd].drained; i++)
		if (table[i].spliced && table[i].to == fd)
			splice_end(i, EPIPE);
	memset(&table[fd], 0, sizeof(table[fd]));
	r = __real_close(fd);
	pthread_mutex_unlock(&lock);
	return r;
}

ssize_t
__wrap_recv(int fd, void *data, size_t len, int flags)
{
	ssize_t n;

	if (fd < 0 || fd >= FDS)
		return __real_recv(fd, data, len, flags);
	pthread_mutex_lock(&lock);
	if (table[fd].spliced) {
		errno = EAGAIN;
		n = -1;
	} else if ((errno = take_error(fd)) != 0)
		n = -1;
	else
		n = __real_recv(fd, data, len, flags);
	pthread_mutex_unlock(&lock);
	return n;
}

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	ssize_t n;

	if (fd < 0 || fd >= FDS)
		return __real_send(fd, data, len, flags);
	pthread_mutex_lock(&lock);
	if ((errno = take_error(fd)) != 0)
		n = -1;
	else
		n = __real_send(fd, data, len, flags);
	pthread_mutex_unlock(&lock);
	return n;
}

ssize_t
__wrap_writev(int fd, const struct iovec *iov, int n)
{
	ssize_t r;

	if (fd < 0 || fd >= FDS)
		return __real_writev(fd, iov, n);
	pthread_mutex_lock(&lock);
	if ((errno = take_error(fd)) != 0)
		r = -1;
	else
		r = __real_writev(fd, iov, n);
	pthread_mutex_unlock(&lock);
	return r;
}
