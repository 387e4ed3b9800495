/*
 * test_balance.c - which remote a session gets.
 */
#include "remotetest.h"

#define KEYS		4000
#define DRAWS		40000

/* --- leastconn --- */

static void
test_leastconn_weights(void **state)
{
	int i;

	(void)state;
	remotes[1].weight = 2;
	remotes[2].weight = 4;
	pools_make(BALANCE_LEASTCONN, 3);
	for (i = 0; i < 700; i++)
		assert_non_null(pick());
	assert_in_range(active(a), 99, 101);
	assert_in_range(active(b), 199, 201);
	assert_in_range(active(c), 399, 401);
	assert_int_equal(active(a) + active(b) + active(c), 700);
}

static void
test_leastconn_ties(void **state)
{
	static const struct sess s;
	unsigned got[3] = { 0, 0, 0 };
	struct remote *u;
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	for (i = 0; i < 300; i++) {
		u = remote_pick(pool, &s);
		got[u - pool->all]++;
		remote_release(u, &s);
	}
	assert_int_equal(got[0], 100);
	assert_int_equal(got[1], 100);
	assert_int_equal(got[2], 100);
}

/* Those that are idle take turns by weight: the lighter one is not left out
 * where there is never more than one session. */
static void
test_leastconn_idle_weights(void **state)
{
	static const struct sess s;
	unsigned got[3] = { 0, 0, 0 };
	struct remote *r;
	int i;

	(void)state;
	remotes[0].weight = 2;
	remotes[2].weight = 3;
	pools_make(BALANCE_LEASTCONN, 3);
	for (i = 0; i < 60; i++) {
		r = remote_pick(pool, &s);
		got[r - pool->all]++;
		remote_release(r, &s);
	}
	assert_int_equal(got[0], 20);
	assert_int_equal(got[1], 10);
	assert_int_equal(got[2], 30);
}

/* The turns of one that is held are not its neighbour's alone. */
static void
test_held_is_shared(void **state)
{
	static const enum conf_balance how[] = {
		BALANCE_LEASTCONN, BALANCE_ROUNDROBIN
	};
	static const struct sess s;
	unsigned got[3], i, k;
	struct remote *r;

	(void)state;
	for (k = 0; k < 6; k++) {
		pools_make(how[k / 3], 3);
		refuse(&pool->all[k % 3]);
		memset(got, 0, sizeof(got));
		for (i = 0; i < 30; i++) {
			r = remote_pick(pool, &s);
			got[r - pool->all]++;
			remote_release(r, &s);
		}
		got[k % 3] += 15;
		for (i = 0; i < 3; i++)
			assert_int_equal(got[i], 15);
		remote_ok(&pool->all[k % 3]);
	}
}

/* A heavy one that has few is better than a light one that is idle. */
static void
test_leastconn_heavy(void **state)
{
	int i;

	(void)state;
	remotes[0].weight = 100;
	pools_make(BALANCE_LEASTCONN, 2);
	pick();
	pick();
	for (i = 0; i < 90; i++)
		assert_ptr_equal(pick(), a);
}

/* One that was busy with one long session does not get all the next ones. */
static void
test_leastconn_back(void **state)
{
	static const struct sess s;
	struct remote *r;
	unsigned i, got = 0;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 2);
	while ((r = remote_pick(pool, &s)) != b)
		remote_release(r, &s);
	for (i = 0; i < 1000; i++) {
		assert_ptr_equal(r = remote_pick(pool, &s), a);
		remote_release(r, &s);
	}
	remote_release(b, &s);
	for (i = 0; i < 10; i++) {
		r = remote_pick(pool, &s);
		got += r == b;
		remote_release(r, &s);
	}
	assert_in_range(got, 4, 6);
}

/* Whatever happens, the one that is chosen has the least load of all. */
static void
test_leastconn_many(void **state)
{
	struct remote *r, *other_one;
	unsigned i, k;

	(void)state;
	pools_make(BALANCE_LEASTCONN, MOST);
	for (i = 0; i < 20 * MOST; i++) {
		r = &pool->all[arc4random_uniform(MOST)];
		if (active(r) != 0)
			remote_release(r, NULL);
		if (arc4random_uniform(50) == 0)
			refuse(r);
		now += arc4random_uniform(5);
		for (k = 0, r = pick(); !is_held(r) && k < MOST; k++) {
			other_one = &pool->all[k];
			assert_true(is_held(other_one) ||
			    active(other_one) + 1 >= active(r));
		}
		if (is_held(r))
			remote_ok(r);
	}
}

static void
test_leastconn_released(void **state)
{
	static const struct sess s;
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	for (i = 0; i < 30; i++)
		pick();
	remote_release(b, &s);
	assert_ptr_equal(pick(), b);
}

/* What other workers have open counts, as soon as it is told. */
static void
test_leastconn_others(void **state)
{
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 2);
	load_elsewhere(a, 100);
	load_elsewhere(self.remotes[0].all, 5000);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(pick(), b);
	for (i = 0; i < 100; i++)
		pick();
	assert_int_equal(active(a), 50);
	assert_int_equal(active(b), 150);
	load_elsewhere(b, 1000);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(pick(), a);
	load_elsewhere(b, 0);
	load_elsewhere(a, 0);
	for (i = 0; i < 10; i++)
		pick();
	assert_int_equal(active(a), active(b));
}

/* More news than are remembered, and what was there before the worker. */
static void
test_leastconn_much_news(void **state)
{
	unsigned i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, MOST);
	for (i = 0; i < BOARD_NEWS + 10; i++)
		load_elsewhere(&pool->all[i % (MOST - 1)], 7);
	for (i = 0; i < 7; i++)
		assert_ptr_equal(pick(), &pool->all[MOST - 1]);
	for (i = 0; i < MOST - 1; i++)
		load_elsewhere(&pool->all[i], 20);
	pools_make(BALANCE_LEASTCONN, MOST);
	for (i = 0; i < 13; i++)
		assert_ptr_equal(pick(), &pool->all[MOST - 1]);
}

/* Its own sessions are on the board as well, and count once. */
static void
test_leastconn_own(void **state)
{
	int i;

	(void)state;
	pools_make(BALANCE_LEASTCONN, 2);
	load_elsewhere(b, 8);
	for (i = 0; i < 7; i++) {
		assert_ptr_equal(pick(), a);
	}
}

/* --- roundrobin --- */

/* In every n picks that follow each other, a gets its number of them, and so
 * on. */
static void
expect_shares(const unsigned *shares, unsigned n)
{
	struct remote *last[64];
	unsigned got[REMOTES] = { 0 }, i, k;

	for (i = 0; i < 20 * n; i++) {
		if (i >= n)
			got[last[i % n] - pool->all]--;
		last[i % n] = pick();
		got[last[i % n] - pool->all]++;
		for (k = 0; k < pool->n && i >= n - 1; k++)
			assert_int_equal(got[k], shares[k]);
	}
}

static void
test_roundrobin(void **state)
{
	(void)state;
	pools_make(BALANCE_ROUNDROBIN, 4);
	expect_shares((const unsigned[]){ 1, 1, 1, 1 }, 4);
}

static void
test_roundrobin_weights(void **state)
{
	(void)state;
	remotes[0].weight = 5;
	pools_make(BALANCE_ROUNDROBIN, 3);
	expect_shares((const unsigned[]){ 5, 1, 1 }, 7);
	remotes[0].weight = 4;
	remotes[1].weight = 2;
	pools_make(BALANCE_ROUNDROBIN, 3);
	expect_shares((const unsigned[]){ 4, 2, 1 }, 7);
	remotes[0].weight = 30;
	remotes[1].weight = 17;
	remotes[2].weight = 13;
	pools_make(BALANCE_ROUNDROBIN, 3);
	expect_shares((const unsigned[]){ 30, 17, 13 }, 60);
}

/* The first turn is not everywhere that of the first remote: else it gets most
 * where there are many workers and few sessions. */
static void
test_roundrobin_starts_anywhere(void **state)
{
	unsigned got[3] = { 0, 0, 0 }, i;

	(void)state;
	for (i = 0; i < 100; i++) {
		pools_make(BALANCE_ROUNDROBIN, 3);
		got[pick() - pool->all]++;
	}
	assert_true(got[0] > 10 && got[1] > 10 && got[2] > 10);
}

static void
test_roundrobin_held(void **state)
{
	(void)state;
	pools_make(BALANCE_ROUNDROBIN, 3);
	refuse(b);
	expect_shares((const unsigned[]){ 1, 0, 1 }, 2);
}

/* Who was held does not get all that it has missed. */
static void
test_roundrobin_back(void **state)
{
	unsigned i, got = 0;

	(void)state;
	pools_make(BALANCE_ROUNDROBIN, 2);
	refuse(b);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(pick(), a);
	remote_ok(b);
	for (i = 0; i < 10; i++)
		got += pick() == b;
	assert_in_range(got, 5, 6);
}

/* --- source --- */

/* Within five standard deviations of what the weights say. */
static void
assert_share(unsigned got, unsigned weight, unsigned sum, unsigned n)
{
	double p = (double)weight / sum, mean = n * p;
	double off = got > mean ? got - mean : mean - got;

	assert_true(off * off < 25 * n * p * (1 - p));
}

static struct sess
client(unsigned key)
{
	struct sess s = { .source = { .family = AF_INET } };

	s.source.ip[0] = 10;
	s.source.ip[1] = (uint8_t)(key >> 16);
	s.source.ip[2] = (uint8_t)(key >> 8);
	s.source.ip[3] = (uint8_t)key;
	s.source.port = (uint16_t)arc4random();
	return s;
}

/* The place of the remote that every key gets. */
static void
places(uint8_t *place)
{
	struct remote *u;
	struct sess s;
	unsigned i;

	for (i = 0; i < KEYS; i++) {
		s = client(i);
		u = remote_pick(pool, &s);
		place[i] = (uint8_t)(u->conf->name[0] - 'a');
		remote_release(u, &s);
	}
}

static void
test_source_stable(void **state)
{
	static uint8_t before[KEYS], after[KEYS];
	unsigned i, moved = 0, others = 0;

	(void)state;
	pools_make(BALANCE_SOURCE, REMOTES);
	places(before);
	places(after);
	assert_memory_equal(before, after, sizeof(before));
	/* Another worker is all the same. */
	pools_make(BALANCE_SOURCE, REMOTES);
	places(after);
	assert_memory_equal(before, after, sizeof(before));
	/* When one goes, its own keys move, and hardly any others. */
	pools_make(BALANCE_SOURCE, REMOTES - 1);
	places(after);
	for (i = 0; i < KEYS; i++) {
		assert_true(after[i] < REMOTES - 1);
		if (before[i] == REMOTES - 1)
			moved++;
		else
			others += after[i] != before[i];
	}
	assert_true(moved > KEYS / REMOTES / 2);
	assert_true(others < KEYS / 50);
}

/* The order of the file is nothing to a client. */
static void
test_source_order(void **state)
{
	static uint8_t before[KEYS], after[KEYS];
	struct conf_remote first = remotes[0];

	(void)state;
	pools_make(BALANCE_SOURCE, REMOTES);
	places(before);
	memmove(&remotes[0], &remotes[1], (REMOTES - 1) * sizeof(*remotes));
	remotes[REMOTES - 1] = first;
	pools_make(BALANCE_SOURCE, REMOTES);
	places(after);
	assert_memory_equal(before, after, sizeof(before));
}

/* Those of one that is held are spread over all others, and are there next
 * time as well; when it is over they come back. */
static void
test_source_held(void **state)
{
	static uint8_t before[KEYS], held[KEYS], again[KEYS], after[KEYS];
	unsigned got[REMOTES] = { 0 }, moved = 0, i;

	(void)state;
	pools_make(BALANCE_SOURCE, REMOTES);
	places(before);
	refuse(b);
	places(held);
	places(again);
	assert_memory_equal(held, again, sizeof(held));
	for (i = 0; i < KEYS; i++) {
		if (before[i] == 1) {
			got[held[i]]++;
			moved++;
		} else
			assert_int_equal(held[i], before[i]);
	}
	assert_int_equal(got[1], 0);
	for (i = 0; i < REMOTES; i++)
		if (i != 1)
			assert_share(got[i], 1, REMOTES - 1, moved);
	now += 1000;
	remote_ok(b);
	places(after);
	assert_memory_equal(before, after, sizeof(before));
}

/* All but one are held, then that one too: the session goes somewhere. */
static void
test_source_most_held(void **state)
{
	unsigned i;

	(void)state;
	pools_make(BALANCE_SOURCE, MOST);
	for (i = 0; i < MOST; i++)
		if (&pool->all[i] != c)
			refuse(&pool->all[i]);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(pick(), c);
	now += 1;
	refuse(c);
	assert_non_null(pick());
}

/* The remotes that a session tries one after the other are all different, and
 * the same for each of one client. */
static void
test_source_tries(void **state)
{
	uint32_t tried[REMOTES], first[REMOTES];
	struct extra extra = { .tried = tried };
	struct sess s = client(7);
	struct remote *r;
	unsigned i, k;

	(void)state;
	pools_make(BALANCE_SOURCE, REMOTES);
	s.extra = &extra;
	for (k = 0; k < 2; k++) {
		for (s.ntried = 0; s.ntried < REMOTES; s.ntried++) {
			extra.ntried = s.ntried;
			r = remote_pick(pool, &s);
			assert_non_null(r);
			remote_release(r, &s);
			tried[s.ntried] = (uint32_t)(r - pool->all);
			for (i = 0; i < s.ntried; i++)
				assert_int_not_equal(tried[i],
				    tried[s.ntried]);
		}
		extra.ntried = s.ntried;
		assert_null(remote_pick(pool, &s));
		if (k == 0)
			memcpy(first, tried, sizeof(first));
	}
	assert_memory_equal(first, tried, sizeof(first));
}

static void
test_source_weights(void **state)
{
	static uint8_t place[KEYS];
	unsigned i, got[3] = { 0, 0, 0 };

	(void)state;
	remotes[0].weight = 1;
	remotes[1].weight = 2;
	remotes[2].weight = 5;
	pools_make(BALANCE_SOURCE, 3);
	places(place);
	for (i = 0; i < KEYS; i++)
		got[place[i]]++;
	for (i = 0; i < 3; i++)
		assert_share(got[i], remotes[i].weight, 8, KEYS);
}

/* --- random --- */

static void
test_random(void **state)
{
	unsigned i, got[4] = { 0, 0, 0, 0 };

	(void)state;
	remotes[0].weight = 1;
	remotes[1].weight = 256;
	remotes[2].weight = 100;
	remotes[3].weight = 43;
	pools_make(BALANCE_RANDOM, 4);
	for (i = 0; i < DRAWS; i++)
		got[pick() - pool->all]++;
	for (i = 0; i < 4; i++)
		assert_share(got[i], remotes[i].weight, 400, DRAWS);
	refuse(b);
	for (i = 0; i < 1000; i++)
		assert_ptr_not_equal(pick(), b);
}

/* Idle ones are taken by weight alone: the light one is not left out. */
static void
test_random_idle(void **state)
{
	static const struct sess s;
	unsigned i, got[3] = { 0, 0, 0 };
	struct remote *r;

	(void)state;
	remotes[0].weight = 8;
	remotes[1].weight = 1;
	remotes[2].weight = 2;
	pools_make(BALANCE_RANDOM, 3);
	for (i = 0; i < DRAWS; i++) {
		r = remote_pick(pool, &s);
		got[r - pool->all]++;
		remote_release(r, &s);
	}
	for (i = 0; i < 3; i++)
		assert_share(got[i], remotes[i].weight, 11, DRAWS);
}

/* Of two it is always the better one by its weight, here or elsewhere. */
static void
test_random_better(void **state)
{
	unsigned i;

	(void)state;
	remotes[0].weight = 4;
	pools_make(BALANCE_RANDOM, 2);
	load_elsewhere(a, 3999);
	for (i = 0; i < 999; i++)
		assert_ptr_equal(pick(), b);
	load_elsewhere(a, 3994);
	assert_ptr_equal(pick(), a);
}

/* The fullest of many is hardly fuller than the others: one draw would leave
 * it with twice as much. */
static void
test_random_even(void **state)
{
	unsigned i, most = 0;

	(void)state;
	pools_make(BALANCE_RANDOM, MOST);
	for (i = 0; i < 10 * MOST; i++)
		pick();
	for (i = 0; i < MOST; i++)
		most = MAX(most, active(&pool->all[i]));
	assert_in_range(most, 10, 14);
}

/* --- first --- */

static void
test_first(void **state)
{
	unsigned i;

	(void)state;
	remotes[2].weight = 100;
	pools_make(BALANCE_FIRST, MOST);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(pick(), a);
	refuse(b);
	refuse(a);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(pick(), c);
	remote_ok(b);
	assert_ptr_equal(pick(), b);
	remote_ok(a);
	assert_ptr_equal(pick(), a);
}

/* The next one only when those before it are full. */
static void
test_first_full(void **state)
{
	static const struct sess s;

	(void)state;
	remotes[0].max_sessions = 2;
	remotes[1].max_sessions = 1;
	pools_make(BALANCE_FIRST, 3);
	lend(a, 2);
	lend(b, 1);
	assert_ptr_equal(pick(), a);
	assert_ptr_equal(pick(), a);
	assert_ptr_equal(pick(), b);
	assert_ptr_equal(pick(), c);
	assert_ptr_equal(pick(), c);
	remote_release(b, &s);
	remote_release(a, &s);
	assert_ptr_equal(pick(), a);
	assert_ptr_equal(pick(), b);
	assert_ptr_equal(pick(), c);
	remotes[0].max_sessions = remotes[1].max_sessions = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_leastconn_weights),
		T(test_leastconn_ties),
		T(test_leastconn_idle_weights),
		T(test_held_is_shared),
		T(test_leastconn_heavy),
		T(test_leastconn_back),
		T(test_leastconn_many),
		T(test_leastconn_released),
		T(test_leastconn_others),
		T(test_leastconn_much_news),
		T(test_leastconn_own),
		T(test_roundrobin),
		T(test_roundrobin_weights),
		T(test_roundrobin_starts_anywhere),
		T(test_roundrobin_held),
		T(test_roundrobin_back),
		T(test_source_stable),
		T(test_source_order),
		T(test_source_held),
		T(test_source_most_held),
		T(test_source_tries),
		T(test_source_weights),
		T(test_random),
		T(test_random_idle),
		T(test_random_better),
		T(test_random_even),
		T(test_first),
		T(test_first_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
