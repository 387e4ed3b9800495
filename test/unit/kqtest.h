/*
 * kqtest.h - what the tests of kqueue on Linux share.
 */
#ifndef KQTEST_H
#define KQTEST_H

#include "evtest.h"

static const char	*mode;
static bool		 polls;
static int		 kq = -1;
static int		 nctl;		/* calls of epoll_ctl(2) */
static int		 fds_before;
static int		 a, b, c;	/* their addresses are udata */

static inline int
setup(void **state)
{
	(void)state;
	fds_before = count_fds();
	if (kqueue_linux_mechanism(mode) == NULL)
		return -1;
	kq = kqueue();
	nctl = 0;
	return kq == -1 ? -1 : 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	kqueue_linux_close();
	return count_fds() == fds_before ? 0 : -1;
}

static inline int
change(uintptr_t ident, short filter, int flags, unsigned int fflags,
    void *udata)
{
	struct kevent ch;

	EV_SET(&ch, ident, filter, flags, fflags, 0, udata);
	return kevent(kq, &ch, 1, NULL, 0, NULL);
}

static inline int
wait_ms(struct kevent *events, int n, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	return kevent(kq, NULL, 0, events, n, &ts);
}

static inline void
assert_quiet(void)
{
	struct kevent ev[4];

	assert_int_equal(wait_ms(ev, 4, SHORT), 0);
}

static inline void
assert_event(const struct kevent *ev, int ident, short filter, bool eof,
    void *udata)
{
	assert_int_equal(ev->ident, ident);
	assert_int_equal(ev->filter, filter);
	assert_int_equal((ev->flags & EV_EOF) != 0, eof);
	assert_int_equal(ev->flags & EV_ERROR, 0);
	assert_in_range(ev->fflags, 0, eof && filter == EVFILT_READ);
	assert_ptr_equal(ev->udata, udata);
}

/* Adds both filters in one changelist; the flags are the mechanism's. */
static inline void
add_both(int fd, void *rd, void *wr)
{
	struct kevent ch[2];
	int flags = EV_ADD | (polls ? EV_DISPATCH : EV_CLEAR);

	EV_SET(&ch[0], fd, EVFILT_READ, flags, 0, 0, rd);
	EV_SET(&ch[1], fd, EVFILT_WRITE, flags, 0, 0, wr);
	assert_int_equal(kevent(kq, ch, 2, NULL, 0, NULL), 0);
}

static inline void
drop(int fd)
{
	if (polls)
		kqueue_linux_forget(fd);
	close(fd);
}

static inline void
drop_pair(const int sv[2])
{
	drop(sv[0]);
	drop(sv[1]);
}

static inline uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

#endif
