/*
 * kqueue_linux.c - kqueue(2) on epoll(7) or poll(2).
 *
 * A table indexed by descriptor holds what was asked for. The kernel is given
 * the descriptor and a generation, so that an event for a descriptor that has
 * meanwhile been closed and opened anew finds nobody. Filters that are not on
 * a descriptor of the caller are notes (kqueue_note.c).
 */
#include "compat.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#include "kqueue_note.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2	441
#endif

#define SLOTS_MIN	64

/* Bits for the two filters of a descriptor; index 0 and 1 in struct slot. */
#define READS	1u
#define WRITES	2u

#define TROUBLE		(EPOLLHUP | EPOLLERR)

/* Both mechanisms share the code that reads and writes event bits. */
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT &&
    EPOLLPRI == POLLPRI && EPOLLERR == POLLERR && EPOLLHUP == POLLHUP &&
    EPOLLRDHUP == POLLRDHUP,
    "epoll and poll bits differ");

enum slot_kind { SLOT_FREE, SLOT_FD, SLOT_PROC, SLOT_SIGNALS };

struct slot {
	void		*udata[2];	/* SLOT_PROC: [0] is its note */
	uint32_t	 gen;		/* never 0 while armed */
	uint8_t		 st[2];		/* MODES, EV_ADD: exists, EV_ENABLE */
	uint8_t		 kind;
	bool		 armed;		/* the kernel is asked to watch it */
};
_Static_assert(sizeof(struct slot) <= 24, "every descriptor pays for this");

/* The half of an event that found no room; only if nevents is 1. */
struct spill {
	bool		 full;
	bool		 eof;
	int		 fd;
	uint32_t	 gen;
};

static struct {
	int			 fd;
	bool			 polls;
	bool			 no_pwait2;
	uint32_t		 gen;		/* the last one given out */
	struct slot		*slots;
	size_t			 nslots;
	struct pollfd		*pfds;		/* indexed by descriptor */
	size_t			 npfds;		/* those in use */
	struct epoll_event	*buf;
	int			 nbuf;
	struct spill		 spill;
} queue = { .fd = -1 };

static bool	use_poll;		/* by the next kqueue() */

static int	 change_all(const struct kevent *, int, struct kevent *, int);
static int	 change_run(const struct kevent *, int);
static void	 change_fd(const struct kevent *, int, int *);
static int	 change_slot(struct slot *, const struct kevent *,
		    unsigned int *);

static int	 slot_grow(size_t);
static unsigned int slot_with(const struct slot *, uint8_t);
static uint32_t	 slot_mask(const struct slot *, unsigned int);
static void	 slot_keep(struct slot *, unsigned int);
static int	 slot_sync(int, struct slot *, unsigned int);
static int	 slot_add(int, struct slot *, unsigned int);
static int	 slot_ctl(int, int, const struct slot *, unsigned int);
static int	 slot_poll(int, struct slot *, unsigned int);
static int	 slot_event(int, uint32_t, struct kevent *, int);
static void	 slot_own(const struct slot *);
static void	 slot_tell(int, int, bool, struct kevent *);
static void	 slot_told(int, int);

static int	 spill_take(struct kevent *);
static int	 wait_epoll(struct kevent *, int, const struct timespec *);
static int	 wait_kernel(int, const struct timespec *);
static int	 wait_poll(struct kevent *, int, const struct timespec *);

const char *
kqueue_linux_mechanism(const char *name)
{
	if (name == NULL || strcmp(name, "kqueue") == 0)
		name = "epoll";
	if (strcmp(name, "epoll") != 0 && strcmp(name, "poll") != 0)
		return NULL;
	use_poll = strcmp(name, "poll") == 0;
	return use_poll ? "poll" : "epoll";
}

int
kqueue(void)
{
	kqueue_linux_close();
	/* poll(2) has no descriptor of its own, but the caller gets one. */
	queue.fd = use_poll ? eventfd(0, EFD_CLOEXEC) :
	    epoll_create1(EPOLL_CLOEXEC);
	queue.polls = use_poll;
	return queue.fd;
}

void
kqueue_linux_close(void)
{
	kqueue_note_close();
	if (queue.fd != -1)
		close(queue.fd);
	queue.fd = -1;
	free(queue.slots);
	free(queue.pfds);
	free(queue.buf);
	queue.slots = NULL;
	queue.pfds = NULL;
	queue.buf = NULL;
	queue.nslots = queue.npfds = 0;
	queue.nbuf = 0;
	queue.spill.full = false;
}

void
kqueue_linux_forget(int fd)
{
	if (fd < 0 || (size_t)fd >= queue.nslots)
		return;
	memset(&queue.slots[fd], 0, sizeof(queue.slots[fd]));
	if (queue.polls)
		queue.pfds[fd].fd = -1;
}

int
kevent(int fd, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	static const struct timespec at_once;
	int m, n;

	if (fd == -1 || fd != queue.fd) {
		errno = EBADF;
		return -1;
	}
	n = change_all(changes, nchanges, events, nevents);
	if (n != 0 || nevents == 0)
		return n;
	n = queue.spill.full ? spill_take(events) : 0;
	if (kqueue_note_nfired > 0)
		n += kqueue_note_take(events + n, nevents - n);
	if (n == nevents)
		return n;
	if (n > 0)
		timeout = &at_once;
	m = queue.polls ? wait_poll(events + n, nevents - n, timeout) :
	    wait_epoll(events + n, nevents - n, timeout);
	if (m == -1)
		return n > 0 ? n : -1;
	/* Had notes been taken above, one might now be taken twice. */
	if (n == 0 && kqueue_note_nfired > 0)
		m += kqueue_note_take(events + m, nevents - m);
	return n + m;
}

/* Returns the number of errors (and receipts) that were put into events, or
 * -1 for an error that found no room. */
static int
change_all(const struct kevent *ch, int nch, struct kevent *events,
    int nevents)
{
	int error[2], i, k, run, n = 0;

	for (i = 0; i < nch; i += run) {
		run = change_run(ch + i, nch - i);
		if (kqueue_is_fd(&ch[i]))
			change_fd(ch + i, run, error);
		else
			error[0] = kqueue_note_change(&ch[i]);
		for (k = 0; k < run; k++) {
			if (error[k] == 0 && !(ch[i + k].flags & EV_RECEIPT))
				continue;
			if (n < nevents) {
				events[n] = ch[i + k];
				events[n].flags = EV_ERROR;
				events[n++].data = error[k];
			} else if (error[k] != 0) {
				errno = error[k];
				return -1;
			}
		}
	}
	return n;
}

/* How many changes from here on cost one system call together. */
static int
change_run(const struct kevent *ch, int nch)
{
	if (nch > 1 && kqueue_is_fd(&ch[0]) && kqueue_is_fd(&ch[1]) &&
	    ch[0].ident == ch[1].ident && ch[0].filter != ch[1].filter)
		return 2;
	return 1;
}

static void
change_fd(const struct kevent *ch, int run, int *error)
{
	struct slot s;
	unsigned int added = 0;
	int fd = (int)ch->ident, k, failed = 0;

	if (ch->ident > INT_MAX)
		failed = EBADF;
	else if ((size_t)fd >= queue.nslots && slot_grow((size_t)fd) == -1)
		failed = ENOMEM;
	error[0] = error[1] = failed;
	if (failed != 0)
		return;

	s = queue.slots[fd];
	for (k = 0; k < run; k++)
		error[k] = change_slot(&s, &ch[k], &added);
	if (error[0] != 0 && (run == 1 || error[1] != 0))
		return;
	s.kind = SLOT_FD;
	if (slot_sync(fd, &s, added) == 0) {
		queue.slots[fd] = s;
		return;
	}
	failed = errno;
	for (k = 0; k < run; k++)
		if (error[k] == 0)
			error[k] = failed;
	if (failed == EBADF || failed == ENOENT)
		kqueue_linux_forget(fd);
}

static int
change_slot(struct slot *s, const struct kevent *ch, unsigned int *added)
{
	int f = ch->filter == EVFILT_WRITE;

	if (s->kind != SLOT_FREE && s->kind != SLOT_FD)
		return EBADF;
	if ((s->st[f] & EV_ADD) == 0 && (ch->flags & EV_ADD) == 0)
		return ENOENT;
	if (queue.polls && (ch->flags & (EV_ADD | EV_CLEAR)) ==
	    (EV_ADD | EV_CLEAR))
		return EINVAL;
	if (ch->flags & EV_DELETE) {
		s->st[f] = 0;
		s->udata[f] = NULL;
		return 0;
	}
	if (ch->flags & EV_ADD)
		*added |= f ? WRITES : READS;
	s->st[f] = kqueue_state(s->st[f], ch);
	s->udata[f] = ch->udata;
	return 0;
}

/* Makes room for descriptor fd. */
static int
slot_grow(size_t fd)
{
	struct pollfd *pfds;
	struct slot *slots;
	size_t i, n = queue.nslots == 0 ? SLOTS_MIN : queue.nslots;

	while (n <= fd)
		n *= 2;
	if (queue.polls) {
		pfds = reallocarray(queue.pfds, n, sizeof(*pfds));
		if (pfds == NULL)
			return -1;
		for (i = queue.nslots; i < n; i++)
			pfds[i] = (struct pollfd){ .fd = -1 };
		queue.pfds = pfds;
	}
	slots = reallocarray(queue.slots, n, sizeof(*slots));
	if (slots == NULL)
		return -1;
	memset(slots + queue.nslots, 0, (n - queue.nslots) * sizeof(*slots));
	queue.slots = slots;
	queue.nslots = n;
	return 0;
}

/* Which of the two filters have this bit of their state. */
static unsigned int
slot_with(const struct slot *s, uint8_t bit)
{
	return ((s->st[0] & bit) ? READS : 0) | ((s->st[1] & bit) ? WRITES : 0);
}

static uint32_t
slot_mask(const struct slot *s, unsigned int which)
{
	return ((which & READS) ? EPOLLIN | EPOLLPRI | EPOLLRDHUP : 0) |
	    ((which & WRITES) ? EPOLLOUT : 0) |
	    ((which & slot_with(s, EV_CLEAR)) ? EPOLLET : 0);
}

/* Forgets the filters that are not in which. */
static void
slot_keep(struct slot *s, unsigned int which)
{
	int f;

	for (f = 0; f < 2; f++)
		if ((which & (1u << f)) == 0) {
			s->st[f] = 0;
			s->udata[f] = NULL;
		}
}

/*
 * Tells the kernel that fd, known to it as the table says, is now to be s.
 * A filter that is added although the table has it speaks for a descriptor
 * that was closed: the kernel dropped the old one then, and what the table
 * has on it is void. The kernel's answer tells whether that was right.
 */
static int
slot_sync(int fd, struct slot *s, unsigned int added)
{
	const struct slot *old = &queue.slots[fd];
	unsigned int on = slot_with(s, EV_ENABLE), fresh;
	bool closed = old->armed && (added & slot_with(old, EV_ADD)) != 0;

	if (queue.polls)
		return slot_poll(fd, s, added);
	s->armed = on != 0;
	if (on == 0)
		return old->armed ?
		    epoll_ctl(queue.fd, EPOLL_CTL_DEL, fd, NULL) : 0;
	fresh = old->armed ? on & added : on;
	if ((!old->armed || closed) && fresh != 0) {
		if (slot_add(fd, s, fresh) == 0) {
			if (closed)
				slot_keep(s, added);
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
	if (slot_ctl(EPOLL_CTL_MOD, fd, s, on) == 0)
		return 0;
	if (errno != ENOENT || (on & added) == 0)
		return -1;
	slot_keep(s, added);
	return slot_add(fd, s, on & added);
}

static int
slot_add(int fd, struct slot *s, unsigned int which)
{
	if (++queue.gen == 0)
		queue.gen = 1;
	s->gen = queue.gen;
	return slot_ctl(EPOLL_CTL_ADD, fd, s, which);
}

static int
slot_ctl(int op, int fd, const struct slot *s, unsigned int which)
{
	struct epoll_event ev;
	unsigned int edges = which & slot_with(s, EV_CLEAR);

	if (edges != 0 && edges != which) {
		errno = EINVAL;
		return -1;
	}
	ev.events = slot_mask(s, which);
	ev.data.u64 = (uint64_t)s->gen << 32 | (uint32_t)fd;
	return epoll_ctl(queue.fd, op, fd, &ev);
}

/* poll(2) reports errors even of a descriptor that it is asked nothing about:
 * one without enabled filters has to leave the array. */
static int
slot_poll(int fd, struct slot *s, unsigned int added)
{
	struct pollfd *pfd = &queue.pfds[fd];
	unsigned int on = slot_with(s, EV_ENABLE);

	if (added != 0 && fcntl(fd, F_GETFD) == -1)
		return -1;
	s->armed = on != 0;
	pfd->fd = s->armed ? fd : -1;
	pfd->events = (short)slot_mask(s, on);
	pfd->revents = 0;
	if (s->armed && (size_t)fd >= queue.npfds)
		queue.npfds = (size_t)fd + 1;
	return 0;
}

int
kqueue_hold(int fd, struct note *n)
{
	struct slot s = { .kind = n == NULL ? SLOT_SIGNALS : SLOT_PROC,
	    .udata = { n, NULL },
	    .st = { EV_ADD | EV_ENABLE, 0 } };

	if ((size_t)fd >= queue.nslots && slot_grow((size_t)fd) == -1)
		return -1;
	if (slot_sync(fd, &s, READS) == -1)
		return -1;
	queue.slots[fd] = s;
	return 0;
}

/* Turns what the kernel says of fd into kevents, at most room. */
static int
slot_event(int fd, uint32_t bits, struct kevent *events, int room)
{
	const struct slot *s = &queue.slots[fd];
	bool eof = (bits & TROUBLE) != 0;
	bool writes = (s->st[1] & EV_ENABLE) && (bits & (EPOLLOUT | TROUBLE));
	int n = 0;

	if (s->kind != SLOT_FD) {
		slot_own(s);
		return 0;
	}
	if ((s->st[0] & EV_ENABLE) &&
	    (bits & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | TROUBLE))) {
		slot_tell(fd, 0, eof || (bits & EPOLLRDHUP), events);
		if (bits & EPOLLPRI)
			events->flags |= EV_OOBAND;
		if (bits & EPOLLERR)
			events->fflags = 1;
		n++;
	}
	if (writes) {
		if (n < room)
			slot_tell(fd, 1, eof, &events[n++]);
		else if (!queue.polls)
			queue.spill = (struct spill){ .full = true, .eof = eof,
			    .fd = fd, .gen = s->gen };
	}
	return n;
}

/* An event for a descriptor of our own. */
static void
slot_own(const struct slot *s)
{
	if (s->kind == SLOT_SIGNALS)
		kqueue_note_signals();
	else if (s->kind == SLOT_PROC)
		kqueue_note_exited(s->udata[0]);
}

static void
slot_tell(int fd, int f, bool eof, struct kevent *kev)
{
	const struct slot *s = &queue.slots[fd];
	unsigned int st = s->st[f];

	EV_SET(kev, fd, f ? EVFILT_WRITE : EVFILT_READ,
	    (st & KQUEUE_MODES) | (eof ? EV_EOF : 0), 0, 0, s->udata[f]);
	if (st & (EV_ONESHOT | EV_DISPATCH))
		slot_told(fd, f);
}

/* A filter that fires once, or once until it is enabled again, has fired. */
static void
slot_told(int fd, int f)
{
	struct slot s = queue.slots[fd];

	s.st[f] &= (uint8_t)~EV_ENABLE;
	if (s.st[f] & EV_ONESHOT)
		s.st[f] = 0;
	if (slot_sync(fd, &s, 0) == 0)
		queue.slots[fd] = s;
}

static int
spill_take(struct kevent *kev)
{
	struct spill *sp = &queue.spill;
	const struct slot *s = &queue.slots[sp->fd];

	sp->full = false;
	if (s->gen != sp->gen || (s->st[1] & EV_ENABLE) == 0)
		return 0;
	slot_tell(sp->fd, 1, sp->eof, kev);
	return 1;
}

static int
wait_epoll(struct kevent *events, int room, const struct timespec *timeout)
{
	struct epoll_event *buf;
	uint64_t tag;
	uint32_t fd;
	int i, got, max = room < 2 ? 1 : room / 2, n = 0;

	if (max > queue.nbuf) {
		buf = reallocarray(queue.buf, (size_t)max, sizeof(*buf));
		if (buf == NULL)
			return -1;
		queue.buf = buf;
		queue.nbuf = max;
	}
	got = wait_kernel(max, timeout);
	for (i = 0; i < got; i++) {
		tag = queue.buf[i].data.u64;
		fd = (uint32_t)tag;
		if (fd < queue.nslots && queue.slots[fd].gen == tag >> 32)
			n += slot_event((int)fd, queue.buf[i].events,
			    events + n, room - n);
	}
	return got == -1 ? -1 : n;
}

static int
wait_kernel(int max, const struct timespec *timeout)
{
	int64_t ts[2];		/* what the kernel takes on all machines */
	int64_t ms;
	int n;

	if (timeout == NULL)
		return epoll_wait(queue.fd, queue.buf, max, -1);
	if (timeout->tv_sec == 0 && timeout->tv_nsec == 0)
		return epoll_wait(queue.fd, queue.buf, max, 0);
	if (!queue.no_pwait2) {
		ts[0] = timeout->tv_sec;
		ts[1] = timeout->tv_nsec;
		n = (int)syscall(SYS_epoll_pwait2, queue.fd, queue.buf, max,
		    ts, NULL, (size_t)0);
		/* EPERM is what a sandbox says to a call that it is too old
		 * to know. */
		if (n != -1 || (errno != ENOSYS && errno != EPERM))
			return n;
		queue.no_pwait2 = true;
	}
	ms = timeout->tv_sec >= INT_MAX / 1000 ? INT_MAX :
	    timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
	return epoll_wait(queue.fd, queue.buf, max, (int)MIN(ms, INT_MAX));
}

static int
wait_poll(struct kevent *events, int room, const struct timespec *timeout)
{
	static size_t first;
	size_t fd, i, len;
	short bits;
	int left, n = 0;

	while (queue.npfds > 0 && queue.pfds[queue.npfds - 1].fd == -1)
		queue.npfds--;
	len = queue.npfds;
	left = ppoll(queue.pfds, len, timeout, NULL);
	if (left == -1)
		return -1;
	/* Begin where the last call ran out of room, or the descriptors with
	 * high numbers might never be heard. */
	if (first >= len)
		first = 0;
	for (i = 0; i < len && left > 0; i++) {
		fd = first + i < len ? first + i : first + i - len;
		bits = queue.pfds[fd].revents;
		if (queue.pfds[fd].fd == -1 || bits == 0)
			continue;
		if (n == room) {
			first = fd;
			break;
		}
		left--;
		if (bits & POLLNVAL)
			kqueue_linux_forget((int)fd);
		else
			n += slot_event((int)fd, (uint32_t)bits, events + n,
			    room - n);
	}
	return n;
}
