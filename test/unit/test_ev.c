/*
 * test_ev.c - descriptors, signals and children in the event loop.
 */
#include "looptest.h"

/* A watcher with what has happened to it. */
struct peer {
	struct ev_io	 io;
	int		 calls;
	int		 what;		/* of the last call */
	int		 reads;		/* calls with IO_READ */
	bool		 drains;	/* the callback reads until EAGAIN */
	struct peer	*victim;	/* closed by the callback */
	int		*fresh;		/* pair that the victim gets then */
};

int	 __real_kevent(int, const struct kevent *, int, struct kevent *, int,
	    const struct timespec *);
int	 __wrap_kevent(int, const struct kevent *, int, struct kevent *, int,
	    const struct timespec *);

static bool		 no_zombies;	/* as some kernels */
static int		 nsignals;
static int		 nexits;
static int		 exit_status;
static int		 ntimers;
static int		 ntasks;
static struct ev_proc	 proc_next;
static struct ev_proc	 proc_pair[2];

int
__wrap_kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	if (no_zombies && nchanges == 1 && changes->filter == EVFILT_PROC &&
	    (changes->flags & EV_ADD)) {
		errno = ESRCH;
		return -1;
	}
	/* Nor does each know more than these. */
	if (nchanges > 0)
		assert_true(changes->filter == EVFILT_READ ||
		    changes->filter == EVFILT_WRITE ||
		    changes->filter == EVFILT_SIGNAL ||
		    changes->filter == EVFILT_PROC);
	return __real_kevent(kq, changes, nchanges, events, nevents, timeout);
}

static void
drain(int fd)
{
	char buf[64];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static void
on_peer(struct ev_io *io, int what)
{
	struct peer *p = container_of(io, struct peer, io);
	struct peer *v = p->victim;

	p->calls++;
	p->what = what;
	p->reads += what & IO_READ;
	if (p->drains && (what & IO_READ)) {
		drain(io->fd);
		ev_io_again(io, IO_READ);
	}
	if (v == NULL)
		return;
	p->victim = v->victim = NULL;
	ev_io_close(&v->io);
	if (p->fresh == NULL && v->fresh == NULL)
		return;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    p->fresh), 0);
	assert_int_equal(ev_io_add(&v->io, p->fresh[0], IO_READ, on_peer), 0);
}

static void
peer_add(struct peer *p, int fd, int what)
{
	memset(p, 0, sizeof(*p));
	p->io.fd = -1;
	assert_int_equal(ev_io_add(&p->io, fd, what, on_peer), 0);
	assert_int_equal(p->io.fd, fd);
}

/* Turns the loop until *count is n, and once more to see that it stays. */
static void
turn_until(const int *count, int n)
{
	uint64_t until = ev_now() + LONG;

	while (*count < n && ev_now() < until)
		ev_turn(SHORT);
	ev_turn(0);
	assert_int_equal(*count, n);
}

static void
test_choice(void **state)
{
	const char *err = NULL;

	(void)state;
	assert_string_equal(ev_mechanism(), mode);
	setenv("SPAWND_EVENT", "carrier-pigeon", 1);
	assert_int_equal(ev_init(&err), -1);
	assert_non_null(strstr(err, "carrier-pigeon"));
	assert_non_null(strstr(err, mode));
	setenv("SPAWND_EVENT", "", 1);
	assert_int_equal(ev_init(&err), 0);
	assert_string_not_equal(ev_mechanism(), "poll");
	setenv("SPAWND_EVENT", "kqueue", 1);
	assert_int_equal(ev_init(&err), 0);
	assert_string_not_equal(ev_mechanism(), "poll");
	unsetenv("SPAWND_EVENT");
	assert_int_equal(ev_init(&err), 0);
	assert_int_equal(ev_turn(0), 0);
}

static void
test_one_call_for_both(void **state)
{
	struct peer p;
	int sv[2];

	(void)state;
	make_pair(sv);
	put(sv[1]);
	peer_add(&p, sv[0], IO_READ | IO_WRITE);
	assert_int_equal(ev_turn(LONG), 1);
	assert_int_equal(p.what, IO_READ | IO_WRITE);
	assert_int_equal(ev_turn(SHORT), 0);
	assert_int_equal(p.calls, 1);
	ev_io_close(&p.io);
	assert_int_equal(p.io.fd, -1);
	ev_io_close(&p.io);
	ev_io_del(&p.io);
	ev_io_again(&p.io, IO_READ);
	assert_int_equal(fcntl(sv[0], F_GETFD), -1);
	close(sv[1]);
}

static void
test_edges(void **state)
{
	struct peer p;
	int sv[2], i;

	(void)state;
	make_pair(sv);
	peer_add(&p, sv[0], IO_READ);
	p.drains = true;
	assert_int_equal(ev_turn(SHORT), 0);
	for (i = 1; i <= 3; i++) {
		put(sv[1]);
		turn_until(&p.calls, i);
		assert_int_equal(p.what, IO_READ);
	}
	/* Unread input is told once. */
	p.drains = false;
	put(sv[1]);
	turn_until(&p.calls, 4);
	assert_int_equal(ev_turn(SHORT), 0);
	drain(sv[0]);
	ev_io_again(&p.io, IO_READ);
	assert_int_equal(ev_turn(SHORT), 0);
	ev_io_close(&p.io);
	close(sv[1]);
}

static void
test_write_again(void **state)
{
	static char block[4096];
	struct peer p;
	int sv[2];

	(void)state;
	make_pair(sv);
	peer_add(&p, sv[0], IO_WRITE);
	turn_until(&p.calls, 1);
	assert_int_equal(p.what, IO_WRITE);
	while (write(sv[0], block, sizeof(block)) > 0)
		;
	ev_io_again(&p.io, IO_READ | IO_WRITE);
	assert_int_equal(ev_turn(SHORT), 0);
	while (read(sv[1], block, sizeof(block)) > 0)
		;
	turn_until(&p.calls, 2);
	assert_int_equal(p.what, IO_WRITE);
	ev_io_close(&p.io);
	close(sv[1]);
}

static void
test_add_more(void **state)
{
	struct peer p;
	int sv[2];

	(void)state;
	make_pair(sv);
	peer_add(&p, sv[0], IO_READ);
	assert_int_equal(ev_turn(SHORT), 0);
	assert_int_equal(ev_io_add(&p.io, sv[0], IO_WRITE, on_peer), 0);
	assert_int_equal(p.io.what, IO_READ | IO_WRITE);
	turn_until(&p.calls, 1);
	assert_int_equal(p.what, IO_WRITE);
	put(sv[1]);
	turn_until(&p.calls, 2);
	assert_true(p.what & IO_READ);
	assert_int_equal(ev_io_add(&p.io, sv[0], IO_READ, on_peer), 0);
	assert_int_equal(p.io.what, IO_READ | IO_WRITE);
	ev_io_close(&p.io);
	close(sv[1]);
}

static void
test_add_fails(void **state)
{
	struct peer p = { .io = { .fd = -1 } };
	int sv[2];

	(void)state;
	make_pair(sv);
	close(sv[0]);
	assert_int_equal(ev_io_add(&p.io, sv[0], IO_READ | IO_WRITE, on_peer),
	    -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(p.io.fd, -1);
	assert_int_equal(ev_turn(0), 0);
	close(sv[1]);
}

static void
test_del(void **state)
{
	struct peer p, q;
	int sv[2];

	(void)state;
	make_pair(sv);
	put(sv[1]);
	peer_add(&p, sv[0], IO_READ | IO_WRITE);
	ev_io_del(&p.io);
	assert_int_equal(p.io.fd, -1);
	assert_int_equal(ev_turn(SHORT), 0);
	assert_int_not_equal(fcntl(sv[0], F_GETFD), -1);
	/* Another watcher may have it now. */
	peer_add(&q, sv[0], IO_READ);
	turn_until(&q.calls, 1);
	assert_int_equal(p.calls, 0);
	ev_io_close(&q.io);
	close(sv[1]);
}

/* Reading belongs to one watcher and writing to the other. */
static void
test_two_watchers(void **state)
{
	struct peer p, q;
	int sv[2];

	(void)state;
	make_pair(sv);
	put(sv[1]);
	peer_add(&p, sv[0], IO_READ);
	peer_add(&q, sv[0], IO_WRITE);
	assert_int_equal(ev_turn(LONG), 2);
	assert_int_equal(p.what, IO_READ);
	assert_int_equal(q.what, IO_WRITE);
	ev_io_del(&p.io);
	ev_io_close(&q.io);
	close(sv[1]);
}

static void
test_eof(void **state)
{
	struct peer p;
	int sv[2];

	(void)state;
	make_tcp_pair(sv);
	peer_add(&p, sv[1], IO_READ | IO_WRITE);
	p.drains = true;
	turn_until(&p.calls, 1);
	assert_int_equal(p.what, IO_WRITE);
	put(sv[0]);
	assert_int_equal(shutdown(sv[0], SHUT_WR), 0);
	while ((p.what & IO_EOF) == 0)
		assert_true(ev_turn(LONG) > 0);
	assert_true(p.what & IO_READ);
	/* The other way still goes. */
	put(sv[1]);
	assert_int_equal(read(sv[0], &p.what, 1), 1);
	close(sv[0]);
	ev_io_close(&p.io);
}

static void
test_reset(void **state)
{
	struct linger hard = { 1, 0 };
	struct peer p;
	int sv[2];
	char ch;

	(void)state;
	make_tcp_pair(sv);
	peer_add(&p, sv[1], IO_READ | IO_WRITE);
	turn_until(&p.calls, 1);
	setsockopt(sv[0], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(sv[0]);
	turn_until(&p.calls, 2);
	assert_int_equal(p.what & (IO_READ | IO_EOF), IO_READ | IO_EOF);
	assert_int_equal(read(sv[1], &ch, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(ev_turn(SHORT), 0);
	ev_io_close(&p.io);
}

/* Two have events in one batch, and the first to be called closes the other:
 * whatever is at its address now must not be called. */
static void
test_close_other(void **state)
{
	struct peer p, q;
	int sv[2], sw[2];

	(void)state;
	make_pair(sv);
	make_pair(sw);
	peer_add(&p, sv[0], IO_READ | IO_WRITE);
	peer_add(&q, sw[0], IO_READ | IO_WRITE);
	p.victim = &q;
	q.victim = &p;
	put(sv[1]);
	put(sw[1]);
	assert_int_equal(ev_turn(LONG), 1);
	assert_int_equal(p.calls + q.calls, 1);
	assert_int_equal(p.io.fd == -1, q.calls);
	assert_int_equal(ev_turn(SHORT), 0);
	ev_io_close(&p.io);
	ev_io_close(&q.io);
	close(sv[1]);
	close(sw[1]);
}

/* As before, and both the watcher and the number of the descriptor are used
 * again at once. */
static void
test_reuse_in_turn(void **state)
{
	struct peer p, q, *left;
	int sv[2], sw[2], fresh[2], gone;

	(void)state;
	make_pair(sv);
	make_pair(sw);
	peer_add(&p, sv[0], IO_READ);
	peer_add(&q, sw[0], IO_READ);
	p.victim = &q;
	q.victim = &p;
	p.fresh = q.fresh = fresh;
	put(sv[1]);
	put(sw[1]);
	assert_int_equal(ev_turn(LONG), 1);
	left = p.calls == 1 ? &q : &p;
	gone = left == &p ? sv[0] : sw[0];
	assert_int_equal(left->calls, 0);
	assert_int_equal(left->io.fd, gone);
	assert_int_equal(ev_turn(SHORT), 0);
	put(fresh[1]);
	turn_until(&left->calls, 1);
	assert_int_equal(left->what, IO_READ);
	ev_io_close(&p.io);
	ev_io_close(&q.io);
	close(sv[1]);
	close(sw[1]);
	close(fresh[1]);
}

/* The socket lives on under another number, as it does in a child that has
 * not come to exec(2): the watcher that is gone hears nothing of it. */
static void
test_close_duplicate(void **state)
{
	struct peer p;
	int sv[2], copy;

	(void)state;
	make_pair(sv);
	peer_add(&p, sv[0], IO_READ | IO_WRITE);
	copy = dup(sv[0]);
	ev_io_close(&p.io);
	put(sv[1]);
	assert_int_equal(ev_turn(SHORT), 0);
	assert_int_equal(p.calls, 0);
	close(copy);
	close(sv[1]);
}

static void
test_many(void **state)
{
	static struct peer p[MANY * 2];
	int sv[2], i, calls = 0;

	(void)state;
	for (i = 0; i < MANY * 2; i += 2) {
		make_pair(sv);
		peer_add(&p[i], sv[0], IO_READ | IO_WRITE);
		peer_add(&p[i + 1], sv[1], IO_READ | IO_WRITE);
		p[i].drains = p[i + 1].drains = true;
	}
	while (calls < MANY * 2)
		calls += ev_turn(SHORT);
	assert_int_equal(calls, MANY * 2);
	for (i = 0; i < MANY * 2; i++) {
		assert_int_equal(p[i].calls, 1);
		assert_int_equal(p[i].what, IO_WRITE);
		put(p[i ^ 1].io.fd);
	}
	/* A writer may be told that its byte was taken: not counted. */
	for (i = 0; i < MANY * 2; i++)
		turn_until(&p[i].reads, 1);
	for (i = 0; i < MANY * 2; i++)
		ev_io_close(&p[i].io);
}

static void
on_signal(struct ev_signal *sig)
{
	assert_int_equal(sig->signo, nsignals == 0 ? SIGTERM : SIGUSR1);
	nsignals++;
}

static void
test_signal(void **state)
{
	struct ev_signal term, usr;
	int status;
	pid_t pid;

	(void)state;
	nsignals = 0;
	assert_int_equal(ev_signal_add(&term, SIGTERM, on_signal), 0);
	assert_int_equal(ev_signal_add(&usr, SIGUSR1, on_signal), 0);
	assert_int_equal(ev_turn(SHORT), 0);
	kill(getpid(), SIGTERM);
	turn_until(&nsignals, 1);
	kill(getpid(), SIGUSR1);
	turn_until(&nsignals, 2);
	assert_int_equal(ev_signal_add(&usr, 100000, on_signal), -1);

	pid = fork();
	if (pid == 0) {
		ev_signal_reset(NULL);
		kill(getpid(), SIGTERM);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	ev_signal_reset(NULL);
	signal(SIGTERM, SIG_IGN);
	kill(getpid(), SIGTERM);
	assert_int_equal(ev_turn(SHORT), 0);
	signal(SIGTERM, SIG_DFL);
}

static void
on_handled(int signo)
{
	(void)signo;
}

/* A handler of somebody else's interrupts the wait, which is no event. */
static void
test_interrupted(void **state)
{
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } }, off;
	struct sigaction sa = { .sa_handler = on_handled }, old;
	int i;

	(void)state;
	memset(&off, 0, sizeof(off));
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &it, NULL);
	for (i = 0; i < 5; i++)
		assert_int_equal(ev_turn(-1), 0);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
}

static void
on_exit_of(struct ev_proc *proc, int status)
{
	assert_int_equal(proc->pid, -1);
	exit_status = status;
	nexits++;
	/* The watcher is free to be used for another. */
	if (proc == &proc_next && nexits == 1)
		assert_int_equal(ev_proc_add(proc, start_child(-1, 5),
		    on_exit_of), 0);
}

static void
test_proc(void **state)
{
	struct ev_proc proc;
	int pfd[2];
	pid_t pid;

	(void)state;
	nexits = 0;
	assert_int_equal(pipe(pfd), 0);
	pid = start_child(pfd[0], 7);
	assert_int_equal(ev_proc_add(&proc, pid, on_exit_of), 0);
	assert_int_equal(proc.pid, pid);
	assert_true(ev_proc_watched(pid));
	assert_false(ev_proc_watched(getpid()));
	assert_int_equal(ev_turn(SHORT), 0);
	put(pfd[1]);
	turn_until(&nexits, 1);
	assert_false(ev_proc_watched(pid));
	assert_true(WIFEXITED(exit_status));
	assert_int_equal(WEXITSTATUS(exit_status), 7);
	/* It has been reaped. */
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(ev_proc_add(&proc, pid, on_exit_of), -1);
	assert_int_equal(errno, ESRCH);

	pid = start_child(pfd[0], 0);
	assert_int_equal(ev_proc_add(&proc, pid, on_exit_of), 0);
	kill(pid, SIGKILL);
	turn_until(&nexits, 2);
	assert_true(WIFSIGNALED(exit_status));
	assert_int_equal(WTERMSIG(exit_status), SIGKILL);
	close(pfd[0]);
	close(pfd[1]);
}

static void
zombie(void)
{
	struct ev_proc proc;
	siginfo_t si;
	pid_t pid;

	nexits = 0;
	pid = start_child(-1, 3);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	assert_int_equal(ev_proc_add(&proc, pid, on_exit_of), 0);
	assert_true(ev_proc_watched(pid));
	ev_proc_del(&proc);
	ev_proc_del(&proc);
	assert_int_equal(proc.pid, -1);
	assert_false(ev_proc_watched(pid));
	assert_int_equal(ev_turn(SHORT), 0);
	assert_int_equal(ev_proc_add(&proc, pid, on_exit_of), 0);
	turn_until(&nexits, 1);
	assert_int_equal(WEXITSTATUS(exit_status), 3);
}

static void
test_proc_zombie(void **state)
{
	(void)state;
	zombie();
	no_zombies = true;
	zombie();
	no_zombies = false;
}

static void
on_exit_del(struct ev_proc *proc, int status)
{
	struct ev_proc *other = proc_pair[0].pid == -1 ? &proc_pair[1] :
	    &proc_pair[0];

	on_exit_of(proc, status);
	/* The other's event is in the same batch. */
	assert_int_not_equal(other->pid, -1);
	assert_int_equal(waitpid(other->pid, NULL, 0), other->pid);
	ev_proc_del(other);
}

static void
test_proc_del_other(void **state)
{
	siginfo_t si;
	pid_t pid;
	int i;

	(void)state;
	nexits = 0;
	for (i = 0; i < 2; i++) {
		pid = start_child(-1, 3);
		assert_int_equal(waitid(P_PID, (id_t)pid, &si,
		    WEXITED | WNOWAIT), 0);
		assert_int_equal(ev_proc_add(&proc_pair[i], pid, on_exit_del),
		    0);
	}
	turn_until(&nexits, 1);
	assert_int_equal(ev_turn(SHORT), 0);
}

static void
test_proc_again(void **state)
{
	(void)state;
	nexits = 0;
	assert_int_equal(ev_proc_add(&proc_next, start_child(-1, 4),
	    on_exit_of), 0);
	turn_until(&nexits, 2);
	assert_int_equal(WEXITSTATUS(exit_status), 5);
}

static void
on_timer(struct ev_timer *timer)
{
	(void)timer;
	ntimers++;
}

static void
on_task(struct ev_task *task)
{
	(void)task;
	ntasks++;
}

/* What the child of test_fork() does with a loop of its own. */
static bool
child_loop(struct peer *theirs, struct ev_timer *timer, struct ev_task *task)
{
	struct peer mine = { .io = { .fd = -1 } };
	const char *err;
	int sv[2];

	if (ev_init(&err) == -1 || ev_timer_on(timer) || ev_deferred(task) ||
	    ev_turn(SHORT) != 0)
		return false;
	make_pair(sv);
	put(sv[1]);
	if (ev_io_add(&mine.io, sv[0], IO_READ, on_peer) == -1 ||
	    ev_turn(LONG) != 1 || mine.calls != 1)
		return false;
	ev_io_close(&mine.io);
	ev_io_close(&theirs->io);
	ev_fini();
	return theirs->calls == 1;
}

static void
test_fork(void **state)
{
	struct ev_signal term;
	struct ev_task task = { .cb = NULL };
	struct ev_timer timer;
	struct peer p;
	int sv[2];
	pid_t pid;

	(void)state;
	nsignals = ntimers = ntasks = 0;
	make_pair(sv);
	peer_add(&p, sv[0], IO_READ | IO_WRITE);
	turn_until(&p.calls, 1);
	assert_int_equal(ev_signal_add(&term, SIGTERM, on_signal), 0);
	ev_timer_init(&timer, on_timer);
	ev_timer_set(&timer, 20);
	ev_defer(&task, on_task);
	pid = fork();
	if (pid == 0)
		_exit(child_loop(&p, &timer, &task) ? 0 : 1);
	assert_child_good(pid);
	turn_until(&ntimers, 1);
	assert_int_equal(ntasks, 1);
	put(sv[1]);
	turn_until(&p.calls, 2);
	assert_true(p.what & IO_READ);
	kill(getpid(), SIGTERM);
	turn_until(&nsignals, 1);
	ev_signal_reset(NULL);
	ev_io_close(&p.io);
	close(sv[1]);
}

/* All that was watched is out, and what it watched can be closed. */
static void
test_fini(void **state)
{
	struct ev_task task = { .cb = NULL };
	struct ev_timer timer;
	const char *err;
	struct peer p;
	int sv[2];

	(void)state;
	make_pair(sv);
	put(sv[1]);
	peer_add(&p, sv[0], IO_READ | IO_WRITE);
	ev_timer_init(&timer, on_timer);
	ev_timer_set(&timer, 1);
	ev_defer(&task, on_task);
	ev_fini();
	ev_fini();
	assert_false(ev_timer_on(&timer));
	assert_false(ev_deferred(&task));
	ev_timer_stop(&timer);
	ev_undefer(&task);
	assert_int_equal(ev_init(&err), 0);
	assert_int_equal(ev_turn(SHORT), 0);
	ev_io_del(&p.io);
	peer_add(&p, sv[0], IO_READ);
	turn_until(&p.calls, 1);
	/* A watcher that was left as it is can be added as it is. */
	assert_int_equal(ev_init(&err), 0);
	assert_int_equal(ev_turn(SHORT), 0);
	assert_int_equal(ev_io_add(&p.io, sv[0], IO_READ, on_peer), 0);
	turn_until(&p.calls, 2);
	assert_int_equal(p.what, IO_READ);
	ev_io_close(&p.io);
	close(sv[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_choice), T(test_one_call_for_both), T(test_edges),
		T(test_write_again), T(test_add_more), T(test_add_fails),
		T(test_del), T(test_two_watchers), T(test_eof), T(test_reset),
		T(test_close_other), T(test_reuse_in_turn),
		T(test_close_duplicate), T(test_many), T(test_signal),
		T(test_interrupted), T(test_proc), T(test_proc_zombie),
		T(test_proc_del_other), T(test_proc_again), T(test_fork),
		T(test_fini),
	};
	int failed = 0;

	raise_fd_limit(2 * MANY + 64);
	RUN_MODES(tests, failed);
	return failed == 0 ? 0 : 1;
}
