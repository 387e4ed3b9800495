/*
 * test_kqueue_note.c - signals, processes, user events and waiting in
 * kqueue(2) on Linux: every test runs on epoll and on poll.
 */
#include "kqtest.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

/* The child's part of a test ends with this. */
static void
child_end(bool good)
{
	_exit(good ? 0 : 1);
}

static void
on_alarm(int signo)
{
	(void)signo;
}

static void
test_mechanism_names(void **state)
{
	(void)state;
	assert_string_equal(kqueue_linux_mechanism(NULL), "epoll");
	assert_string_equal(kqueue_linux_mechanism("kqueue"), "epoll");
	assert_string_equal(kqueue_linux_mechanism("epoll"), "epoll");
	assert_null(kqueue_linux_mechanism("select"));
	assert_null(kqueue_linux_mechanism(""));
	assert_string_equal(kqueue_linux_mechanism("poll"), "poll");
}

static void
test_wrong_queue(void **state)
{
	struct kevent ev;

	(void)state;
	assert_int_equal(kevent(kq + 1, NULL, 0, &ev, 1, NULL), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(kevent(-1, NULL, 0, &ev, 1, NULL), -1);
	assert_int_equal(errno, EBADF);
}

static void
test_timeout(void **state)
{
	struct timespec ts = { 0, 10500000 };
	struct kevent ev;
	uint64_t begin = now_us();

	(void)state;
	assert_int_equal(kevent(kq, NULL, 0, &ev, 1, &ts), 0);
	assert_true(now_us() - begin >= 10500);
	begin = now_us();
	assert_int_equal(wait_ms(&ev, 1, 0), 0);
	assert_true(now_us() - begin < LONG * 1000);
	assert_int_equal(kevent(kq, NULL, 0, NULL, 0, NULL), 0);
}

static void
test_interrupted(void **state)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	/* Repeated, in case that the first one comes before the wait. */
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } }, off;
	struct kevent ev;

	(void)state;
	memset(&off, 0, sizeof(off));
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &it, NULL);
	assert_int_equal(kevent(kq, NULL, 0, &ev, 1, NULL), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(wait_ms(&ev, 1, LONG), -1);
	assert_int_equal(errno, EINTR);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
}

/* A kernel or sandbox without epoll_pwait2(2). */
static void
test_old_kernel(void **state)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 441, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { nitems_of(code), code };
	struct timespec ts = { 0, 10500000 };
	struct kevent ev;
	uint64_t begin;
	pid_t pid;
	int i;

	(void)state;
	pid = fork();
	if (pid != 0) {
		assert_child_good(pid);
		return;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		child_end(false);
	kq = kqueue();
	for (i = 0; i < 2; i++) {
		begin = now_us();
		if (kevent(kq, NULL, 0, &ev, 1, &ts) != 0 ||
		    now_us() - begin < 10500)
			child_end(false);
	}
	kqueue_linux_close();
	child_end(true);
}

static void
test_signals(void **state)
{
	struct kevent ev[4];
	int i, rt = SIGRTMIN;

	(void)state;
	assert_int_equal(change(SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, &a), 0);
	assert_int_equal(change((uintptr_t)rt, EVFILT_SIGNAL, EV_ADD, 0, &b),
	    0);
	assert_quiet();
	kill(getpid(), SIGUSR1);
	for (i = 0; i < 40; i++)
		kill(getpid(), rt);
	assert_int_equal(wait_ms(ev, 4, LONG), 2);
	assert_event(&ev[0], SIGUSR1, EVFILT_SIGNAL, false, &a);
	assert_int_equal(ev[0].data, 1);
	assert_event(&ev[1], rt, EVFILT_SIGNAL, false, &b);
	assert_int_equal(ev[1].data, 40);
	assert_quiet();

	assert_int_equal(change(SIGUSR1, EVFILT_SIGNAL, EV_DISABLE, 0, &a), 0);
	kill(getpid(), SIGUSR1);
	assert_quiet();
	assert_int_equal(change(SIGUSR1, EVFILT_SIGNAL, EV_ENABLE, 0, &c), 0);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_event(&ev[0], SIGUSR1, EVFILT_SIGNAL, false, &c);
	assert_int_equal(change(SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, NULL),
	    0);
	kill(getpid(), SIGUSR1);
	assert_quiet();
	/* Blocked all the time, it has waited for whoever asks next. */
	assert_int_equal(change(SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, &a), 0);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(change(NSIG + 100, EVFILT_SIGNAL, EV_ADD, 0, &a), -1);
	assert_int_equal(errno, EINVAL);
}

static void
test_process(void **state)
{
	struct kevent ev[4];
	int pfd[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	pid = start_child(pfd[0], 7);
	assert_int_equal(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, 0, &a),
	    -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT,
	    &a), 0);
	assert_quiet();
	put(pfd[1]);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(ev[0].ident, pid);
	assert_int_equal(ev[0].filter, EVFILT_PROC);
	assert_int_equal(ev[0].fflags, NOTE_EXIT);
	assert_true(ev[0].flags & EV_EOF);
	assert_ptr_equal(ev[0].udata, &a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(ev[0].data, status);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_quiet();
	assert_int_equal(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT,
	    &a), -1);
	assert_int_equal(errno, ESRCH);

	pid = start_child(pfd[0], 0);
	assert_int_equal(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT,
	    &b), 0);
	kill(pid, SIGKILL);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(ev[0].data, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, SIGKILL);
	close(pfd[0]);
	close(pfd[1]);
}

static void
test_zombie(void **state)
{
	struct kevent ev[4];
	siginfo_t si;
	pid_t pid;

	(void)state;
	pid = start_child(-1, 3);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	assert_int_equal(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT,
	    &a), 0);
	assert_int_equal(change((uintptr_t)pid, EVFILT_PROC, EV_DELETE, 0,
	    NULL), 0);
	assert_quiet();
	assert_int_equal(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT,
	    &b), 0);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(WEXITSTATUS((int)ev[0].data), 3);
	assert_ptr_equal(ev[0].udata, &b);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
test_user(void **state)
{
	struct kevent ev[4];
	int sv[2];

	(void)state;
	assert_int_equal(change(1, EVFILT_USER, 0, NOTE_TRIGGER, &a), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(change(1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, &a), 0);
	assert_quiet();
	assert_int_equal(change(1, EVFILT_USER, 0, NOTE_TRIGGER, &a), 0);
	assert_int_equal(change(1, EVFILT_USER, 0, NOTE_TRIGGER, &b), 0);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_event(&ev[0], 1, EVFILT_USER, false, &b);
	assert_quiet();

	/* Without EV_CLEAR it stays, and does not keep others from coming. */
	assert_int_equal(change(2, EVFILT_USER, EV_ADD, NOTE_TRIGGER, &c), 0);
	make_pair(sv);
	add_both(sv[0], &a, &b);
	assert_int_equal(wait_ms(ev, 4, LONG), 2);
	assert_event(&ev[0], 2, EVFILT_USER, false, &c);
	assert_event(&ev[1], sv[0], EVFILT_WRITE, false, &b);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(wait_ms(ev, 1, LONG), 1);
	assert_int_equal(change(2, EVFILT_USER, EV_DISABLE, 0, &c), 0);
	assert_quiet();
	assert_int_equal(change(2, EVFILT_USER, EV_DELETE, 0, NULL), 0);
	assert_int_equal(change(3, EVFILT_USER, EV_ADD | EV_ONESHOT,
	    NOTE_TRIGGER, &c), 0);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(change(3, EVFILT_USER, EV_DELETE, 0, NULL), -1);
	drop_pair(sv);
}

/* What a child does to its own queue is nothing to the parent. */
static void
test_fork(void **state)
{
	struct kevent ev[4];
	int sv[2], pfd[2];
	pid_t pid, other;

	(void)state;
	make_pair(sv);
	assert_int_equal(pipe(pfd), 0);
	add_both(sv[0], &a, &b);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(change(SIGUSR2, EVFILT_SIGNAL, EV_ADD, 0, &c), 0);
	other = start_child(pfd[0], 0);
	assert_int_equal(change((uintptr_t)other, EVFILT_PROC, EV_ADD,
	    NOTE_EXIT, &c), 0);
	pid = fork();
	if (pid == 0) {
		kq = kqueue();
		child_end(kq != -1 && wait_ms(ev, 4, SHORT) == 0 &&
		    change((uintptr_t)sv[0], EVFILT_WRITE, EV_ADD, 0,
		    &c) == 0 && wait_ms(ev, 4, LONG) == 1 &&
		    ev[0].udata == &c && ev[0].filter == EVFILT_WRITE);
	}
	assert_child_good(pid);
	assert_quiet();
	put(sv[1]);
	assert_true(wait_ms(ev, 4, LONG) >= 1);
	assert_event(&ev[0], sv[0], EVFILT_READ, false, &a);
	kill(getpid(), SIGUSR2);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_event(&ev[0], SIGUSR2, EVFILT_SIGNAL, false, &c);
	put(pfd[1]);
	assert_int_equal(wait_ms(ev, 4, LONG), 1);
	assert_int_equal(ev[0].ident, other);
	assert_int_equal(waitpid(other, NULL, 0), other);
	close(pfd[0]);
	close(pfd[1]);
	drop_pair(sv);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mechanism_names), T(test_wrong_queue), T(test_timeout),
		T(test_interrupted), T(test_old_kernel), T(test_signals),
		T(test_process), T(test_zombie), T(test_user), T(test_fork),
	};
	int failed;

	mode = "epoll";
	failed = cmocka_run_group_tests_name("epoll", tests, NULL, NULL);
	mode = "poll";
	polls = true;
	failed += cmocka_run_group_tests_name("poll", tests, NULL, NULL);
	return failed == 0 ? 0 : 1;
}
