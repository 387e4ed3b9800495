/*
 * kqueue_linux.h - the part of kqueue(2) that spawnd uses, for Linux.
 *
 * Names and meanings are those of kqueue(2). What differs:
 *
 * - There is one kqueue a process. kqueue() forgets the one before, also one
 *   that came here by fork(2), without disturbing the parent. It is closed
 *   with kqueue_linux_close(), never with close(2), and in a child before
 *   descriptors that it does not know are closed by the dozen.
 * - EVFILT_READ, EVFILT_WRITE: data is always 0. fflags of EVFILT_READ is 1
 *   if the socket has an error, which (SO_ERROR) is left where it is. Plain
 *   files get EPERM. EV_CLEAR is for both filters of a descriptor or for none
 *   (EINVAL). An event may come although nothing has changed.
 * - EV_OOBAND comes with EVFILT_READ, as on macOS, when a socket has received
 *   urgent data.
 * - A closed descriptor is forgotten by itself, unless the same socket is
 *   still open somewhere else (dup(2), a child that has not called exec(2)
 *   yet). kqueue_linux_forget() before close(2) covers that.
 * - EVFILT_SIGNAL blocks the signal, and EV_DELETE leaves it blocked. data is
 *   how often it was taken, where the system merges those that wait.
 * - EVFILT_PROC knows NOTE_EXIT (needed), of which data is the wait(2) status
 *   for a child and 0 for others. It takes a zombie too.
 * - EVFILT_USER knows NOTE_TRIGGER and keeps no other fflags.
 * - kevent() may return 0 before the timeout is over.
 *
 * Two mechanisms. "epoll" spends one epoll_ctl(2) on changes of EVFILT_READ
 * and EVFILT_WRITE of one descriptor that follow each other. "poll" spends no
 * system call but fcntl(2) to see that an added descriptor is open; as poll(2)
 * knows no edges, EV_CLEAR is refused there (EINVAL) and EV_DISPATCH takes its
 * place; a descriptor must be forgotten or deleted before it is closed; an
 * error or a hang-up is not seen while its filters are disabled.
 */
#ifndef KQUEUE_LINUX_H
#define KQUEUE_LINUX_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ	(-1)
#define EVFILT_WRITE	(-2)
#define EVFILT_PROC	(-5)
#define EVFILT_SIGNAL	(-6)
#define EVFILT_USER	(-11)

#define EV_ADD		0x0001
#define EV_DELETE	0x0002
#define EV_ENABLE	0x0004
#define EV_DISABLE	0x0008
#define EV_ONESHOT	0x0010
#define EV_CLEAR	0x0020
#define EV_RECEIPT	0x0040
#define EV_DISPATCH	0x0080
#define EV_OOBAND	0x2000
#define EV_ERROR	0x4000
#define EV_EOF		0x8000

#define NOTE_TRIGGER	0x01000000u
#define NOTE_EXIT	0x80000000u

struct kevent {
	uintptr_t	 ident;
	short		 filter;
	unsigned short	 flags;
	unsigned int	 fflags;
	int64_t		 data;
	void		*udata;
};

#define EV_SET(kevp, a, b, c, d, e, f)					\
	(*(kevp) = (struct kevent){ .ident = (uintptr_t)(a),		\
	    .filter = (b), .flags = (c), .fflags = (d), .data = (e),	\
	    .udata = (f) })

int		 kqueue(void);
int		 kevent(int kq, const struct kevent *changelist, int nchanges,
		    struct kevent *eventlist, int nevents,
		    const struct timespec *timeout);

/* Chooses what the next kqueue() is made of: "epoll", "poll", or "kqueue" and
 * NULL for the best. Returns its name, or NULL if there is no such thing. */
const char	*kqueue_linux_mechanism(const char *name);

/* fd is about to be closed: drops its filters without a system call. */
void		 kqueue_linux_forget(int fd);

/* Closes the kqueue and gives back all that it holds. */
void		 kqueue_linux_close(void);

#endif
