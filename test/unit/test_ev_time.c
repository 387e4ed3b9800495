/*
 * test_ev_time.c - the clock, timers and deferred work of the event loop.
 */
#include "looptest.h"

#define TIMERS	200

struct alarm {
	struct ev_timer	 timer;
	int		 calls;
	uint64_t	 due;		/* what the naive model thinks */
	struct alarm	*stops;
	struct alarm	*frees;
	int		 repeats;	/* sets itself again, at once */
};

struct job {
	struct ev_task	 task;
	int		 calls;
	int		 order;
	bool		 again;
	struct job	*undoes;
};

static int		 order;
static uint64_t		 last_due;

static void
test_clock(void **state)
{
	uint64_t before = ev_now_us();

	(void)state;
	assert_int_equal(ev_turn(20), 0);
	assert_true(ev_now_us() - before >= 20000);
	assert_true(ev_now() - ev_now_us() / 1000 == 0);
	before = ev_now_us();
	while (ev_now_us() == before)
		ev_now_update();
	assert_true(ev_now_us() > before);
}

static void
on_alarm(struct ev_timer *timer)
{
	struct alarm *al = container_of(timer, struct alarm, timer);

	assert_false(ev_timer_on(timer));
	assert_true(ev_now() >= al->due);
	assert_true(al->due >= last_due);
	last_due = al->due;
	al->calls++;
	if (al->repeats > 0) {
		al->repeats--;
		al->due = ev_now();
		ev_timer_set(timer, 0);
	}
	if (al->stops != NULL)
		ev_timer_stop(&al->stops->timer);
	if (al->frees != NULL) {
		ev_timer_stop(&al->frees->timer);
		free(al->frees);
		al->frees = NULL;
	}
}

static void
alarm_set(struct alarm *al, uint64_t delay)
{
	ev_timer_set(&al->timer, delay);
	al->due = ev_now() + delay;
	assert_int_equal(al->timer.at, al->due);
	assert_true(ev_timer_on(&al->timer));
}

static void
alarm_init(struct alarm *al)
{
	memset(al, 0, sizeof(*al));
	ev_timer_init(&al->timer, on_alarm);
	assert_false(ev_timer_on(&al->timer));
}

static void
test_timer(void **state)
{
	struct alarm al;
	uint64_t begin;

	(void)state;
	last_due = 0;
	alarm_init(&al);
	ev_timer_stop(&al.timer);
	alarm_set(&al, LONG);
	alarm_set(&al, 10);
	begin = ev_now();
	while (al.calls == 0)
		ev_turn(-1);
	assert_true(ev_now() - begin >= 10);
	assert_int_equal(ev_turn(SHORT), 0);
	assert_int_equal(al.calls, 1);
	alarm_set(&al, 5);
	ev_timer_stop(&al.timer);
	assert_false(ev_timer_on(&al.timer));
	assert_int_equal(ev_turn(SHORT), 0);
	/* The end of time is not passed. */
	ev_timer_set(&al.timer, UINT64_MAX);
	assert_int_equal(ev_turn(1), 0);
	ev_timer_set(&al.timer, UINT64_MAX / 1000);
	assert_int_equal(ev_turn(1), 0);
	assert_true(ev_timer_on(&al.timer));
}

/* Due in the same turn: the first stops and frees later ones. */
static void
test_timer_in_callback(void **state)
{
	struct alarm first, second, *third;

	(void)state;
	last_due = 0;
	third = malloc(sizeof(*third));
	assert_non_null(third);
	alarm_init(&first);
	alarm_init(&second);
	alarm_init(third);
	alarm_set(third, 3);
	alarm_set(&second, 2);
	alarm_set(&first, 1);
	first.stops = &second;
	first.frees = third;
	first.repeats = 5;
	while (ev_now() < second.due + 5)
		ev_now_update();
	while (first.calls < 6)
		assert_true(ev_turn(-1) > 0);
	assert_null(first.frees);
	assert_int_equal(second.calls, 0);
	assert_int_equal(ev_turn(SHORT), 0);
}

static void
on_readable(struct ev_io *io, int what)
{
	assert_int_equal(what, IO_READ);
	ev_io_close(io);
}

/* One that sets itself for now does not hold up the loop. */
static void
test_timer_no_starving(void **state)
{
	struct ev_io io = { .fd = -1 };
	struct alarm al;
	int sv[2];

	(void)state;
	last_due = 0;
	alarm_init(&al);
	al.repeats = 1000000;
	alarm_set(&al, 0);
	make_pair(sv);
	assert_int_equal(ev_io_add(&io, sv[0], IO_READ, on_readable), 0);
	assert_int_equal(ev_turn(0), 1);
	put(sv[1]);
	while (io.fd != -1 && al.repeats > 0)
		ev_turn(-1);
	assert_int_equal(io.fd, -1);
	assert_true(al.calls > 1);
	close(sv[1]);
}

/* Random sets and stops against a list that is searched from end to end. */
static void
test_timers_random(void **state)
{
	static struct alarm al[TIMERS];
	unsigned int seed = 12345;
	bool want[TIMERS] = { false };
	int i, k, round, left;

	(void)state;
	last_due = 0;
	for (i = 0; i < TIMERS; i++)
		alarm_init(&al[i]);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 500; i++) {
			k = rand_r(&seed) % TIMERS;
			want[k] = rand_r(&seed) % 4 != 0;
			if (want[k])
				alarm_set(&al[k], (uint64_t)(rand_r(&seed) %
				    (round % 2 ? 20 : 1000000)));
			else
				ev_timer_stop(&al[k].timer);
		}
		/* The far ones stay for the next round. */
		for (left = 1; left > 0;) {
			for (left = 0, i = 0; i < TIMERS; i++) {
				assert_int_equal(ev_timer_on(&al[i].timer),
				    want[i] && al[i].calls == 0);
				left += want[i] && al[i].calls == 0 &&
				    al[i].due < ev_now() + 100;
			}
			if (left > 0)
				ev_turn(SHORT);
		}
		for (i = 0; i < TIMERS; i++) {
			assert_true(al[i].calls <= want[i]);
			want[i] = want[i] && al[i].calls == 0;
			al[i].calls = 0;
		}
		last_due = 0;
	}
}

static void
on_job(struct ev_task *task)
{
	struct job *job = container_of(task, struct job, task);

	assert_false(ev_deferred(task));
	job->calls++;
	job->order = ++order;
	if (job->again) {
		job->again = false;
		ev_defer(task, on_job);
	}
	if (job->undoes != NULL)
		ev_undefer(&job->undoes->task);
}

static void
on_free(struct ev_task *task)
{
	order++;
	free(container_of(task, struct job, task));
}

static void
test_defer(void **state)
{
	struct job a = { 0 }, b = { 0 }, c = { 0 }, *d;

	(void)state;
	order = 0;
	d = calloc(1, sizeof(*d));
	assert_non_null(d);
	ev_undefer(&a.task);
	ev_defer(&a.task, on_job);
	ev_defer(&b.task, on_job);
	ev_defer(&a.task, on_job);
	ev_defer(&d->task, on_free);
	ev_defer(&c.task, on_job);
	b.undoes = &c;
	a.again = true;
	/* Nothing to wait for while there is work, at any timeout. */
	assert_int_equal(ev_turn(-1), 3);
	assert_int_equal(a.order, 1);
	assert_int_equal(b.order, 2);
	assert_int_equal(c.calls, 0);
	assert_int_equal(order, 3);
	assert_true(ev_deferred(&a.task));
	assert_int_equal(ev_turn(-1), 1);
	assert_int_equal(a.calls, 2);
	assert_int_equal(b.calls, 1);
	assert_int_equal(ev_turn(0), 0);
	ev_defer(&c.task, on_job);
	ev_undefer(&c.task);
	assert_int_equal(ev_turn(SHORT), 0);
}

static void
on_stop(struct ev_timer *timer)
{
	static struct job job;

	(void)timer;
	job.calls = 0;
	ev_defer(&job.task, on_job);
	ev_stop();
}

static void
test_run_stop(void **state)
{
	struct ev_timer timer;

	(void)state;
	order = 0;
	ev_timer_init(&timer, on_stop);
	ev_timer_set(&timer, 3);
	ev_run();
	/* The turn was brought to its end. */
	assert_int_equal(order, 1);
	ev_timer_set(&timer, 3);
	ev_run();
	assert_int_equal(order, 2);
	ev_stop();
	ev_run();
	assert_int_equal(order, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_clock), T(test_timer), T(test_timer_in_callback),
		T(test_timer_no_starving), T(test_timers_random),
		T(test_defer), T(test_run_stop),
	};
	int failed = 0;

	RUN_MODES(tests, failed);
	return failed == 0 ? 0 : 1;
}
