#include "compat.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>

#include <linux/sockios.h>
#include <linux/tls.h>
#include <seccomp.h>

#include "proto.h"
#include "sysfilter.h"

/* What malloc(3) of other libraries does with memory of its own. */
#ifdef __GLIBC__
#define NOT_BY_MPROTECT	(PROT_EXEC | PROT_WRITE)
#else
#define NOT_BY_MPROTECT	PROT_EXEC
#endif

#ifndef SOL_TLS
#define SOL_TLS		282
#endif

#define IS(arg, value)		{ arg, SCMP_CMP_EQ, value, 0 }
#define BITS(arg, mask, value)	{ arg, SCMP_CMP_MASKED_EQ, mask, value }
#define STREAM			BITS(1, 0xf, SOCK_STREAM)
#define OPTION(level, name)	{ "setsockopt", 2, \
	{ IS(1, level), IS(2, name) } }
/* Not of the channel, nor of the way to the logger. */
#define NO_CHANNEL(call) \
	{ call, 1, { IS(0, PROTO_FD_CONF) } }, \
	{ call, 1, { IS(0, PROTO_FD_BOARD) } }, \
	{ call, 1, { { 0, SCMP_CMP_GT, PROTO_FD_LOG, 0 } } }
#define FOR_WRITING	(O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)
#define NEW_FILE		(O_CREAT | O_EXCL | O_NOFOLLOW)
#define COMMAND(call, name)	{ call, 1, { IS(1, name) } }

/* Made by all with any arguments. Names that a machine does not have do no
 * harm. */
static const char *const any_of_all[] = {
	"read", "write", "close", "lseek", "recvmsg", "send", "sendto",
	"poll", "ppoll", "ppoll_time64",
	"brk", "munmap", "mremap", "madvise", "fstat", "fstat64",
	"clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday",
	"time", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64",
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid",
	"getegid", "getrandom", "sysinfo", "futex", "futex_time64",
	"sched_yield", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group",
};

static const char *const any_of_worker[] = {
	"readv", "writev", "pread64", "recv", "recvfrom",
	"getsockopt", "getsockname", "getpeername",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	"splice", "pipe2",
};

/* Names, to see that the file has another one; syslog(3); the type of a
 * socket that comes. */
static const char *const any_of_logger[] = {
	"connect", "getsockopt",
	"stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64",
	"statx", "readlink", "readlinkat",
};

/* The event loop, and the names in a folder. */
static const char *const any_of_recorder[] = {
	"recv", "recvfrom",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	"getdents", "getdents64", "unlinkat", "ftruncate", "ftruncate64",
	"newfstatat", "fstatat64", "statx",
};

/* The event loop, connections that come, and what the master shows. */
static const char *const any_of_status[] = {
	"recv", "recvfrom", "pread64", "writev", "shutdown",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
};

/* Made like this only. */
struct rule {
	const char		*call;
	unsigned		 n;
	struct scmp_arg_cmp	 args[2];
};

static const struct rule like_all[] = {
	/* Memory that is ours alone, and holds no code. */
	{ "mmap", 2, { BITS(2, PROT_EXEC, 0), BITS(3, MAP_SHARED, 0) } },
	{ "mmap2", 2, { BITS(2, PROT_EXEC, 0), BITS(3, MAP_SHARED, 0) } },
	{ "mprotect", 1, { BITS(2, NOT_BY_MPROTECT, 0) } },
	/* To know a limit, not to set it. */
	{ "prlimit64", 2, { IS(0, 0), IS(2, 0) } },
};

static const struct rule like_worker[] = {
	{ "socket", 2, { IS(0, AF_INET), STREAM } },
	{ "socket", 2, { IS(0, AF_INET6), STREAM } },
	{ "socket", 2, { IS(0, AF_UNIX), STREAM } },
	/* Places of what is read at the start are free for others then. */
	NO_CHANNEL("connect"),
	NO_CHANNEL("shutdown"),
	/* Another way to the logger. */
	{ "dup2", 1, { IS(1, PROTO_FD_LOG) } },
	{ "dup3", 1, { IS(1, PROTO_FD_LOG) } },
	OPTION(SOL_SOCKET, SO_KEEPALIVE),
	OPTION(SOL_SOCKET, SO_LINGER),
	OPTION(SOL_SOCKET, SO_OOBINLINE),
	OPTION(SOL_SOCKET, SO_RCVLOWAT),
	OPTION(IPPROTO_TCP, TCP_NODELAY),
	OPTION(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
	COMMAND("ioctl", FIONREAD),
	COMMAND("ioctl", SIOCOUTQ),
	COMMAND("fcntl", F_GETFD),
	COMMAND("fcntl", F_SETFD),
	COMMAND("fcntl", F_GETFL),
	COMMAND("fcntl", F_SETFL),
	COMMAND("fcntl", F_GETPIPE_SZ),
	COMMAND("fcntl", F_SETPIPE_SZ),
	COMMAND("fcntl64", F_GETFD),
	COMMAND("fcntl64", F_SETFD),
	COMMAND("fcntl64", F_GETFL),
	COMMAND("fcntl64", F_SETFL),
	COMMAND("fcntl64", F_GETPIPE_SZ),
	COMMAND("fcntl64", F_SETPIPE_SZ),
};

/* A record that is no data takes a control message, which cannot be looked at
 * here. What else that could say, only a unix socket would hear: the channel
 * and the way to the logger are excepted, and others have nothing to do with
 * descriptors that come. */
static const struct rule like_ktls[] = {
	NO_CHANNEL("sendmsg"),
	OPTION(IPPROTO_TCP, TCP_ULP),
	OPTION(SOL_TLS, TLS_TX),
};

/* syslog(3), and descriptors that nobody wants. */
static const struct rule like_logger[] = {
	OPTION(SOL_SOCKET, SO_LINGER),
	OPTION(SOL_SOCKET, SO_PASSCRED),
	{ "socket", 2, { IS(0, AF_UNIX), BITS(1, 0xf, SOCK_DGRAM) } },
	{ "socket", 2, { IS(0, AF_UNIX), STREAM } },
};

/* Who asks for names. */
static const struct rule like_asker[] = {
	{ "socket", 2, { IS(0, AF_INET), BITS(1, 0xf, SOCK_DGRAM) } },
	{ "socket", 2, { IS(0, AF_INET6), BITS(1, 0xf, SOCK_DGRAM) } },
};

/* Beyond what a worker does: it maps memory of generations that come. */
static const struct rule like_checker[] = {
	{ "mmap", 1, { BITS(2, PROT_EXEC, 0) } },
	{ "mmap2", 1, { BITS(2, PROT_EXEC, 0) } },
	{ "open", 1, { BITS(1, FOR_WRITING, O_RDONLY) } },
	{ "openat", 1, { BITS(2, FOR_WRITING, O_RDONLY) } },
	{ "newfstatat", 0, { { 0 } } },
	{ "stat", 0, { { 0 } } },
	{ "statx", 0, { { 0 } } },
};

/* It maps what workers tell, makes files that are new, and looks into their
 * folder. */
static const struct rule like_recorder[] = {
	{ "mmap", 1, { BITS(2, PROT_EXEC, 0) } },
	{ "mmap2", 1, { BITS(2, PROT_EXEC, 0) } },
	{ "openat", 1, { BITS(2, O_ACCMODE | NEW_FILE, O_WRONLY | NEW_FILE) } },
	{ "openat", 1, { BITS(2, O_ACCMODE | O_CREAT | O_DIRECTORY,
	    O_RDONLY | O_DIRECTORY) } },
	{ "dup2", 1, { IS(1, PROTO_FD_LOG) } },
	{ "dup3", 1, { IS(1, PROTO_FD_LOG) } },
	OPTION(SOL_SOCKET, SO_LINGER),
	COMMAND("fcntl", F_GETFL),
	COMMAND("fcntl", F_SETFL),
	COMMAND("fcntl", F_GETFD),
	COMMAND("fcntl", F_SETFD),
	COMMAND("fcntl64", F_GETFL),
	COMMAND("fcntl64", F_SETFL),
	COMMAND("fcntl64", F_GETFD),
	COMMAND("fcntl64", F_SETFD),
};

static const struct rule like_status[] = {
	{ "dup2", 1, { IS(1, PROTO_FD_LOG) } },
	{ "dup3", 1, { IS(1, PROTO_FD_LOG) } },
	OPTION(SOL_SOCKET, SO_LINGER),
	COMMAND("fcntl", F_GETFL),
	COMMAND("fcntl", F_SETFL),
	COMMAND("fcntl", F_GETFD),
	COMMAND("fcntl", F_SETFD),
	COMMAND("fcntl64", F_GETFL),
	COMMAND("fcntl64", F_SETFL),
	COMMAND("fcntl64", F_GETFD),
	COMMAND("fcntl64", F_SETFD),
};

/* It may ask twice. The others of its standard output. */
static const struct rule like_ctl[] = {
	OPTION(SOL_SOCKET, SO_SNDTIMEO),
	{ "socket", 2, { IS(0, AF_UNIX), STREAM } },
	{ "connect", 0, { { 0 } } },
	{ "newfstatat", 0, { { 0 } } },
	{ "statx", 0, { { 0 } } },
	{ "writev", 0, { { 0 } } },
};

/* Its terminal: to be set, and how large it is. Not what types into it. */
static const struct rule like_screen[] = {
	COMMAND("ioctl", TCGETS),
	COMMAND("ioctl", TCSETS),
	COMMAND("ioctl", TCSETSW),
	COMMAND("ioctl", TCSETSF),
	COMMAND("ioctl", TCFLSH),
	COMMAND("ioctl", TIOCGWINSZ),
};

/* What only somebody else's code does. */
static const char *const never[] = {
	"bpf", "perf_event_open",
	"userfaultfd", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "pidfd_getfd", "kcmp", "mount", "umount2",
	"pivot_root", "chroot", "unshare", "setns", "fsopen", "fsmount",
	"open_tree", "move_mount", "mount_setattr", "open_by_handle_at",
	"name_to_handle_at", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot",
	"keyctl", "add_key", "request_key", "modify_ldt", "ioperm", "iopl",
	"setuid", "setgid", "setreuid", "setregid", "setresuid",
	"setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
	"quotactl", "acct", "settimeofday", "clock_settime",
	"clock_adjtime", "adjtimex", "sethostname", "setdomainname",
	"swapon", "swapoff", "vhangup",
};

/* The same, but libraries that ask for names may. */
static const char *const never_ours[] = {
	"listen", "accept", "accept4", "sendmmsg",
	"memfd_create", "memfd_secret",
};

/* The same, but the kernel may be to encrypt. */
static const char *const never_told[] = { "sendmsg" };

/* The same, but a sanitizer does it at its end. */
static const char *const never_born[] = { "fork", "vfork", "clone", "clone3" };
static const char *const never_plain[] = {
	"execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev",
};

static int	 allow_some(scmp_filter_ctx, const struct sandbox *);
static int	 allow_worker(scmp_filter_ctx, const struct sandbox *);
static int	 allow_logger(scmp_filter_ctx);
static int	 allow_recorder(scmp_filter_ctx);
static int	 allow_status(scmp_filter_ctx);
static int	 allow_ctl(scmp_filter_ctx, const struct sandbox *);
static int	 allow_own_signals(scmp_filter_ctx);
static int	 refuse_some(scmp_filter_ctx);
static int	 add_rules(scmp_filter_ctx, const struct rule *, size_t);
static int	 add_calls(scmp_filter_ctx, uint32_t, const char *const *,
		    size_t);
static int	 add(scmp_filter_ctx, uint32_t, const char *, unsigned,
		    const struct scmp_arg_cmp *);

int
sysfilter_enter(const struct sandbox *box)
{
	const bool open = SANITIZED || box->role == SANDBOX_READER;
	scmp_filter_ctx ctx;
	int error;

	ctx = seccomp_init(open ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	if (ctx == NULL) {
		errno = ENOMEM;
		return -1;
	}
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree instead of a list; old libraries have the list only. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	error = box->role == SANDBOX_READER ? refuse_some(ctx) :
	    allow_some(ctx, box);
	if (error == 0 && !SANITIZED)
		error = add_calls(ctx, SCMP_ACT_KILL_PROCESS, never_plain,
		    nitems_of(never_plain));
	if (error == 0)
		error = seccomp_load(ctx);
	seccomp_release(ctx);
	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

static int
allow_some(scmp_filter_ctx ctx, const struct sandbox *box)
{
	int error;

	error = add_calls(ctx, SCMP_ACT_KILL_PROCESS, never,
	    nitems_of(never));
	if (error == 0)
		error = add_calls(ctx, SCMP_ACT_KILL_PROCESS, never_ours,
		    nitems_of(never_ours));
	if (error == 0 && !box->ktls)
		error = add_calls(ctx, SCMP_ACT_KILL_PROCESS, never_told,
		    nitems_of(never_told));
	if (error != 0 || SANITIZED)
		return error;
	error = add_calls(ctx, SCMP_ACT_KILL_PROCESS, never_born,
	    nitems_of(never_born));
	if (error == 0)
		error = add_calls(ctx, SCMP_ACT_ALLOW, any_of_all,
		    nitems_of(any_of_all));
	if (error == 0)
		error = add_rules(ctx, like_all, nitems_of(like_all));
	if (error == 0)
		error = allow_own_signals(ctx);
	if (error != 0)
		return error;
	switch (box->role) {
	case SANDBOX_LOGGER:
		return allow_logger(ctx);
	case SANDBOX_RECORDER:
		return allow_recorder(ctx);
	case SANDBOX_STATUS:
		return allow_status(ctx);
	case SANDBOX_CTL:
		return allow_ctl(ctx, box);
	case SANDBOX_USERS:
		return 0;
	default:
		return allow_worker(ctx, box);
	}
}

static int
allow_worker(scmp_filter_ctx ctx, const struct sandbox *box)
{
	int error;

	error = add_calls(ctx, SCMP_ACT_ALLOW, any_of_worker,
	    nitems_of(any_of_worker));
	if (error == 0)
		error = add_rules(ctx, like_worker, nitems_of(like_worker));
	if (error == 0 && box->bind)
		error = add(ctx, SCMP_ACT_ALLOW, "bind", 0, NULL);
	if (error == 0 && box->ktls)
		error = add_rules(ctx, like_ktls, nitems_of(like_ktls));
	if (error == 0 && box->names)
		error = add_rules(ctx, like_asker, nitems_of(like_asker));
	if (error == 0 && box->role == SANDBOX_CHECKER)
		error = add_rules(ctx, like_checker, nitems_of(like_checker));
	return error;
}

static int
allow_logger(scmp_filter_ctx ctx)
{
	int error;

	error = add_calls(ctx, SCMP_ACT_ALLOW, any_of_logger,
	    nitems_of(any_of_logger));
	return error != 0 ? error :
	    add_rules(ctx, like_logger, nitems_of(like_logger));
}

static int
allow_recorder(scmp_filter_ctx ctx)
{
	int error;

	error = add_calls(ctx, SCMP_ACT_ALLOW, any_of_recorder,
	    nitems_of(any_of_recorder));
	return error != 0 ? error :
	    add_rules(ctx, like_recorder, nitems_of(like_recorder));
}

static int
allow_status(scmp_filter_ctx ctx)
{
	int error;

	error = add_calls(ctx, SCMP_ACT_ALLOW, any_of_status,
	    nitems_of(any_of_status));
	return error != 0 ? error :
	    add_rules(ctx, like_status, nitems_of(like_status));
}

static int
allow_ctl(scmp_filter_ctx ctx, const struct sandbox *box)
{
	int error = add_rules(ctx, like_ctl, nitems_of(like_ctl));

	return error != 0 || !box->screen ? error :
	    add_rules(ctx, like_screen, nitems_of(like_screen));
}

/* As abort(3) does it. */
static int
allow_own_signals(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp self[] = { IS(0, (uint64_t)getpid()) };
	int error = add(ctx, SCMP_ACT_ALLOW, "tgkill", 1, self);

	return error == 0 ? add(ctx, SCMP_ACT_ALLOW, "tkill", 1, self) :
	    error;
}

/* Threads are no processes. With clone3(2) they cannot be told apart, and
 * libraries do without it where it does not exist. */
static int
refuse_some(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp process[] = { BITS(0, CLONE_THREAD, 0) };
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
	int error;

	error = add_calls(ctx, refuse, never, nitems_of(never));
	if (error != 0 || SANITIZED)
		return error;
	error = add(ctx, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	if (error == 0)
		error = add(ctx, refuse, "clone", 1, process);
	if (error == 0)
		error = add(ctx, refuse, "fork", 0, NULL);
	return error == 0 ? add(ctx, refuse, "vfork", 0, NULL) : error;
}

static int
add_rules(scmp_filter_ctx ctx, const struct rule *rules, size_t n)
{
	const struct rule *r;
	int error = 0;

	for (r = rules; error == 0 && r < rules + n; r++)
		error = add(ctx, SCMP_ACT_ALLOW, r->call, r->n, r->args);
	return error;
}

static int
add_calls(scmp_filter_ctx ctx, uint32_t action, const char *const *calls,
    size_t n)
{
	size_t i;
	int error = 0;

	for (i = 0; error == 0 && i < n; i++)
		error = add(ctx, action, calls[i], 0, NULL);
	return error;
}

static int
add(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n,
    const struct scmp_arg_cmp *args)
{
	int call = seccomp_syscall_resolve_name(name);

	if (call == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(ctx, action, call, n, args);
}
