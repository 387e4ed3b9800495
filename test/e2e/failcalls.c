/*
 * failcalls.c - makes chosen calls of a library function fail, in chosen
 * processes: to be preloaded.
 *
 * The file that SPAWND_FAILCALLS names is shared by the test and all processes;
 * the test says there, at any time, what is to fail (struct control), and finds
 * how many calls there were and how many of them failed.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RELAY	2	/* of control.who */
#define CHANNEL	3	/* proto.h: PROTO_FD_CHANNEL */

enum function {
	NONE, ACCEPT4, SENDMSG, SOCKETPAIR, FORK, MEMFD_CREATE, MMAP, EPOLL_CTL,
	SOCKET, CONNECT, PIPE2, MALLOC, PIDFD_OPEN, BACKLOG, KILL, TAKEN, CLOSE
};

struct control {
	_Atomic uint32_t	function;	/* enum function */
	_Atomic uint32_t	who;		/* 1 spawnd, 2 relay, 4 log */
	_Atomic uint32_t	error;
	_Atomic uint32_t	skip;		/* so many go well first */
	_Atomic uint32_t	times;		/* then so many fail */
	_Atomic uint32_t	calls;
	_Atomic uint32_t	hits;
};

extern void	*__libc_malloc(size_t);
extern void	*__libc_calloc(size_t, size_t);
extern void	*__libc_realloc(void *, size_t);

static struct control	*control;
static uint32_t		 me;
static pid_t		 pid;

static void	start(void) __attribute__((constructor));
static bool	fails(enum function);
static bool	 no_memory(void *);
static void	*next(const char *);

static void
start(void)
{
	const char *path = getenv("SPAWND_FAILCALLS");
	char name[16] = "";
	int fd;
	void *p;

	if (path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return;
	p = (void *)syscall(SYS_mmap, NULL, sizeof(*control),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED || (fd = open("/proc/self/comm", O_RDONLY)) == -1)
		return;
	if (read(fd, name, sizeof(name) - 1) > 0)
		me = strncmp(name, "spawnd\n", 7) == 0 ? 1 :
		    strncmp(name, "relay\n", 6) == 0 ? 2 :
		    strncmp(name, "logger\n", 7) == 0 ? 4 : 0;
	close(fd);
	pid = getpid();
	control = p;
}

static bool
fails(enum function f)
{
	uint32_t n, skip;

	if (control == NULL || control->function != f ||
	    (control->who & me) == 0 || getpid() != pid)
		return false;
	n = atomic_fetch_add(&control->calls, 1);
	skip = control->skip;
	if (n < skip || n - skip >= control->times)
		return false;
	atomic_fetch_add(&control->hits, 1);
	errno = (int)control->error;
	return true;
}

static void *
next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* A function of that type which fails, or calls the one it hides. */
#define WRAP(type, bad, f, name, params, args)				\
type name params;							\
type									\
name params								\
{									\
	static type (*real) params;					\
									\
	if (fails(f))							\
		return bad;						\
	if (real == NULL)						\
		real = (type (*) params)(uintptr_t)next(#name);		\
	return real args;						\
}

WRAP(int, -1, KILL, kill, (pid_t who, int signo), (who, signo))
WRAP(int, -1, ACCEPT4, accept4, (int fd, struct sockaddr *sa, socklen_t *len,
    int flags), (fd, sa, len, flags))
WRAP(int, -1, SOCKETPAIR, socketpair, (int domain, int type, int protocol,
    int sv[2]), (domain, type, protocol, sv))
WRAP(pid_t, -1, FORK, fork, (void), ())
WRAP(int, -1, MEMFD_CREATE, memfd_create, (const char *name,
    unsigned int flags), (name, flags))
WRAP(void *, MAP_FAILED, MMAP, mmap, (void *addr, size_t len, int prot,
    int flags, int fd, off_t off), (addr, len, prot, flags, fd, off))
WRAP(void *, MAP_FAILED, MMAP, mmap64, (void *addr, size_t len, int prot,
    int flags, int fd, off64_t off), (addr, len, prot, flags, fd, off))
WRAP(int, -1, EPOLL_CTL, epoll_ctl, (int ep, int op, int fd,
    struct epoll_event *ev), (ep, op, fd, ev))
WRAP(int, -1, SOCKET, socket, (int domain, int type, int protocol),
    (domain, type, protocol))
WRAP(int, -1, CONNECT, connect, (int fd, const struct sockaddr *sa,
    socklen_t len), (fd, sa, len))
WRAP(int, -1, PIPE2, pipe2, (int fds[2], int flags), (fds, flags))

/* A worker's messages to the master carry no descriptors. */
ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);

	if (real == NULL)
		real = (ssize_t (*)(int, const void *, size_t, int))
		    (uintptr_t)next("send");
	return me == RELAY && fd == CHANNEL && fails(SENDMSG) ? -1 :
	    real(fd, buf, len, flags);
}

/* A worker that has got a message goes no further. */
ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	static ssize_t (*real)(int, struct msghdr *, int);
	ssize_t n;

	if (real == NULL)
		real = (ssize_t (*)(int, struct msghdr *, int))
		    (uintptr_t)next("recvmsg");
	n = real(fd, msg, flags);
	if (n > 0 && me == RELAY && fd == CHANNEL && fails(TAKEN))
		for (;;)
			atomic_signal_fence(memory_order_seq_cst);
	return n;
}

/* It takes long instead, as on a machine that has much else to do. */
int
close(int fd)
{
	const struct timespec while_busy = { .tv_nsec = 200 * 1000 * 1000 };
	static int (*real)(int);

	if (me == RELAY && fails(CLOSE))
		nanosleep(&while_busy, NULL);
	if (real == NULL)
		real = (int (*)(int))(uintptr_t)next("close");
	return real(fd);
}

/* EPROTO: a part is taken, the descriptors with it. */
ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static ssize_t (*real)(int, const struct msghdr *, int);
	struct msghdr part = *msg;

	if (real == NULL)
		real = (ssize_t (*)(int, const struct msghdr *, int))
		    (uintptr_t)next("sendmsg");
	if (!fails(SENDMSG))
		return real(fd, msg, flags);
	if (control->error != EPROTO)
		return -1;
	part.msg_iovlen = 1;
	return real(fd, &part, flags);
}

/* How many wait at a listener: not told, or (EAGAIN) always told as none. */
int
getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	static int (*real)(int, int, int, void *, socklen_t *);

	if (real == NULL)
		real = (int (*)(int, int, int, void *, socklen_t *))
		    (uintptr_t)next("getsockopt");
	if (level != IPPROTO_TCP || name != TCP_INFO || !fails(BACKLOG))
		return real(fd, level, name, val, len);
	if (control->error != EAGAIN || real(fd, level, name, val, len) == -1)
		return -1;
	((struct tcp_info *)val)->tcpi_unacked = 0;
	return 0;
}

#define NO_MEMORY()	no_memory(__builtin_return_address(0))

/* Not for libseccomp: seccomp_load() frees twice what it could not get. */
static bool
no_memory(void *caller)
{
	Dl_info who;

	if (control == NULL || control->function != MALLOC ||
	    (dladdr(caller, &who) != 0 &&
	    strstr(who.dli_fname, "libseccomp") != NULL))
		return false;
	return fails(MALLOC);
}

/* Not by dlsym(), which allocates. */

void *
malloc(size_t size)
{
	return NO_MEMORY() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return NO_MEMORY() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return NO_MEMORY() ? NULL : __libc_realloc(p, size);
}

/* pidfd_open(2) has no function of its own everywhere. */
long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_pidfd_open && fails(PIDFD_OPEN))
		return -1;
	if (real == NULL)
		real = (long (*)(long, ...))(uintptr_t)next("syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
