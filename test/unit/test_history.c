/*
 * test_history.c - the last hour: what came between two looks, also when the
 * next image goes on with it. The clock and the totals are the test's own.
 */
#include "evtest.h"

#include "accept/backlog.h"
#include "accept/handoff.h"
#include "accept/listener.h"
#include "ev.h"
#include "master.h"
#include "proc/history.h"
#include "proc/totals.h"

struct master master;

static struct totals	 sum;
static struct ev_timer	*timer;
static uint64_t		 delay;

void
ev_timer_set(struct ev_timer *t, uint64_t delay_ms)
{
	timer = t;
	delay = delay_ms;
}

struct totals
totals_sum(void)
{
	return sum;
}

unsigned
handoff_kept(void)
{
	return 3;
}

int
backlog_count(int fd)
{
	(void)fd;
	return BACKLOG_UNKNOWN;
}

static const struct ledger_sample *
tick(void)
{
	timer->cb(timer);
	assert_int_equal(delay, LEDGER_STEP * 1000);
	return &ledger->samples[(ledger->nsamples - 1) % LEDGER_SAMPLES];
}

static void
test_history(void **state)
{
	const struct ledger_sample *s;
	unsigned i;

	(void)state;
	TAILQ_INIT(&master.listeners);
	history_begin();
	assert_int_equal(delay, LEDGER_STEP * 1000);
	sum = (struct totals){ .open = 5, .sessions = 7, .failed = 1,
	    .bytes_in = 100, .bytes_out = 1000 };
	s = tick();
	assert_int_equal(s->sessions, 5);
	assert_int_equal(s->waiting, 3);
	assert_int_equal(s->new, 7);
	assert_int_equal(s->failed, 1);
	assert_int_equal(s->bytes_in, 100);
	sum.bytes_in += 11;
	sum.sessions -= 2;	/* a worker died before it took them */
	s = tick();
	assert_int_equal(s->new, 0);
	assert_int_equal(s->bytes_in, 11);
	sum.sessions += 3;
	assert_int_equal(tick()->new, 1);
	/* The next image. */
	history_begin();
	assert_in_range(delay, 0, LEDGER_STEP * 1000);
	sum.sessions += 4;
	assert_int_equal(tick()->new, 4);
	for (i = 0; i < LEDGER_SAMPLES; i++)
		assert_int_equal(tick()->new, 0);
	assert_int_equal(ledger->nsamples, LEDGER_SAMPLES + 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
