/*
 * ev_proc.c - the event loop: signals, and processes that end.
 */
#include "ev.h"

#include <sys/wait.h>

#include <signal.h>

#include "ev_int.h"

#define PROCS_MIN	16

static struct {
	struct ev_proc	**of;		/* those watched */
	uint32_t	 n;
	uint32_t	 size;
} procs;

static int	 procs_room(void);
static void	 procs_take_out(const struct ev_proc *);
static bool	 proc_is_zombie(pid_t);
static void	 proc_is_over(struct ev_task *);

/* What a kernel's own kqueue has to be told, and ours does by itself. */
#ifdef KQUEUE_LINUX_H
#define queue_mute(signo)	((void)0)
#else

static void
queue_mute(int signo)
{
	sigset_t set;

	/* To ignore SIGCHLD would also lose the status of children. */
	signal(signo, signo == SIGCHLD ? SIG_DFL : SIG_IGN);
	/* Whoever started us may have held it back until now. */
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

#endif

int
ev_signal_add(struct ev_signal *sig, int signo, void (*cb)(struct ev_signal *))
{
	struct kevent ch;

	EV_SET(&ch, signo, EVFILT_SIGNAL, EV_ADD | EV_CLEAR, 0, 0, sig);
	if (ev_change(&ch) == -1)
		return -1;
	queue_mute(signo);
	sig->cb = cb;
	sig->signo = signo;
	return 0;
}

void
ev_signal_reset(const sigset_t *held)
{
	sigset_t none;
	int signo;

	/* Also what was ignored: a program that is executed finds it so. */
	for (signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, held != NULL ? held : &none, NULL);
}

/* For one more. */
static int
procs_room(void)
{
	uint32_t size = procs.size == 0 ? PROCS_MIN : procs.size * 2;
	struct ev_proc **of;

	if (procs.n < procs.size)
		return 0;
	if ((of = reallocarray(procs.of, size, sizeof(*of))) == NULL)
		return -1;
	procs.of = of;
	procs.size = size;
	return 0;
}

static void
procs_take_out(const struct ev_proc *proc)
{
	uint32_t i;

	for (i = 0; i < procs.n; i++)
		if (procs.of[i] == proc) {
			procs.of[i] = procs.of[--procs.n];
			return;
		}
}

bool
ev_proc_watched(pid_t pid)
{
	uint32_t i;

	for (i = 0; i < procs.n; i++)
		if (procs.of[i]->pid == pid)
			return true;
	return false;
}

int
ev_proc_add(struct ev_proc *proc, pid_t pid,
    void (*cb)(struct ev_proc *, int status))
{
	struct kevent ch;

	if (procs_room() == -1)
		return -1;
	memset(&proc->over, 0, sizeof(proc->over));
	EV_SET(&ch, pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, proc);
	if (ev_change(&ch) == -1) {
		if (errno != ESRCH || !proc_is_zombie(pid))
			return -1;
		/* Some kernels do not take a zombie: tell it ourselves. */
		ev_defer(&proc->over, proc_is_over);
	}
	procs.of[procs.n++] = proc;
	proc->cb = cb;
	proc->pid = pid;
	return 0;
}

void
ev_proc_del(struct ev_proc *proc)
{
	struct kevent ch;

	if (proc->pid == -1)
		return;
	ev_drop(proc);
	procs_take_out(proc);
	ev_undefer(&proc->over);
	EV_SET(&ch, proc->pid, EVFILT_PROC, EV_DELETE, 0, 0, NULL);
	ev_change(&ch);
	proc->pid = -1;
}

static void
proc_is_over(struct ev_task *task)
{
	ev_proc_event(container_of(task, struct ev_proc, over));
}

void
ev_proc_event(struct ev_proc *proc)
{
	pid_t pid = proc->pid, got;
	int status;

	procs_take_out(proc);
	proc->pid = -1;
	/* It is over or about to be: this does not wait for anything long. */
	do
		got = waitpid(pid, &status, 0);
	while (got == -1 && errno == EINTR);
	proc->cb(proc, got == pid ? status : -1);
}

void
ev_proc_forget(void)
{
	free(procs.of);
	procs.of = NULL;
	procs.n = procs.size = 0;
}

static bool
proc_is_zombie(pid_t pid)
{
	siginfo_t si;
	int saved = errno;

	memset(&si, 0, sizeof(si));
	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == -1)
		si.si_pid = 0;
	errno = saved;
	return si.si_pid == pid;
}
