/*
 * hostile.c - what somebody would try who has come to run code in a process.
 * Loaded into it (LD_PRELOAD). In a worker, a client that sends "attack NAME
 * NUMBER\n" is answered "NAME ERRNO\n", 0 for an attack that has worked. In
 * the logger and spawnctl, that answer takes the place of such a line or
 * answer. In the reader, it goes to the standard error if the host
 * attack-NAME.test is looked up.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/filter.h>

#define CHANNEL	3	/* to the master */
#define LOG	6	/* to the logger */

typedef long	 attack_fn(long);

/* What who started the master has in the environment. */
static long
do_environ(long n)
{
	(void)n;
	errno = EACCES;
	return getenv("HOSTILE_SECRET") == NULL ? -1 : 0;
}

static long
do_open(long n)
{
	(void)n;
	return open("/etc/passwd", O_RDONLY);
}

static long
do_create(long n)
{
	(void)n;
	return open("/tmp/spawnd-hostile", O_WRONLY | O_CREAT, 0600);
}

static long
do_unlink(long n)
{
	(void)n;
	return unlink("/tmp/spawnd-there-is-none") == -1 && errno == ENOENT ?
	    0 : -1;
}

static long
do_chmod(long n)
{
	(void)n;
	return chmod("/tmp/spawnd-there-is-none", 0) == -1 &&
	    errno == ENOENT ? 0 : -1;
}

static long
do_netlink(long n)
{
	(void)n;
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long
do_datagram(long n)
{
	(void)n;
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static long
do_bind(long n)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	return bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&in, sizeof(in));
}

static long
do_connect(long port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001) };

	return connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&in,
	    sizeof(in));
}

static long
do_abstract(long n)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int len = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1,
	    "spawnd-hostile-%ld", n);

	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len));
}

static long
do_kill(long pid)
{
	return kill((pid_t)pid, 0);
}

static long
do_owner(long n)
{
	(void)n;
	return fcntl(CHANNEL, F_SETOWN, getpid());
}

/* In the name of the master. */
static long
do_forge(long n)
{
	char text[64];

	return send(LOG, text, (size_t)snprintf(text, sizeof(text),
	    "<6>spawnd[%ld]: forged", n), 0);
}

static long
do_silence(long n)
{
	(void)n;
	return shutdown(LOG, SHUT_RDWR);
}

static long
do_disconnect(long n)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)n;
	return connect(LOG, &none, sizeof(none));
}

static long
do_filter(long n)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog prog = { 1, &all };

	return setsockopt(CHANNEL, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
	    sizeof(prog));
}

static long
do_dumpable(long n)
{
	(void)n;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long
do_shared(long n)
{
	(void)n;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long
do_code(long n)
{
	(void)n;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long
do_mprotect(long n)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long
do_limit(long n)
{
	const struct rlimit core = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &core);
}

/* --- those that end it --- */

static long
do_exec(long n)
{
	char *argv[] = { "/bin/true", NULL };

	return execve(argv[0], argv, argv + 1);
}

static long
do_fork(long n)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static long
do_ptrace(long pid)
{
	return ptrace(PTRACE_ATTACH, (pid_t)pid, NULL, NULL);
}

static long
do_memory(long pid)
{
	long word;
	struct iovec to = { &word, sizeof(word) }, from = to;

	return process_vm_readv((pid_t)pid, &to, 1, &from, 1, 0);
}

static long
do_listen(long n)
{
	(void)n;
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

/* A descriptor for the master to close, which may take as long as it likes. */
static long
do_sendmsg(long n)
{
	char text = 'x', space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &text, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	return sendmsg(CHANNEL, &msg, MSG_DONTWAIT);
}

static long
do_memfd(long n)
{
	(void)n;
	return memfd_create("hostile", 0);
}

static long
do_ring(long n)
{
	char params[256] = { 0 };

	return syscall(SYS_io_uring_setup, 1, params);
}

static long
do_namespace(long n)
{
	(void)n;
	return unshare(CLONE_NEWUSER);
}

static long
do_root(long n)
{
	(void)n;
	return setuid(0);
}

static const struct attack {
	const char	*name;
	attack_fn	*fn;
} attacks[] = {
	{ "environ", do_environ }, { "open", do_open }, { "create", do_create },
	{ "unlink", do_unlink }, { "chmod", do_chmod },
	{ "netlink", do_netlink }, { "datagram", do_datagram },
	{ "bind", do_bind }, { "connect", do_connect },
	{ "abstract", do_abstract }, { "kill", do_kill },
	{ "owner", do_owner }, { "forge", do_forge },
	{ "silence", do_silence },
	{ "disconnect", do_disconnect }, { "filter", do_filter },
	{ "dumpable", do_dumpable }, { "shared", do_shared },
	{ "code", do_code }, { "mprotect", do_mprotect },
	{ "limit", do_limit }, { "exec", do_exec }, { "fork", do_fork },
	{ "ptrace", do_ptrace }, { "memory", do_memory },
	{ "listen", do_listen }, { "sendmsg", do_sendmsg },
	{ "memfd", do_memfd }, { "ring", do_ring },
	{ "namespace", do_namespace }, { "root", do_root },
};

static size_t
hostile(const char *text, char *answer, size_t size)
{
	char name[32] = "";
	long arg = 0, done;
	size_t i;

	sscanf(text, "%31[a-z] %ld", name, &arg);
	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (strcmp(name, attacks[i].name) == 0) {
			errno = 0;
			done = attacks[i].fn(arg);
			return (size_t)snprintf(answer, size, "%s %d\n",
			    name, done == -1 ? errno : 0);
		}
	return 0;
}

/* The worker's ways to a client's bytes. */
ssize_t
recv(int fd, void *buf, size_t size, int flags)
{
	char text[64], answer[64];
	ssize_t n = recvfrom(fd, buf, size, flags, NULL, NULL);

	if (n > 7 && n < (ssize_t)sizeof(text) &&
	    memcmp(buf, "attack ", 7) == 0) {
		memcpy(text, (char *)buf + 7, (size_t)n - 7);
		text[n - 7] = '\0';
		send(fd, answer, hostile(text, answer, sizeof(answer)),
		    MSG_NOSIGNAL);
	}
	return n;
}

ssize_t	__recv_chk(int, void *, size_t, size_t, int);

ssize_t
__recv_chk(int fd, void *buf, size_t size, size_t room, int flags)
{
	(void)room;
	return recv(fd, buf, size, flags);
}

/* The logger's and spawnctl's: that of the latter begins with a verdict, which
 * stays. */
ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);
	char *buf = msg->msg_iov->iov_base, text[64];
	size_t kept = n > 3 && memcmp(buf, "ok\n", 3) == 0 ? 3 : 0;

	buf += kept;
	n -= (ssize_t)kept;
	if (n > 7 && n < (ssize_t)sizeof(text) &&
	    memcmp(buf, "attack ", 7) == 0) {
		memcpy(text, buf + 7, (size_t)n - 7);
		text[n - 7] = '\0';
		n = (ssize_t)hostile(text, buf, msg->msg_iov->iov_len - kept);
	}
	return (ssize_t)kept + n;
}

/* The reader's. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **) = (int (*)(const char *, const char *,
	    const struct addrinfo *, struct addrinfo **))(uintptr_t)
	    dlsym(RTLD_NEXT, "getaddrinfo");
	char answer[64];
	size_t n;

	if (node != NULL && strncmp(node, "attack-", 7) == 0) {
		n = hostile(node + 7, answer, sizeof(answer));
		(void)!write(STDERR_FILENO, answer, n);
		node = "127.0.0.1";
	}
	return real(node, service, hints, res);
}
