/*
 * test_remotes.c - which remote a session gets, and which are held. The
 * clock and the session are the test's own; the board is a real one.
 */
#include "evtest.h"

#include "log.h"

#include "../../relay/remote/remotes.h"
#include "../../relay/self.h"
#include "../../relay/sess.h"

#define REMOTES		5
#define MOST		40
#define KEYS		4000
#define DRAWS		40000
#define HOLD_MAX	60000	/* ms */

struct self self;

static uint64_t			 now = 1000000;
static struct conf_remote	 remotes[MOST], other;
static struct conf_relay	 relays[2];
static struct conf		 conf;
static struct remotes		*pool;
static struct remote		*a, *b, *c;

uint64_t
ev_now(void)
{
	return now;
}

static void
remotes_free(struct remotes *rs)
{
	free(rs->by_turn.items);
	free(rs->by_load.items);
	free(rs->held.items);
	free(rs->probed.items);
}

static void
pools_free(void)
{
	unsigned i;

	for (i = 0; i < conf.nrelays; i++)
		remotes_free(&self.remotes[i]);
	free(self.remotes[0].all);
	free(self.remotes);
	self.remotes = NULL;
}

static void
pools_make(enum conf_balance balance, unsigned n)
{
	if (self.remotes != NULL)
		pools_free();
	relays[1].balance = balance;
	relays[1].nremotes = n;
	assert_int_equal(remotes_start(), 0);
	pool = &self.remotes[1];
	a = &pool->all[0];
	b = &pool->all[1];
	c = &pool->all[2];
}

/* The relay of the tests is the second one, in slot 1 of the board. */
static int
setup(void **state)
{
	unsigned i;

	(void)state;
	memset(relays, 0, sizeof(relays));
	for (i = 0; i < MOST; i++) {
		snprintf(remotes[i].name, sizeof(remotes[i].name), "%c",
		    'a' + (int)i);
		remotes[i].weight = 1;
	}
	other.weight = 1;
	relays[0].remotes = &other;
	relays[0].nremotes = 1;
	relays[1].remotes = remotes;
	relays[1].nremotes = MOST;
	conf.relays = relays;
	conf.nrelays = 2;
	self.conf = &conf;
	self.slot = 1;
	log_init(-1, "test");
	log_set_level(LOG_ERR);
	if (board_create(&self.board, &conf) == -1 ||
	    board_slot_make(&self.board, self.slot) == -1)
		return -1;
	self.board.own = board_slot(&self.board, self.slot);
	self.board.told = board_told(&self.board, self.slot);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	pools_free();
	board_close(&self.board);
	return 0;
}

static uint32_t
active(const struct remote *u)
{
	return atomic_load(&u->board->active);
}

/* A session that nobody remembers. */
static struct remote *
pick(void)
{
	static const struct sess anybody;

	return remote_pick(pool, &anybody);
}

/* A connect to u has failed. */
static void
refuse(struct remote *u)
{
	remote_failed(u, "refused");
}

/* What is told of other workers. */
static struct board_other *
told(const struct remote *u)
{
	return &self.board.told->remotes[u - self.remotes[0].all];
}

static void
tell(const struct remote *u)
{
	board_news_add(&self.board.told->news,
	    (unsigned)(u - self.remotes[0].all));
}

/* Other workers have so many at u. */
static void
load_elsewhere(const struct remote *u, unsigned n)
{
	atomic_store(&told(u)->sessions, n);
	tell(u);
}

/* Another worker has found that u does not answer. */
static void
fail_elsewhere(const struct remote *u, unsigned fails)
{
	atomic_store(&told(u)->outcome, now << 8 | fails);
	tell(u);
}

static bool
is_held(const struct remote *u)
{
	return (board_get(&u->board->outcome) & 0xff) != 0;
}

/* Makes every other remote look busy. */
static void
load_all_but(struct remote *free_one)
{
	unsigned i;

	for (i = 0; i < pool->n; i++)
		if (&pool->all[i] != free_one)
			load_elsewhere(&pool->all[i], 1000000);
}

static void
test_init(void **state)
{
	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	assert_int_equal(pool->n, 3);
	assert_ptr_equal(a, self.remotes[0].all + 1);
	assert_ptr_equal(a->board, &self.board.own->remotes[1]);
	assert_ptr_equal(c->board, &self.board.own->remotes[3]);
	assert_ptr_equal(self.remotes[0].all[0].board,
	    &self.board.own->remotes[0]);
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
	remote_failed(u, "refused");
	assert_int_equal(board_get(&u->board->failed), 1);
	assert_true(is_held(u));
	now += 1000;
	remote_ok(u);
	assert_false(is_held(u));
}

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
	remote_failed(r, "refused");
	remote_release(r, &s);
	remote_ok(r);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(&self.remotes[0].all[
		    board_news_next(&self.board.own->news, &pos)], r);
	assert_int_equal(board_news_next(&self.board.own->news, &pos),
	    BOARD_NONE);
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
	unsigned i, moved = 0;

	(void)state;
	pools_make(BALANCE_SOURCE, REMOTES);
	places(before);
	places(after);
	assert_memory_equal(before, after, sizeof(before));
	/* Another worker, or another order in the file, is all the same. */
	pools_make(BALANCE_SOURCE, REMOTES);
	places(after);
	assert_memory_equal(before, after, sizeof(before));
	/* When one goes, its own keys move, and no others. */
	pools_make(BALANCE_SOURCE, REMOTES - 1);
	places(after);
	for (i = 0; i < KEYS; i++) {
		assert_true(after[i] < REMOTES - 1);
		if (before[i] == REMOTES - 1)
			moved++;
		else
			assert_int_equal(after[i], before[i]);
	}
	assert_true(moved > KEYS / REMOTES / 2);
}

static void
test_source_held(void **state)
{
	static uint8_t before[KEYS], held[KEYS], after[KEYS];
	unsigned i;

	(void)state;
	pools_make(BALANCE_SOURCE, 3);
	places(before);
	refuse(b);
	places(held);
	for (i = 0; i < KEYS; i++) {
		if (before[i] == 1)
			assert_int_not_equal(held[i], 1);
		else
			assert_int_equal(held[i], before[i]);
	}
	now += 1000;
	remote_ok(b);
	places(after);
	assert_memory_equal(before, after, sizeof(before));
}

/* Within five standard deviations of what the weights say. */
static void
assert_share(unsigned got, unsigned weight, unsigned sum, unsigned n)
{
	double p = (double)weight / sum, mean = n * p;
	double off = got > mean ? got - mean : mean - got;

	assert_true(off * off < 25 * n * p * (1 - p));
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
		remote_failed(a, "refused");
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
	remote_failed(a, "refused");
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
	remote_failed(c, "refused");
	remote_release(c, &s);
	now += 500;		/* c's is over, b's ends at 1300 */
	assert_ptr_equal(pick(), c);
}

static void
test_tried(void **state)
{
	uint16_t tried[3];
	struct extra extra = { .tried = tried };
	struct sess s = { .extra = &extra };
	enum conf_balance balance;
	struct remote *u;
	bool seen[3];
	unsigned i;

	(void)state;
	for (balance = BALANCE_LEASTCONN; balance <= BALANCE_RANDOM;
	    balance++) {
		pools_make(balance, 3);
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < 3; i++) {
			s.ntried = (uint16_t)i;
			u = remote_pick(pool, &s);
			assert_non_null(u);
			assert_false(seen[u - pool->all]);
			seen[u - pool->all] = true;
			tried[i] = (uint16_t)(u - pool->all);
			remote_release(u, &s);
		}
		s.ntried = 3;
		assert_null(remote_pick(pool, &s));
	}
}

/* Rather a held one than the one that has just failed. */
static void
test_tried_and_held(void **state)
{
	uint16_t tried[2] = { 0, 0 };
	struct extra extra = { .tried = tried };
	struct sess s = { .extra = &extra, .ntried = 1 };

	(void)state;
	pools_make(BALANCE_LEASTCONN, 3);
	refuse(b);
	now += 10;
	refuse(c);
	assert_ptr_equal(remote_pick(pool, &s), b);
	tried[1] = 1;
	s.ntried = 2;
	assert_ptr_equal(remote_pick(pool, &s), c);
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
	remote_failed(a, "refused");
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
	remote_failed(a, "refused");
	remote_release(a, &second);
	assert_ptr_not_equal(remote_pick(pool, &third), a);
	now += 1000;
	assert_ptr_equal(remote_pick(pool, &third), a);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_init),
		T(test_retire_spread),
		T(test_counts),
		T(test_leastconn_weights),
		T(test_leastconn_ties),
		T(test_leastconn_idle_weights),
		T(test_leastconn_heavy),
		T(test_leastconn_back),
		T(test_leastconn_many),
		T(test_leastconn_released),
		T(test_leastconn_others),
		T(test_leastconn_own),
		T(test_leastconn_much_news),
		T(test_news),
		T(test_roundrobin),
		T(test_roundrobin_weights),
		T(test_roundrobin_starts_anywhere),
		T(test_roundrobin_held),
		T(test_roundrobin_back),
		T(test_source_stable),
		T(test_source_held),
		T(test_source_weights),
		T(test_random),
		T(test_hold_grows),
		T(test_hold_once),
		T(test_never_holds_all),
		T(test_tried),
		T(test_tried_and_held),
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
