/*
 * test_remotes.c - what is counted and held, what others tell and are told.
 */
#include "remotetest.h"

#define HOLD_MAX	60000	/* ms */

static void
test_init(void **state)
{
	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	assert_int_equal(pool->n, 3);
	assert_ptr_equal(a, self.remotes[0].all + 1);
	assert_ptr_equal(a->board, &self.board.own->places[1]);
	assert_ptr_equal(c->board, &self.board.own->places[3]);
	assert_ptr_equal(self.remotes[0].all[0].board,
	    &self.board.own->places[0]);
	assert_int_equal(pool->retire_at, 0);
}

/* Earlier by at most a twentieth, and not always by the same. */
static void
test_retire_spread(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;
	int i;

	(void)state;
	relays[1].retire = 5;
	pools_make(BALANCE_LEASTCONN, 1);
	assert_int_equal(pool->retire_at, 5);
	relays[1].retire = 1000;
	for (i = 0; i < 300; i++) {
		pools_make(BALANCE_LEASTCONN, 1);
		least = MIN(least, pool->retire_at);
		most = MAX(most, pool->retire_at);
	}
	assert_true(least > 950 && least < 965);
	assert_true(most <= 1000 && most > 985);
}

static void
test_counts(void **state)
{
	const struct sess s = { .id = 1 };
	struct remote *u;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	u = remote_pick(pool, &s);
	assert_int_equal(active(u), 1);
	remote_ok(u);
	assert_int_equal(board_get(&u->board->sessions), 1);
	assert_int_equal(active(u), 1);
	remote_release(u, &s);
	assert_int_equal(active(u), 0);
	remote_failed(u, ECONNREFUSED, "refused");
	assert_int_equal(board_get(&u->board->failed), 1);
	assert_true(is_held(u));
	now += 1000;
	remote_ok(u);
	assert_false(is_held(u));
}

/* The master is told which remote has other figures. */
static void
test_news(void **state)
{
	static const struct sess s;
	struct remote *r;
	uint64_t pos = 0;
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	r = remote_pick(pool, &s);
	remote_failed(r, ECONNREFUSED, "refused");
	remote_release(r, &s);
	remote_ok(r);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(&self.remotes[0].all[
		    board_news_next(&self.board.own->news, &pos)], r);
	assert_int_equal(board_news_next(&self.board.own->news, &pos),
	    BOARD_NONE);
}

/* --- holding --- */

static void
test_hold_grows(void **state)
{
	static const struct sess s;
	uint64_t hold = 1000;
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	load_all_but(a);
	for (i = 0; i < 12; i++) {
		assert_ptr_equal(remote_pick(pool, &s), a);
		remote_failed(a, ECONNREFUSED, "refused");
		remote_release(a, &s);
		assert_true(is_held(a));
		now += hold - 1;
		assert_ptr_not_equal(pick(), a);
		now += 1;
		hold = hold * 2 > HOLD_MAX ? HOLD_MAX : hold * 2;
	}
	/* One success, and the next failure is the first one again. */
	assert_ptr_equal(remote_pick(pool, &s), a);
	remote_ok(a);
	remote_release(a, &s);
	assert_ptr_equal(remote_pick(pool, &s), a);
	remote_failed(a, ECONNREFUSED, "refused");
	remote_release(a, &s);
	now += 999;
	assert_ptr_not_equal(pick(), a);
	now += 1;
	assert_ptr_equal(pick(), a);
}

/* Sessions that were under way when the hold began do not lengthen it. */
static void
test_hold_once(void **state)
{
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	load_all_but(a);
	for (i = 0; i < 5; i++) {
		refuse(a);
		now += 199;
	}
	now += 5;
	assert_ptr_equal(pick(), a);
	assert_int_equal(board_get(&a->board->failed), 5);
}

static void
test_never_holds_all(void **state)
{
	static const struct sess s;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	refuse(c);
	now += 300;
	refuse(b);
	now += 300;
	refuse(a);
	/* All held: the one that is due soonest. */
	assert_ptr_equal(remote_pick(pool, &s), c);
	remote_failed(c, ECONNREFUSED, "refused");
	remote_release(c, &s);
	now += 500;		/* c's is over, b's ends at 1300 */
	assert_ptr_equal(pick(), c);
}

static void
test_tried(void **state)
{
	uint32_t tried[3];
	struct extra extra = { .tried = tried };
	struct sess s = { .extra = &extra };
	enum conf_balance balance;
	struct remote *u;
	bool seen[3];
	unsigned i;

	(void)state;
	for (balance = BALANCE_LEASTCONN; balance <= BALANCE_FIRST;
	    balance++) {
		pools_make(balance, 3);
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < 3; i++) {
			s.ntried = extra.ntried = (uint16_t)i;
			u = remote_pick(pool, &s);
			assert_non_null(u);
			assert_false(seen[u - pool->all]);
			seen[u - pool->all] = true;
			tried[i] = (uint32_t)(u - pool->all);
			remote_release(u, &s);
		}
		s.ntried = extra.ntried = 3;
		assert_null(remote_pick(pool, &s));
	}
}

/* Rather a held one than the one that has just failed. */
static void
test_tried_and_held(void **state)
{
	uint32_t tried[2] = { 0, 0 };
	struct extra extra = { .tried = tried, .ntried = 1 };
	struct sess s = { .extra = &extra, .ntried = 1 };

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	refuse(b);
	now += 10;
	refuse(c);
	assert_ptr_equal(remote_pick(pool, &s), b);
	tried[1] = 1;
	s.ntried = extra.ntried = 2;
	assert_ptr_equal(remote_pick(pool, &s), c);
}

/* After so many sessions what is held is tried, by one; what has failed again
 * is held for longer. What others go on telling of it does not hold it. */
static void
test_rebalance(void **state)
{
	const struct sess probe = { .id = 1 };
	unsigned i;

	(void)state;
	relays[1].rebalance = 10;
	pools_make(BALANCE_FIRST, 3);
	fail_elsewhere(a, 5);		/* for 16 seconds */
	refuse(b);
	for (i = 1; i < 10; i++) {
		remotes_count(pool);
		assert_ptr_equal(pick(), c);
	}
	remotes_count(pool);
	tell(a);
	assert_ptr_equal(remote_pick(pool, &probe), a);
	assert_ptr_equal(pick(), b);
	assert_ptr_equal(pick(), c);
	remote_failed(a, ECONNREFUSED, "refused");
	remote_release(a, &probe);
	remote_ok(b);
	now += 16000;
	assert_ptr_equal(pick(), b);
	for (i = 0; i < 9; i++)
		remotes_count(pool);
	assert_ptr_equal(pick(), b);
	remotes_count(pool);
	assert_ptr_equal(pick(), a);
}

/* A connect to ourselves is the next session, and would be without end. */
static void
test_rebalance_not_ourselves(void **state)
{
	unsigned i;

	(void)state;
	relays[1].rebalance = 1;
	pools_make(BALANCE_FIRST, 2);
	refuse(a);
	a->whose = REMOTE_OURS;
	for (i = 0; i < 10; i++) {
		remotes_count(pool);
		assert_ptr_equal(pick(), b);
	}
}

/* --- what other workers have found out --- */

static void
test_held_elsewhere(void **state)
{
	const struct sess probe = { .id = 1 };
	int i;

	(void)state;
	pools_make(BALANCE_ROUNDROBIN, 2);
	fail_elsewhere(a, 3);		/* for four seconds */
	for (i = 0; i < 4; i++) {
		assert_ptr_equal(pick(), b);
		assert_true(is_held(a));
		now += 999;
	}
	now += 4;
	while (remote_pick(pool, &probe) != a)
		continue;
	assert_ptr_equal(pick(), b);	/* one tries */
	assert_ptr_equal(pick(), b);
	remote_ok(a);
	assert_false(is_held(a));
	/* What is told is older than that. */
	tell(a);
	while (pick() != a)
		continue;
	assert_false(is_held(a));
}

/* A worker that starts does not try what others know to be dead. */
static void
test_held_at_start(void **state)
{
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	fail_elsewhere(b, 7);
	pools_make(BALANCE_LEASTCONN, 3);
	for (i = 0; i < 100; i++)
		assert_ptr_not_equal(pick(), b);
}

/* That others say it is back is no reason to try what has failed here. */
static void
test_back_elsewhere(void **state)
{
	(void)state;
	pools_make(BALANCE_ROUNDROBIN, 2);
	refuse(a);
	now += 10;
	fail_elsewhere(a, 0);
	assert_ptr_equal(pick(), b);
	assert_ptr_equal(pick(), b);
}

/* --- the one session that tries a held remote again --- */

static void
held_and_due(void)
{
	pools_make(BALANCE_LEASTCONN, 3);
	load_all_but(a);
	refuse(a);
	now += 1000;
}

static void
test_probe_is_one(void **state)
{
	const struct sess first = { .id = 1 }, second = { .id = 2 };

	(void)state;
	held_and_due();
	assert_ptr_equal(remote_pick(pool, &first), a);
	assert_ptr_not_equal(remote_pick(pool, &second), a);
	now += 100000;
	assert_ptr_not_equal(remote_pick(pool, &second), a);
	remote_ok(a);
	assert_ptr_equal(remote_pick(pool, &second), a);
}

/* Its client went away before there was an outcome: another may try. */
static void
test_probe_given_up(void **state)
{
	const struct sess first = { .id = 1 }, second = { .id = 2 };

	(void)state;
	held_and_due();
	assert_ptr_equal(remote_pick(pool, &first), a);
	remote_release(a, &first);
	assert_ptr_equal(remote_pick(pool, &second), a);
}

static void
test_probe_fails(void **state)
{
	const struct sess first = { .id = 1 }, second = { .id = 2 };

	(void)state;
	held_and_due();
	assert_ptr_equal(remote_pick(pool, &first), a);
	remote_failed(a, ECONNREFUSED, "refused");
	remote_release(a, &first);
	assert_ptr_not_equal(remote_pick(pool, &second), a);
	now += 2000;
	assert_ptr_equal(remote_pick(pool, &second), a);
}

/* Sessions of before the failure that end now have no say. */
static void
test_probe_and_old_sessions(void **state)
{
	const struct sess old = { .id = 1 }, probe = { .id = 2 },
	    third = { .id = 3 };

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	load_all_but(a);
	assert_ptr_equal(remote_pick(pool, &old), a);
	remote_ok(a);
	refuse(a);
	now += 1000;
	assert_ptr_equal(remote_pick(pool, &probe), a);
	remote_release(a, &old);
	assert_ptr_not_equal(remote_pick(pool, &third), a);
}

/* Everything was held, so a second one had to try too: its end is not that of
 * the probe. */
static void
test_probe_not_alone(void **state)
{
	const struct sess probe = { .id = 1 }, second = { .id = 2 },
	    third = { .id = 3 };

	(void)state;
	pools_make(BALANCE_LEASTCONN, 2);
	refuse(a);
	now += 500;
	refuse(b);
	now += 500;
	assert_ptr_equal(remote_pick(pool, &probe), a);
	assert_ptr_equal(remote_pick(pool, &second), a);
	remote_release(a, &second);
	remote_ok(b);
	load_elsewhere(b, 1000000);
	assert_ptr_equal(remote_pick(pool, &third), b);
}

/* The probe succeeded and its session stays open for long: when the remote
 * fails again, others find it again all the same. */
static void
test_probe_lives_on(void **state)
{
	const struct sess probe = { .id = 1 }, second = { .id = 2 },
	    third = { .id = 3 };

	(void)state;
	held_and_due();
	assert_ptr_equal(remote_pick(pool, &probe), a);
	remote_ok(a);
	assert_ptr_equal(remote_pick(pool, &second), a);
	remote_failed(a, ECONNREFUSED, "refused");
	remote_release(a, &second);
	assert_ptr_not_equal(remote_pick(pool, &third), a);
	now += 1000;
	assert_ptr_equal(remote_pick(pool, &third), a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_init),
		T(test_retire_spread),
		T(test_counts),
		T(test_news),
		T(test_hold_grows),
		T(test_hold_once),
		T(test_never_holds_all),
		T(test_tried),
		T(test_tried_and_held),
		T(test_rebalance),
		T(test_rebalance_not_ourselves),
		T(test_held_elsewhere),
		T(test_held_at_start),
		T(test_back_elsewhere),
		T(test_probe_is_one),
		T(test_probe_given_up),
		T(test_probe_fails),
		T(test_probe_and_old_sessions),
		T(test_probe_not_alone),
		T(test_probe_lives_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
