/*
 * ev.c - the event loop, on kqueue(2).
 *
 * The udata of every kevent is the watcher, and its filter tells of which
 * kind that is. Changes are submitted at once, as their errors belong to the
 * caller; a descriptor is registered once in its life, so that there is
 * nothing to be saved by collecting them.
 */
#include "ev.h"

#include <err.h>
#include <time.h>

#include "env.h"
#include "ev_int.h"

#define BATCH		256	/* kevents a turn */
#define HEAP_ARY	4
#define HEAP_MIN	64

struct heap_item {
	uint64_t	 at;	/* that of the timer; saves looking there */
	struct ev_timer	*timer;
};

static struct {
	int			 kq;
	pid_t			 pid;		/* that opened kq */
	const char		*mechanism;
	unsigned short		 modes;		/* of descriptor filters */
	bool			 edges;
	bool			 stop;
	uint64_t		 now;		/* microseconds */
	uint64_t		 now_ms;
	struct kevent		 batch[BATCH];
	int			 next;		/* in batch, and its end */
	int			 end;
	struct heap_item	*heap;		/* [0] is due first */
	uint32_t		 ntimers;
	uint32_t		 heap_size;
	TAILQ_HEAD(, ev_task)	 tasks;
	struct ev_task		 fence;		/* end of this turn's tasks */
} loop = { .kq = -1 };

static void	 loop_forget(void);
static uint64_t	 clock_us(void);
static void	 batch_wait(int);
static struct timespec *batch_timeout(int, struct timespec *);
static bool	 batch_next(void);
static int	 io_what(const struct kevent *);
static void	 io_event(struct ev_io *, const struct kevent *);
static int	 io_change(struct ev_io *, int, int, int);
static int	 timers_run(void);
static void	 heap_put(uint32_t, struct heap_item);
static void	 heap_up(uint32_t, struct heap_item);
static void	 heap_down(uint32_t, struct heap_item);
static int	 tasks_run(void);
static void	 die(const char *) no_return;

/* What a kernel's own kqueue knows by itself and Linux has to be told. */
#ifdef KQUEUE_LINUX_H

#define CHOICE			"\"epoll\" or \"poll\""
#define queue_choose(name)	kqueue_linux_mechanism(name)
#define queue_close()		kqueue_linux_close()
#define queue_forget(io)	kqueue_linux_forget((io)->fd)

#else

#define CHOICE			"\"kqueue\""
#ifdef HAVE_LIBKQUEUE
/* It does not see descriptors being closed. */
#define queue_forget(io)	io_change(io, (io)->fd, (io)->what, EV_DELETE)
#else
#define queue_forget(io)	((void)0)
#endif

static const char *
queue_choose(const char *name)
{
	return name == NULL || strcmp(name, "kqueue") == 0 ? "kqueue" : NULL;
}

static void
queue_close(void)
{
	/* It is not inherited: in a child the number is somebody else's. */
	if (loop.pid == getpid())
		close(loop.kq);
}

#endif

int
ev_init(const char **errp)
{
	static char text[128];
	const char *name = env_get("SPAWND_EVENT");

	if (name != NULL && *name == '\0')
		name = NULL;
	ev_fini();
	loop.mechanism = queue_choose(name);
	if (loop.mechanism == NULL) {
		snprintf(text, sizeof(text), "SPAWND_EVENT is \"%.32s\", but "
		    "the event mechanism can only be %s here", name, CHOICE);
		*errp = text;
		return -1;
	}
	loop.kq = kqueue();
	if (loop.kq == -1) {
		snprintf(text, sizeof(text), "cannot open the event queue: %s",
		    strerror(errno));
		*errp = text;
		return -1;
	}
	loop.pid = getpid();
	loop.edges = strcmp(loop.mechanism, "poll") != 0;
	loop.modes = loop.edges ? EV_CLEAR : EV_DISPATCH;
	ev_now_update();
	return 0;
}

void
ev_fini(void)
{
	if (loop.kq != -1)
		queue_close();
	loop.kq = -1;
	loop_forget();
}

static void
loop_forget(void)
{
	struct ev_task *task, *next;
	uint32_t i;

	for (i = 0; i < loop.ntimers; i++)
		loop.heap[i].timer->slot = 0;
	free(loop.heap);
	loop.heap = NULL;
	loop.ntimers = loop.heap_size = 0;
	ev_proc_forget();
	if (loop.tasks.tqh_last != NULL)
		TAILQ_FOREACH_SAFE(task, &loop.tasks, entry, next)
			ev_undefer(task);
	TAILQ_INIT(&loop.tasks);
	loop.next = loop.end = 0;
	loop.stop = false;
}

const char *
ev_mechanism(void)
{
	return loop.mechanism;
}

bool
ev_has_edges(void)
{
	return loop.edges;
}

void
ev_run(void)
{
	while (!loop.stop)
		ev_turn(-1);
	loop.stop = false;
}

void
ev_stop(void)
{
	loop.stop = true;
}

int
ev_turn(int max_ms)
{
	int calls = 0;

	batch_wait(max_ms);
	ev_now_update();
	while (loop.next < loop.end)
		if (batch_next())
			calls++;
	calls += timers_run();
	calls += tasks_run();
	return calls;
}

uint64_t
ev_now(void)
{
	return loop.now_ms;
}

uint64_t
ev_now_us(void)
{
	return loop.now;
}

void
ev_now_update(void)
{
	loop.now = clock_us();
	loop.now_ms = loop.now / 1000;
}

static uint64_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
batch_wait(int max_ms)
{
	struct timespec ts;
	int n;

	loop.next = loop.end = 0;
	n = kevent(loop.kq, NULL, 0, loop.batch, BATCH,
	    batch_timeout(max_ms, &ts));
	if (n != -1)
		loop.end = n;
	else if (errno != EINTR && errno != ENOMEM)
		die("kevent");
}

/* How long to wait; NULL is for ever. */
static struct timespec *
batch_timeout(int max_ms, struct timespec *ts)
{
	uint64_t at, now, us = UINT64_MAX;

	if (!TAILQ_EMPTY(&loop.tasks))
		max_ms = 0;
	if (max_ms >= 0)
		us = (uint64_t)max_ms * 1000;
	if (loop.ntimers > 0 && us > 0) {
		/* The turn that has gone by may have been a long one. */
		now = clock_us();
		at = loop.heap[0].at;
		at = at > UINT64_MAX / 1000 ? UINT64_MAX : at * 1000;
		us = MIN(us, at > now ? at - now : 0);
	}
	if (us == UINT64_MAX)
		return NULL;
	/* Some kernels refuse long waits. */
	us = MIN(us, (uint64_t)86400 * 1000000);
	ts->tv_sec = (time_t)(us / 1000000);
	ts->tv_nsec = (long)(us % 1000000) * 1000;
	return ts;
}

/* Makes the next callback of the batch; false if the event is void. */
static bool
batch_next(void)
{
	const struct kevent *kev = &loop.batch[loop.next++];
	struct ev_signal *sig;

	if (kev->udata == NULL || (kev->flags & EV_ERROR))
		return false;
	switch (kev->filter) {
	case EVFILT_READ:
	case EVFILT_WRITE:
		io_event(kev->udata, kev);
		return true;
	case EVFILT_SIGNAL:
		sig = kev->udata;
		sig->cb(sig);
		return true;
	case EVFILT_PROC:
		ev_proc_event(kev->udata);
		return true;
	default:
		return false;
	}
}

void
ev_drop(const void *watcher)
{
	int i;

	for (i = loop.next; i < loop.end; i++)
		if (loop.batch[i].udata == watcher)
			loop.batch[i].udata = NULL;
}

static int
io_what(const struct kevent *kev)
{
	int what = IO_READ;

	if (kev->filter == EVFILT_WRITE)
		return IO_WRITE;
	if (kev->flags & EV_OOBAND)
		what |= IO_EOF | IO_URGENT;
	if (kev->flags & EV_EOF)
		what |= kev->fflags != 0 ? IO_EOF | IO_ERROR : IO_EOF;
	return what;
}

static void
io_event(struct ev_io *io, const struct kevent *kev)
{
	int what = io_what(kev);

	/* Nobody else has this udata, so the filter need not be asked. */
	while (loop.next < loop.end && loop.batch[loop.next].udata == io)
		what |= io_what(&loop.batch[loop.next++]);
	io->cb(io, what);
}

/* One kevent(2) for the filters in what. */
static int
io_change(struct ev_io *io, int fd, int what, int flags)
{
	struct kevent ch[2];
	int n = 0;

	if (what & IO_READ) {
		EV_SET(&ch[n], fd, EVFILT_READ, flags, 0, 0, io);
		n++;
	}
	if (what & IO_WRITE) {
		EV_SET(&ch[n], fd, EVFILT_WRITE, flags, 0, 0, io);
		n++;
	}
	return n == 0 ? 0 : kevent(loop.kq, ch, n, NULL, 0, NULL);
}

int
ev_change(struct kevent *ch)
{
	return kevent(loop.kq, ch, 1, NULL, 0, NULL) == -1 ? -1 : 0;
}

int
ev_io_add(struct ev_io *io, int fd, int what, void (*cb)(struct ev_io *, int))
{
	int saved;

	/* What it has is submitted once more: it may be from an earlier
	 * loop, which ev_fini() or fork(2) has put an end to. */
	if (io->fd == fd)
		what |= io->what;
	what &= IO_READ | IO_WRITE;
	if (io_change(io, fd, what, EV_ADD | loop.modes) == -1) {
		saved = errno;
		io_change(io, fd, what & IO_READ, EV_DELETE);
		io_change(io, fd, what & IO_WRITE, EV_DELETE);
		io->what = 0;
		errno = saved;
		return -1;
	}
	io->cb = cb;
	io->fd = fd;
	io->what = (uint8_t)what;
	return 0;
}

void
ev_io_again(struct ev_io *io, int what)
{
	if (loop.edges || io->fd == -1)
		return;
	io_change(io, io->fd, what & io->what, EV_ENABLE);
}

void
ev_io_del(struct ev_io *io)
{
	if (io->fd == -1)
		return;
	ev_drop(io);
	io_change(io, io->fd, io->what, EV_DELETE);
	io->fd = -1;
	io->what = 0;
}

void
ev_io_close(struct ev_io *io)
{
	if (io->fd == -1)
		return;
	ev_drop(io);
	queue_forget(io);
	close(io->fd);
	io->fd = -1;
	io->what = 0;
}

void
ev_timer_init(struct ev_timer *timer, void (*cb)(struct ev_timer *))
{
	timer->cb = cb;
	timer->at = 0;
	timer->slot = 0;
}

void
ev_timer_set(struct ev_timer *timer, uint64_t delay_ms)
{
	struct heap_item *heap, item = { .timer = timer };
	uint64_t now = ev_now();
	uint32_t size;

	if (timer->slot == 0 && loop.ntimers == loop.heap_size) {
		size = loop.heap_size == 0 ? HEAP_MIN : loop.heap_size * 2;
		heap = reallocarray(loop.heap, size, sizeof(*heap));
		if (heap == NULL)
			die("timers");
		loop.heap = heap;
		loop.heap_size = size;
	}
	timer->at = delay_ms > UINT64_MAX - now ? UINT64_MAX : now + delay_ms;
	item.at = timer->at;
	if (timer->slot == 0)
		heap_up(loop.ntimers++, item);
	else
		heap_put(timer->slot - 1, item);
}

void
ev_timer_stop(struct ev_timer *timer)
{
	uint32_t i = timer->slot;

	if (i-- == 0)
		return;
	timer->slot = 0;
	loop.ntimers--;
	if (i != loop.ntimers)
		heap_put(i, loop.heap[loop.ntimers]);
}

bool
ev_timer_on(const struct ev_timer *timer)
{
	return timer->slot != 0;
}

static int
timers_run(void)
{
	struct ev_timer *timer;
	uint64_t now = ev_now();
	uint32_t left = loop.ntimers;
	int calls = 0;

	/* Bounded, as a callback may set a timer that is due at once. */
	while (left-- > 0 && loop.ntimers > 0 && loop.heap[0].at <= now) {
		timer = loop.heap[0].timer;
		ev_timer_stop(timer);
		timer->cb(timer);
		calls++;
	}
	return calls;
}

/* Puts item into place i, of which the former item is gone. */
static void
heap_put(uint32_t i, struct heap_item item)
{
	if (i > 0 && item.at < loop.heap[(i - 1) / HEAP_ARY].at)
		heap_up(i, item);
	else
		heap_down(i, item);
}

static void
heap_up(uint32_t i, struct heap_item item)
{
	uint32_t parent;

	for (; i > 0; i = parent) {
		parent = (i - 1) / HEAP_ARY;
		if (loop.heap[parent].at <= item.at)
			break;
		loop.heap[i] = loop.heap[parent];
		loop.heap[i].timer->slot = i + 1;
	}
	loop.heap[i] = item;
	item.timer->slot = i + 1;
}

static void
heap_down(uint32_t i, struct heap_item item)
{
	uint32_t child, end, least;

	for (; (child = i * HEAP_ARY + 1) < loop.ntimers; i = least) {
		end = MIN(child + HEAP_ARY, loop.ntimers);
		for (least = child; child < end; child++)
			if (loop.heap[child].at < loop.heap[least].at)
				least = child;
		if (item.at <= loop.heap[least].at)
			break;
		loop.heap[i] = loop.heap[least];
		loop.heap[i].timer->slot = i + 1;
	}
	loop.heap[i] = item;
	item.timer->slot = i + 1;
}

void
ev_defer(struct ev_task *task, void (*cb)(struct ev_task *))
{
	task->cb = cb;
	if (!ev_deferred(task))
		TAILQ_INSERT_TAIL(&loop.tasks, task, entry);
}

void
ev_undefer(struct ev_task *task)
{
	if (!ev_deferred(task))
		return;
	TAILQ_REMOVE(&loop.tasks, task, entry);
	task->entry.tqe_prev = NULL;
}

bool
ev_deferred(const struct ev_task *task)
{
	return task->entry.tqe_prev != NULL;
}

static int
tasks_run(void)
{
	struct ev_task *task;
	int calls = 0;

	if (TAILQ_EMPTY(&loop.tasks))
		return 0;
	/* What is queued from now on stands behind the fence. */
	ev_defer(&loop.fence, NULL);
	while ((task = TAILQ_FIRST(&loop.tasks)) != NULL &&
	    task != &loop.fence) {
		ev_undefer(task);
		task->cb(task);
		calls++;
	}
	ev_undefer(&loop.fence);
	return calls;
}

static void
die(const char *what)
{
	/* The loop itself is broken; a core file says most about it. */
	warn("%s", what);
	abort();
}
