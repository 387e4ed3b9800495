/*
 * test_kqueue.c - descriptors in kqueue(2) on Linux: every test runs on epoll
 * and on poll.
 */
#include "kqtest.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

int	 epoll_ctl(int, int, int, struct epoll_event *);

/* In place of libc's, to count. */
int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	nctl++;
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, ev);
}

/* What ev_io_again() does. */
static void
again(int fd, short filter, void *udata)
{
	if (polls)
		assert_int_equal(change((uintptr_t)fd, filter, EV_ENABLE, 0,
		    udata), 0);
}

static void
get(int fd)
{
	char buf[64];

	assert_true(read(fd, buf, sizeof(buf)) > 0);
}

static void
fill(int fd)
{
	static const char block[4096];

	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
}

/* Both filters of a socket: one epoll_ctl(2), two neighbouring events. */
static void
test_both_filters(void **state)
{
	struct kevent ev[8];
	int sv[2];

	(void)state;
	make_pair(sv);
	put(sv[1]);
	add_both(sv[0], &a, &b);
	assert_int_equal(nctl, polls ? 0 : 1);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &a);
	assert_event(&ev[1], sv[0], EVFILT_WRITE, false, &b);
	assert_int_equal(ev[0].data, 0);
	assert_quiet();
	assert_int_equal(nctl, polls ? 0 : 1);
	drop_pair(sv);
}

/* An event comes once, and again only after more has arrived. */
static void
test_edges(void **state)
{
	struct kevent ev[8];
	int sv[2], n;

	(void)state;
	make_pair(sv);
	add_both(sv[0], &a, &b);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_WRITE, false, &b);
	put(sv[1]);
	n = wait_ms(ev, 8, LONG);
	assert_true(n >= 1);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &a);
	assert_quiet();
	get(sv[0]);
	again(sv[0], EVFILT_READ, &a);
	assert_quiet();
	put(sv[1]);
	assert_true(wait_ms(ev, 8, LONG) >= 1);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &a);
	assert_int_equal(nctl, polls ? 0 : 1);
	drop_pair(sv);
}

static void
test_write_edge(void **state)
{
	static char block[4096];
	struct kevent ev[8];
	int sv[2];

	(void)state;
	make_pair(sv);
	add_both(sv[0], &a, &b);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	fill(sv[0]);
	again(sv[0], EVFILT_WRITE, &b);
	assert_quiet();
	while (read(sv[1], block, sizeof(block)) > 0)
		;
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_WRITE, false, &b);
	drop_pair(sv);
}

static void
test_level(void **state)
{
	struct kevent ev[8];
	uintptr_t fd;
	int i, sv[2];

	(void)state;
	make_pair(sv);
	fd = (uintptr_t)sv[0];
	assert_int_equal(change(fd, EVFILT_READ, EV_ADD, 0, &a), 0);
	assert_quiet();
	put(sv[1]);
	for (i = 0; i < 3; i++) {
		assert_int_equal(wait_ms(ev, 8, LONG), 1);
		assert_event(&ev[0], sv[0], EVFILT_READ, false, &a);
	}
	assert_int_equal(change(fd, EVFILT_READ, EV_DISABLE, 0, &a), 0);
	assert_quiet();
	assert_int_equal(change(fd, EVFILT_READ, EV_ENABLE, 0, &b), 0);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &b);
	get(sv[0]);
	assert_quiet();
	assert_int_equal(change(fd, EVFILT_READ, EV_ADD | EV_DISABLE, 0, &a),
	    0);
	put(sv[1]);
	assert_quiet();
	drop_pair(sv);
}

static void
test_oneshot_dispatch(void **state)
{
	struct kevent ev[8];
	uintptr_t fd;
	int sv[2];

	(void)state;
	make_pair(sv);
	fd = (uintptr_t)sv[0];
	put(sv[1]);
	assert_int_equal(change(fd, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, &a),
	    0);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_quiet();
	assert_int_equal(change(fd, EVFILT_READ, EV_ENABLE, 0, &a), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(change(fd, EVFILT_READ, EV_ADD | EV_DISPATCH, 0, &a),
	    0);
	assert_int_equal(change(fd, EVFILT_WRITE, EV_ADD, 0, &b), 0);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_WRITE, false, &b);
	assert_int_equal(change(fd, EVFILT_READ, EV_ENABLE, 0, &c), 0);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &c);
	drop_pair(sv);
}

static void
test_delete(void **state)
{
	struct kevent ev[8];
	uintptr_t fd;
	int sv[2];

	(void)state;
	make_pair(sv);
	fd = (uintptr_t)sv[0];
	put(sv[1]);
	add_both(sv[0], &a, &b);
	assert_int_equal(change(fd, EVFILT_WRITE, EV_DELETE, 0, NULL), 0);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &a);
	assert_int_equal(change(fd, EVFILT_WRITE, EV_DELETE, 0, NULL), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(change(fd, EVFILT_READ, EV_DELETE, 0, NULL), 0);
	put(sv[1]);
	assert_quiet();
	assert_int_equal(change(fd, EVFILT_READ, EV_DELETE, 0, NULL), -1);
	assert_int_equal(errno, ENOENT);
	/* Gone for good means that it can come back. */
	add_both(sv[0], &c, &c);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	drop_pair(sv);
}

static void
test_add_second_later(void **state)
{
	struct kevent ev[8];
	uintptr_t fd;
	int sv[2], flags = EV_ADD | (polls ? EV_DISPATCH : EV_CLEAR);

	(void)state;
	make_pair(sv);
	fd = (uintptr_t)sv[0];
	assert_int_equal(change(fd, EVFILT_READ, flags, 0, &a), 0);
	assert_int_equal(change(fd, EVFILT_WRITE, flags, 0, &b), 0);
	assert_int_equal(nctl, polls ? 0 : 2);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_WRITE, false, &b);
	/* Adding again keeps the other one, and takes the new udata. */
	assert_int_equal(change(fd, EVFILT_WRITE, flags, 0, &c), 0);
	put(sv[1]);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &a);
	assert_event(&ev[1], sv[0], EVFILT_WRITE, false, &c);
	drop_pair(sv);
}

static void
test_eof_half(void **state)
{
	struct kevent ev[8];
	int sv[2];

	(void)state;
	make_tcp_pair(sv);
	add_both(sv[1], &a, &b);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_int_equal(shutdown(sv[0], SHUT_WR), 0);
	assert_true(wait_ms(ev, 8, LONG) >= 1);
	assert_event(&ev[0], sv[1], EVFILT_READ, true, &a);
	again(sv[1], EVFILT_WRITE, &b);
	if (polls) {
		/* The other direction goes on. */
		assert_int_equal(wait_ms(ev, 8, LONG), 1);
		assert_event(&ev[0], sv[1], EVFILT_WRITE, false, &b);
	}
	assert_quiet();
	drop_pair(sv);
}

static void
test_eof_reset(void **state)
{
	struct linger hard = { 1, 0 };
	struct kevent ev[8];
	socklen_t len = sizeof(int);
	struct pollfd hup = { -1, 0, 0 };
	int sv[2], error = 0;

	(void)state;
	make_tcp_pair(sv);
	hup.fd = sv[1];
	add_both(sv[1], &a, &b);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	again(sv[1], EVFILT_WRITE, &b);
	setsockopt(sv[0], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(sv[0]);
	assert_int_equal(poll(&hup, 1, LONG), 1);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	assert_event(&ev[0], sv[1], EVFILT_READ, true, &a);
	assert_event(&ev[1], sv[1], EVFILT_WRITE, true, &b);
	assert_int_equal(ev[0].fflags, 1);
	/* The error has been left for the owner of the socket. */
	assert_int_equal(getsockopt(sv[1], SOL_SOCKET, SO_ERROR, &error, &len),
	    0);
	assert_int_equal(error, ECONNRESET);
	assert_quiet();
	drop(sv[1]);
}

static void
test_eof_pipe(void **state)
{
	struct kevent ev[8];
	int pfd[2];

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	assert_int_equal(change((uintptr_t)pfd[0], EVFILT_READ, EV_ADD, 0, &a),
	    0);
	drop(pfd[1]);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], pfd[0], EVFILT_READ, true, &a);
	drop(pfd[0]);

	assert_int_equal(pipe(pfd), 0);
	assert_int_equal(change((uintptr_t)pfd[1], EVFILT_WRITE, EV_ADD, 0,
	    &b), 0);
	drop(pfd[0]);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], pfd[1], EVFILT_WRITE, true, &b);
	drop(pfd[1]);
}

/* A hang-up of a descriptor whose filters are disabled must not spin. */
static void
test_disabled_hangup(void **state)
{
	struct kevent ev[8];
	uint64_t begin;
	int sv[2];

	(void)state;
	make_pair(sv);
	assert_int_equal(change((uintptr_t)sv[0], EVFILT_READ,
	    EV_ADD | EV_DISPATCH, 0, &a), 0);
	assert_int_equal(change((uintptr_t)sv[0], EVFILT_WRITE,
	    EV_ADD | EV_DISPATCH, 0, &b), 0);
	drop(sv[1]);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	begin = now_us();
	assert_int_equal(wait_ms(ev, 8, SHORT), 0);
	assert_true(now_us() - begin >= SHORT * 1000);
	assert_int_equal(change((uintptr_t)sv[0], EVFILT_WRITE, EV_ENABLE, 0,
	    &b), 0);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_WRITE, true, &b);
	drop(sv[0]);
}

/* A number that is used again has nothing of its former life, and costs one
 * system call like any other. */
static void
test_reuse(void **state)
{
	struct kevent ev[8];
	int flags = EV_ADD | (polls ? EV_DISPATCH : EV_CLEAR);
	int i, fd, sv[2], other;

	(void)state;
	make_pair(sv);
	fd = sv[0];
	for (i = 0; i < 4; i++) {
		put(sv[1]);
		nctl = 0;
		add_both(fd, &a, &b);
		assert_int_equal(nctl, polls ? 0 : 1);
		assert_int_equal(wait_ms(ev, 8, LONG), 2);
		drop(sv[0]);
		drop(sv[1]);
		make_pair(sv);
		assert_int_equal(sv[0], fd);
	}
	nctl = 0;
	assert_int_equal(change((uintptr_t)fd, EVFILT_READ, flags, 0, &c), 0);
	assert_int_equal(nctl, polls ? 0 : 1);
	assert_quiet();
	put(sv[1]);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], fd, EVFILT_READ, false, &c);
	other = sv[1];
	drop(fd);
	make_pair(sv);
	assert_int_equal(sv[0], fd);
	/* Only the filter that the last one did not have. */
	assert_int_equal(change((uintptr_t)fd, EVFILT_WRITE, flags, 0, &b), 0);
	put(sv[1]);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], fd, EVFILT_WRITE, false, &b);
	drop(other);
	drop(sv[1]);
	again(fd, EVFILT_WRITE, &b);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	assert_event(&ev[0], fd, EVFILT_WRITE, true, &b);
	drop(fd);
}

/* The socket lives on under another number, the watched one is closed. */
static void
test_forgotten_duplicate(void **state)
{
	struct kevent ev[8];
	int sv[2], sw[2], copy, fd;

	(void)state;
	make_pair(sv);
	fd = sv[0];
	add_both(fd, &a, &a);
	assert_int_equal(wait_ms(ev, 8, LONG), 1);
	copy = dup(fd);
	kqueue_linux_forget(fd);
	close(fd);
	put(sv[1]);
	assert_quiet();
	make_pair(sw);
	assert_int_equal(sw[0], fd);
	add_both(fd, &b, &b);
	put(sv[1]);
	put(sw[1]);
	assert_int_equal(wait_ms(ev, 8, LONG), 2);
	assert_event(&ev[0], fd, EVFILT_READ, false, &b);
	assert_event(&ev[1], fd, EVFILT_WRITE, false, &b);
	close(copy);
	drop(sv[1]);
	drop_pair(sw);
	kqueue_linux_forget(-1);
	kqueue_linux_forget(1 << 30);
}

/* poll(2) says POLLNVAL of a descriptor closed without a word. */
static void
test_closed_unsaid(void **state)
{
	int sv[2];

	(void)state;
	make_pair(sv);
	add_both(sv[0], &a, &b);
	close(sv[0]);
	assert_quiet();
	assert_int_equal(change((uintptr_t)sv[0], EVFILT_READ, EV_ADD, 0, &a),
	    -1);
	assert_int_equal(errno, EBADF);
	close(sv[1]);
}

static void
test_errors(void **state)
{
	struct kevent ch[3], ev[3];
	uintptr_t fd;
	int sv[2];

	(void)state;
	make_pair(sv);
	fd = (uintptr_t)sv[0];
	assert_int_equal(change(UINT32_MAX, EVFILT_READ, EV_ADD, 0, &a), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(change(fd, EVFILT_READ, EV_ENABLE, 0, &a), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(change(fd, -99, EV_ADD, 0, &a), -1);
	assert_int_equal(errno, EINVAL);
	EV_SET(&ch[0], fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, &a);
	EV_SET(&ch[1], fd, EVFILT_WRITE, EV_ADD, 0, 0, &a);
	assert_int_equal(kevent(kq, ch, 2, NULL, 0, NULL), -1);
	assert_int_equal(errno, EINVAL);

	/* To poll, only the first of them was wrong. */
	assert_int_equal(change(fd, EVFILT_WRITE, EV_DELETE, 0, NULL),
	    polls ? 0 : -1);

	/* With room they are told one by one, the good one is done. */
	drop(sv[1]);
	EV_SET(&ch[0], fd, EVFILT_WRITE, EV_DELETE, 0, 0, &a);
	EV_SET(&ch[1], sv[1], EVFILT_READ, EV_ADD, 0, 0, &b);
	EV_SET(&ch[2], fd, EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, &c);
	assert_int_equal(kevent(kq, ch, 3, ev, 3, NULL), 3);
	assert_int_equal(ev[0].flags, EV_ERROR);
	assert_int_equal(ev[0].data, ENOENT);
	assert_int_equal(ev[1].ident, sv[1]);
	assert_int_equal(ev[1].data, EBADF);
	assert_ptr_equal(ev[1].udata, &b);
	assert_int_equal(ev[2].flags, EV_ERROR);
	assert_int_equal(ev[2].data, 0);
	assert_int_equal(wait_ms(ev, 3, LONG), 1);
	assert_event(&ev[0], sv[0], EVFILT_READ, true, &c);
	drop(sv[0]);
}

static void
test_plain_file(void **state)
{
	char name[] = "/tmp/test_kqueue.XXXXXX";
	int fd = mkstemp(name);

	(void)state;
	assert_int_not_equal(fd, -1);
	unlink(name);
	if (!polls) {
		assert_int_equal(change((uintptr_t)fd, EVFILT_READ, EV_ADD, 0,
		    &a), -1);
		assert_int_equal(errno, EPERM);
	}
	drop(fd);
}

/* An eventlist of one loses nothing. */
static void
test_room_for_one(void **state)
{
	struct kevent ev;
	int fd, sv[2];

	(void)state;
	make_pair(sv);
	put(sv[1]);
	add_both(sv[0], &a, &b);
	assert_int_equal(wait_ms(&ev, 1, LONG), 1);
	assert_event(&ev, sv[0], EVFILT_READ, false, &a);
	assert_int_equal(wait_ms(&ev, 1, LONG), 1);
	assert_event(&ev, sv[0], EVFILT_WRITE, false, &b);
	assert_quiet();

	/* The half that was kept back dies with the descriptor. */
	again(sv[0], EVFILT_READ, &a);
	again(sv[0], EVFILT_WRITE, &b);
	put(sv[1]);
	assert_int_equal(wait_ms(&ev, 1, LONG), 1);
	fd = sv[0];
	kqueue_linux_forget(fd);
	close(fd);
	assert_quiet();
	drop(sv[1]);

	/* Also if the number is in use again, by one that is full. */
	make_pair(sv);
	assert_int_equal(sv[0], fd);
	put(sv[1]);
	add_both(fd, &a, &b);
	assert_int_equal(wait_ms(&ev, 1, LONG), 1);
	drop_pair(sv);
	make_pair(sv);
	assert_int_equal(sv[0], fd);
	fill(fd);
	add_both(fd, &a, &b);
	assert_quiet();
	drop_pair(sv);
}

/* Many descriptors and a short eventlist: everybody is heard. */
static void
test_many(void **state)
{
	static int sv[MANY][2];
	static bool seen[MANY];
	struct kevent ev[16];
	uint64_t until = now_us() + LONG * 1000;
	int i, k, n, left = MANY * 2;
	char *at;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < MANY; i++) {
		make_pair(sv[i]);
		for (k = 0; k < 2; k++)
			assert_int_equal(change((uintptr_t)sv[i][k],
			    k ? EVFILT_READ : EVFILT_WRITE, EV_ADD, 0,
			    (char *)seen + i), 0);
		put(sv[i][0]);
	}
	/* The writable ones are always so, and must not hide the others. */
	for (left = MANY; left > 0 && now_us() < until;) {
		n = wait_ms(ev, 16, LONG);
		assert_true(n > 0 && n <= 16);
		for (i = 0; i < n; i++) {
			if (ev[i].filter != EVFILT_READ)
				continue;
			at = ev[i].udata;
			assert_false(seen[at - (char *)seen]);
			assert_int_equal(ev[i].ident,
			    sv[at - (char *)seen][1]);
			get((int)ev[i].ident);
			*at = true;
			left--;
		}
	}
	assert_int_equal(left, 0);
	for (i = 0; i < MANY; i++)
		drop_pair(sv[i]);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_both_filters), T(test_edges), T(test_write_edge),
		T(test_level), T(test_oneshot_dispatch), T(test_delete),
		T(test_add_second_later), T(test_eof_half), T(test_eof_reset),
		T(test_eof_pipe), T(test_disabled_hangup), T(test_reuse),
		T(test_forgotten_duplicate), T(test_closed_unsaid),
		T(test_errors), T(test_plain_file), T(test_room_for_one),
		T(test_many),
	};
	int failed;

	raise_fd_limit(2 * MANY + 64);
	mode = "epoll";
	failed = cmocka_run_group_tests_name("epoll", tests, NULL, NULL);
	mode = "poll";
	polls = true;
	failed += cmocka_run_group_tests_name("poll", tests, NULL, NULL);
	return failed == 0 ? 0 : 1;
}
