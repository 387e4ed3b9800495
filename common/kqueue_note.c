/*
 * kqueue_note.c - kqueue(2) on Linux: signals by signalfd(2), processes by
 * pidfd_open(2), children by SIGCHLD where that is missing or forbidden, and
 * the user's own.
 *
 * Notes are in a list, which is short; they fire first and are taken
 * afterwards.
 */
#include "kqueue_note.h"

#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <signal.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open		434
#endif

struct note {
	TAILQ_ENTRY(note)	 entry;
	uintptr_t		 ident;
	void			*udata;
	int64_t			 data;
	int			 fd;	/* of a process, or -1 */
	short			 filter;
	uint8_t			 st;	/* KQUEUE_MODES, EV_ADD, EV_ENABLE */
	bool			 fired;	/* counted in the number of them */
};

static struct {
	TAILQ_HEAD(, note)	 all;
	int			 sigfd;
	sigset_t		 sigs;
	bool			 sigchld;	/* wanted here too, for ever */
} notes = { .all = TAILQ_HEAD_INITIALIZER(notes.all), .sigfd = -1 };

unsigned int	 kqueue_note_nfired;

static struct note *note_find(const struct kevent *);
static struct note *note_new(const struct kevent *);
static void	 note_free(struct note *);
static int	 note_watch_signal(int);
static int	 note_watch_proc(struct note *);
static int	 note_watch_child(struct note *);
static void	 note_fire(struct note *, int64_t);
static void	 note_taken(struct note *);
static void	 signal_taken(int);
static bool	 proc_status(pid_t, int *);
static void	 children_look(void);

int
kqueue_note_change(const struct kevent *ch)
{
	struct note *n;

	if (ch->filter != EVFILT_PROC && ch->filter != EVFILT_SIGNAL &&
	    ch->filter != EVFILT_USER)
		return EINVAL;
	n = note_find(ch);
	if (n == NULL && (ch->flags & EV_ADD) == 0)
		return ENOENT;
	if (n == NULL && (n = note_new(ch)) == NULL)
		return errno;
	if (ch->flags & EV_DELETE) {
		note_free(n);
		return 0;
	}
	n->st = kqueue_state(n->st, ch);
	n->udata = ch->udata;
	if (ch->filter == EVFILT_USER && (ch->fflags & NOTE_TRIGGER))
		note_fire(n, 0);
	return 0;
}

uint8_t
kqueue_state(uint8_t st, const struct kevent *ch)
{
	if (ch->flags & EV_ADD)
		st = (ch->flags & KQUEUE_MODES) | EV_ADD | EV_ENABLE;
	if (ch->flags & EV_ENABLE)
		st |= EV_ENABLE;
	if (ch->flags & EV_DISABLE)
		st &= (uint8_t)~EV_ENABLE;
	return st;
}

void
kqueue_note_close(void)
{
	struct note *n;

	/* First, as a parent may share it and its mask. */
	if (notes.sigfd != -1)
		close(notes.sigfd);
	notes.sigfd = -1;
	sigemptyset(&notes.sigs);
	notes.sigchld = false;
	while ((n = TAILQ_FIRST(&notes.all)) != NULL)
		note_free(n);
}

static struct note *
note_find(const struct kevent *kev)
{
	struct note *n;

	TAILQ_FOREACH(n, &notes.all, entry)
		if (n->ident == kev->ident && n->filter == kev->filter)
			break;
	return n;
}

static struct note *
note_new(const struct kevent *ch)
{
	struct note *n;
	int failed = 0;

	if (ch->filter == EVFILT_PROC && (ch->fflags & NOTE_EXIT) == 0) {
		errno = EINVAL;
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->ident = ch->ident;
	n->filter = ch->filter;
	n->fd = -1;
	TAILQ_INSERT_TAIL(&notes.all, n, entry);
	if (ch->filter == EVFILT_SIGNAL)
		failed = note_watch_signal((int)ch->ident);
	else if (ch->filter == EVFILT_PROC)
		failed = note_watch_proc(n);
	if (failed == -1) {
		failed = errno;
		note_free(n);
		errno = failed;
		return NULL;
	}
	return n;
}

static void
note_free(struct note *n)
{
	TAILQ_REMOVE(&notes.all, n, entry);
	if (n->fired)
		kqueue_note_nfired--;
	if (n->fd != -1) {
		kqueue_linux_forget(n->fd);
		close(n->fd);
	}
	if (n->filter == EVFILT_SIGNAL &&
	    !(notes.sigchld && n->ident == SIGCHLD)) {
		sigdelset(&notes.sigs, (int)n->ident);
		if (notes.sigfd != -1)
			signalfd(notes.sigfd, &notes.sigs, 0);
	}
	free(n);
}

static int
note_watch_signal(int signo)
{
	sigset_t one;

	sigemptyset(&one);
	if (sigaddset(&one, signo) == -1 ||
	    sigprocmask(SIG_BLOCK, &one, NULL) == -1)
		return -1;
	sigaddset(&notes.sigs, signo);
	if (notes.sigfd != -1)
		return signalfd(notes.sigfd, &notes.sigs, 0) == -1 ? -1 : 0;
	notes.sigfd = signalfd(-1, &notes.sigs, SFD_NONBLOCK | SFD_CLOEXEC);
	if (notes.sigfd == -1)
		return -1;
	if (kqueue_hold(notes.sigfd, NULL) == 0)
		return 0;
	close(notes.sigfd);
	notes.sigfd = -1;
	return -1;
}

/* Old kernels do not know the call, and sandboxes that are older than it
 * forbid it. */
static int
note_watch_proc(struct note *n)
{
	/* It is close-on-exec by nature. */
	n->fd = (int)syscall(SYS_pidfd_open, (pid_t)n->ident, 0);
	if (n->fd != -1)
		return kqueue_hold(n->fd, n);
	return errno == ENOSYS || errno == EPERM ? note_watch_child(n) : -1;
}

/* It may have ended before. */
static int
note_watch_child(struct note *n)
{
	siginfo_t si;

	if (!notes.sigchld && note_watch_signal(SIGCHLD) == -1)
		return -1;
	notes.sigchld = true;
	if (waitid(P_PID, (id_t)n->ident, &si, WEXITED | WNOWAIT |
	    WNOHANG) == -1) {
		errno = kill((pid_t)n->ident, 0) == -1 ? ESRCH : ENOTSUP;
		return -1;
	}
	children_look();
	return 0;
}

static void
note_fire(struct note *n, int64_t data)
{
	if (!n->fired)
		kqueue_note_nfired++;
	n->fired = true;
	n->data += data;
}

int
kqueue_note_take(struct kevent *events, int room)
{
	struct note *n, *next;
	int taken = 0;

	TAILQ_FOREACH_SAFE(n, &notes.all, entry, next) {
		if (taken == room)
			break;
		if (!n->fired || (n->st & EV_ENABLE) == 0)
			continue;
		EV_SET(&events[taken], n->ident, n->filter,
		    n->st & KQUEUE_MODES, 0, n->data, n->udata);
		if (n->filter == EVFILT_PROC) {
			events[taken].flags |= EV_EOF | EV_ONESHOT;
			events[taken].fflags = NOTE_EXIT;
		}
		taken++;
		note_taken(n);
	}
	return taken;
}

static void
note_taken(struct note *n)
{
	n->data = 0;
	/* A signal is over once it has been told, and a process more so. */
	if (n->filter == EVFILT_SIGNAL || (n->st & EV_CLEAR)) {
		n->fired = false;
		kqueue_note_nfired--;
	}
	if (n->st & EV_DISPATCH)
		n->st &= (uint8_t)~EV_ENABLE;
	if (n->filter == EVFILT_PROC || (n->st & EV_ONESHOT))
		note_free(n);
}

void
kqueue_note_signals(void)
{
	struct signalfd_siginfo si[16];
	ssize_t got;
	size_t i;

	while ((got = read(notes.sigfd, si, sizeof(si))) > 0)
		for (i = 0; i < (size_t)got / sizeof(si[0]); i++)
			signal_taken((int)si[i].ssi_signo);
}

static void
signal_taken(int signo)
{
	struct note *n;

	if (signo == SIGCHLD && notes.sigchld)
		children_look();
	TAILQ_FOREACH(n, &notes.all, entry)
		if (n->filter == EVFILT_SIGNAL && n->ident == (unsigned)signo)
			note_fire(n, 1);
}

void
kqueue_note_exited(struct note *n)
{
	int status = 0;

	proc_status((pid_t)n->ident, &status);
	/* It stays readable for ever and has nothing more to say. */
	kqueue_linux_forget(n->fd);
	close(n->fd);
	n->fd = -1;
	note_fire(n, status);
}

/* False if it runs. One that is not ours, or was taken by another, has 0. */
static bool
proc_status(pid_t pid, int *status)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT | WNOHANG) == -1)
		return true;
	if (si.si_pid == 0)
		return false;
	*status = si.si_code == CLD_EXITED ? (si.si_status & 0xff) << 8 :
	    si.si_status | (si.si_code == CLD_DUMPED ? 0x80 : 0);
	return true;
}

/* Those without a descriptor of their own, as the signals of several merge. */
static void
children_look(void)
{
	struct note *n;
	int status;

	TAILQ_FOREACH(n, &notes.all, entry) {
		status = 0;
		if (n->filter == EVFILT_PROC && n->fd == -1 && !n->fired &&
		    proc_status((pid_t)n->ident, &status))
			note_fire(n, status);
	}
}
