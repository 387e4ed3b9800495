#include "compat.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/sockios.h>
#include <seccomp.h>

#include "proto.h"
#include "sysfilter.h"

/* What malloc(3) of other libraries does with memory of its own. */
#ifdef __GLIBC__
#define NOT_BY_MPROTECT	(PROT_EXEC | PROT_WRITE)
#else
#define NOT_BY_MPROTECT	PROT_EXEC
#endif

#define IS(arg, value)		{ arg, SCMP_CMP_EQ, value, 0 }
#define BITS(arg, mask, value)	{ arg, SCMP_CMP_MASKED_EQ, mask, value }
#define STREAM			BITS(1, 0xf, SOCK_STREAM)
#define OPTION(level, name)	{ "setsockopt", 2, \
	{ IS(1, level), IS(2, name) } }
/* Not of the channel, nor of the way to the logger: that is everybody's, who
 * would lose their log by it. */
#define NO_CHANNEL(call) \
	{ call, 1, { IS(0, PROTO_FD_CONF) } }, \
	{ call, 1, { IS(0, PROTO_FD_BOARD) } }, \
	{ call, 1, { { 0, SCMP_CMP_GT, PROTO_FD_LOG, 0 } } }
#define COMMAND(call, name)	{ call, 1, { IS(1, name) } }

/* Made with any arguments. Names that a machine does not have do no harm. */
static const char *const free_calls[] = {
	"read", "write", "readv", "writev", "pread64", "close", "lseek",
	"recv", "recvfrom", "recvmsg", "send", "sendto", "getsockopt",
	"getsockname", "getpeername", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "epoll_pwait2", "poll", "ppoll", "ppoll_time64",
	"splice", "pipe2", "brk", "munmap", "mremap", "madvise", "fstat",
	"fstat64", "clock_gettime", "clock_gettime64", "clock_getres",
	"gettimeofday", "time", "nanosleep", "clock_nanosleep",
	"clock_nanosleep_time64", "getpid", "gettid", "getppid", "getuid",
	"geteuid", "getgid", "getegid", "getrandom", "sysinfo", "futex",
	"futex_time64", "sched_yield", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "sigreturn", "sigaltstack", "restart_syscall",
	"exit", "exit_group",
};

/* Made like this only. */
static const struct rule {
	const char		*call;
	unsigned		 n;
	struct scmp_arg_cmp	 args[2];
} rules[] = {
	{ "socket", 2, { IS(0, AF_INET), STREAM } },
	{ "socket", 2, { IS(0, AF_INET6), STREAM } },
	{ "socket", 2, { IS(0, AF_UNIX), STREAM } },
	/* Places of what is read at the start are free for others then. */
	NO_CHANNEL("connect"),
	NO_CHANNEL("shutdown"),
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
	/* Memory that is ours alone, and holds no code. */
	{ "mmap", 2, { BITS(2, PROT_EXEC, 0), BITS(3, MAP_SHARED, 0) } },
	{ "mmap2", 2, { BITS(2, PROT_EXEC, 0), BITS(3, MAP_SHARED, 0) } },
	{ "mprotect", 1, { BITS(2, NOT_BY_MPROTECT, 0) } },
	/* To know a limit, not to set it. */
	{ "prlimit64", 2, { IS(0, 0), IS(2, 0) } },
};

/* What only somebody else's code does. */
static const char *const never[] = {
	"listen", "accept", "accept4", "sendmsg", "sendmmsg",
	"memfd_create", "memfd_secret", "bpf", "perf_event_open",
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

/* The same, but a sanitizer does it at its end. */
static const char *const never_plain[] = {
	"execve", "execveat", "fork", "vfork", "clone", "clone3", "ptrace",
	"process_vm_readv", "process_vm_writev",
};

static int	 add(scmp_filter_ctx, uint32_t, const char *, unsigned,
		    const struct scmp_arg_cmp *);
static int	 add_all(scmp_filter_ctx, uint32_t, const char *const *,
		    size_t);
static int	 add_allowed(scmp_filter_ctx, const struct sandbox *);
static int	 add_own_signals(scmp_filter_ctx);

int
sysfilter_worker(const struct sandbox *box)
{
	scmp_filter_ctx ctx;
	int error;

	ctx = seccomp_init(SANITIZED ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	if (ctx == NULL) {
		errno = ENOMEM;
		return -1;
	}
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree instead of a list; old libraries have the list only. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	error = add_all(ctx, SCMP_ACT_KILL_PROCESS, never, nitems_of(never));
	if (error == 0 && !SANITIZED)
		error = add_all(ctx, SCMP_ACT_KILL_PROCESS, never_plain,
		    nitems_of(never_plain));
	if (error == 0 && !SANITIZED)
		error = add_allowed(ctx, box);
	if (error == 0)
		error = seccomp_load(ctx);
	seccomp_release(ctx);
	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

static int
add_allowed(scmp_filter_ctx ctx, const struct sandbox *box)
{
	const struct rule *r;
	int error;

	error = add_all(ctx, SCMP_ACT_ALLOW, free_calls,
	    nitems_of(free_calls));
	for (r = rules; error == 0 && r < rules + nitems_of(rules); r++)
		error = add(ctx, SCMP_ACT_ALLOW, r->call, r->n, r->args);
	if (error == 0 && box->bind)
		error = add(ctx, SCMP_ACT_ALLOW, "bind", 0, NULL);
	return error == 0 ? add_own_signals(ctx) : error;
}

/* As abort(3) does it. */
static int
add_own_signals(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp self[] = { IS(0, (uint64_t)getpid()) };
	int error = add(ctx, SCMP_ACT_ALLOW, "tgkill", 1, self);

	return error == 0 ? add(ctx, SCMP_ACT_ALLOW, "tkill", 1, self) :
	    error;
}

static int
add_all(scmp_filter_ctx ctx, uint32_t action, const char *const *calls,
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
