/*
 * test_turn.c - work that takes long is done in the order in which it came, and
 * no more of it a turn than leaves time for others.
 */
#include "looptest.h"

#include "../../relay/turn.h"

#define WORKS	50

struct work {
	struct turn	 turn;
	unsigned	 done;		/* when; 0: not yet */
};

static struct work	 work[WORKS];
static unsigned		 n;
static uint64_t		 took;		/* us, each */

static void
busy(uint64_t us)
{
	uint64_t end;

	ev_now_update();
	for (end = ev_now_us() + us; ev_now_us() < end; )
		ev_now_update();
}

static void
do_it(struct turn *t)
{
	container_of(t, struct work, turn)->done = ++n;
	busy(took);
}

static int
begin(void **state)
{
	memset(work, 0, sizeof(work));
	n = 0;
	took = 0;
	return setup(state);
}

static void
want_all(void)
{
	unsigned i;

	for (i = 0; i < WORKS; i++)
		turn_wait(&work[i].turn, do_it);
}

static void
test_all_of_little_in_its_order(void **state)
{
	unsigned i;

	(void)state;
	want_all();
	want_all();
	for (i = 0; n < WORKS; i++) {
		assert_true(i < WORKS);
		ev_turn(0);
	}
	for (i = 0; i < WORKS; i++)
		assert_int_equal(work[i].done, i + 1);
	ev_turn(0);
	assert_int_equal(n, WORKS);
}

/* Each takes all the time that there is: so one a turn. */
static void
test_others_have_their_turn(void **state)
{
	unsigned i;

	(void)state;
	took = 1500;
	want_all();
	for (i = 1; i <= 5; i++) {
		ev_turn(0);
		assert_int_equal(n, i);
	}
	for (i = 0; i < WORKS; i++)
		turn_cancel(&work[i].turn);
	ev_turn(0);
	assert_int_equal(n, 5);
}

static void
test_who_has_gone_is_left_out(void **state)
{
	unsigned i;

	(void)state;
	want_all();
	turn_cancel(&work[0].turn);
	turn_cancel(&work[7].turn);
	turn_cancel(&work[7].turn);
	turn_wait(&work[0].turn, do_it);
	for (i = 0; n < WORKS - 1; i++) {
		assert_true(i < WORKS);
		ev_turn(0);
	}
	assert_int_equal(work[1].done, 1);
	assert_int_equal(work[7].done, 0);
	assert_int_equal(work[0].done, WORKS - 1);
}

#define A(f)	cmocka_unit_test_setup_teardown(f, begin, teardown)

static const struct CMUnitTest tests[] = {
	A(test_all_of_little_in_its_order),
	A(test_others_have_their_turn),
	A(test_who_has_gone_is_left_out),
};

int
main(void)
{
	int failed = 0;

	RUN_MODES(tests, failed);
	return failed;
}
