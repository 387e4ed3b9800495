/*
 * test_pool.c - who gets the next session: each row of the table, then the
 * same against a model that is written another way.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "accept/pool.h"

#define ROUNDS		200000
#define MOST		9	/* workers of a random set */

static const struct pool_limits limits = {
	.servers_min = 2, .servers_max = 4, .users_min = 10, .users_max = 100,
	.wake = 2, .slack = 3
};

#define R(n)	{ .state = WORKER_READY, .users = (n) }
#define RF(n)	{ .state = WORKER_READY, .users = (n), .full = true }
#define A(n)	{ .state = WORKER_READY, .users = (n), .awake = true }
#define S(n)	{ .state = WORKER_STARTING, .users = (n) }
#define SF(n)	{ .state = WORKER_STARTING, .users = (n), .full = true }
#define L(n)	{ .state = WORKER_LEAVING, .users = (n) }
#define LF(n)	{ .state = WORKER_LEAVING, .users = (n), .full = true }
#define D(n)	{ .state = WORKER_DRAINING, .users = (n) }
#define K(n)	{ .state = WORKER_STUCK, .users = (n) }

static const struct row {
	const char		*what;
	size_t			 n;
	struct pool_worker	 w[6];
	int			 worker;
	bool			 start;
} rows[] = {
	{ "nobody at all", 0, { R(0) }, -1, true },
	{ "least loaded below users min", 3, { R(3), R(1), R(2) }, 1, false },
	{ "a tie goes to the first", 3, { R(5), R(2), R(2) }, 1, false },
	{ "all idle", 2, { R(0), R(0) }, 0, false },
	{ "one below users min", 3, { R(50), R(9), R(10) }, 1, false },
	{ "a starting one does not matter below users min", 2,
	    { S(0), R(9) }, 1, false },
	{ "users min reached: one more starts", 2, { R(12), R(10) }, 1, true },
	{ "a tie above users min", 3, { R(30), R(20), R(20) }, 1, true },
	{ "only one starts at a time", 3, { R(10), S(0), R(11) }, 0, false },
	{ "servers max reached", 4, { R(99), R(40), R(41), R(98) }, 1, false },
	{ "above servers max", 5, { R(99), R(40), R(41), R(98), R(42) }, 1,
	    false },
	{ "the starting one gets it when no ready one has room", 3,
	    { R(100), S(7), R(100) }, 1, false },
	{ "the least loaded of the starting", 4,
	    { S(7), S(3), S(4), R(100) }, 1, false },
	{ "a starting one has room up to users max", 2, { S(100), R(100) },
	    -1, false },
	{ "only starting ones", 2, { S(1), S(0) }, 1, false },
	{ "the leaving one last", 3, { L(3), R(100), S(100) }, 0, false },
	{ "a ready one before the leaving one", 2, { L(0), R(99) }, 1, true },
	{ "a starting one before the leaving one", 2, { L(0), S(99) }, 1,
	    false },
	{ "the least loaded of the leaving", 3, { L(9), L(8), L(8) }, 1,
	    true },
	{ "the leaving have room up to users max", 2, { L(100), L(101) }, -1,
	    true },
	{ "the leaving do not count for servers max", 5,
	    { R(50), R(51), R(52), L(0), L(0) }, 0, true },
	{ "draining and stuck get nothing", 2, { D(0), K(0) }, -1, true },
	{ "draining and stuck do not count for servers max", 6,
	    { D(0), K(0), R(60), D(5), R(50), K(5) }, 4, true },
	{ "nobody has room", 4, { R(100), R(100), R(100), R(100) }, -1,
	    false },
	{ "above users max", 4, { R(101), R(200), R(100), R(100) }, -1,
	    false },
	{ "nobody has room, one more may start", 1, { R(100) }, -1, true },
	{ "a full channel is passed over", 3, { RF(0), R(5), R(6) }, 1,
	    false },
	{ "a full channel, the other above users min", 2, { RF(0), R(50) },
	    1, true },
	{ "full channels everywhere", 4, { RF(0), RF(1), RF(2), RF(3) }, -1,
	    false },
	{ "a full one counts as a server", 4, { RF(0), R(50), R(60), R(70) },
	    1, false },
	{ "full starting and leaving ones", 3, { SF(0), LF(0), L(1) }, 2,
	    false },
	{ "one awake is not enough", 3, { R(1), A(2), R(0) }, 2, false },
	{ "of enough that are awake, the least loaded", 3,
	    { R(1), A(4), A(3) }, 2, false },
	{ "the slack is used up", 3, { R(0), A(4), A(4) }, 0, false },
	{ "the last of the slack", 3, { R(0), A(4), A(3) }, 2, false },
	{ "users min goes before being awake", 3, { R(9), A(10), A(10) }, 0,
	    false },
	{ "above users min as well", 4, { R(50), A(52), A(60), R(50) }, 1,
	    false },
	{ "awake and without room", 3, { R(98), A(100), A(100) }, 0, true },
	{ "more than 32 bits of users", 2,
	    { R(UINT64_C(1) << 32), R(99) }, 1, true },
};

static void
test_rows(void **state)
{
	struct pool_choice c;
	const struct row *r;

	(void)state;
	for (r = rows; r < rows + nitems_of(rows); r++) {
		c = pool_pick(r->w, r->n, &limits);
		if (c.worker != r->worker || c.start != r->start)
			fail_msg("%s: worker %d start %d, want %d %d", r->what,
			    c.worker, c.start, r->worker, r->start);
	}
}

static void
test_one_server_one_user(void **state)
{
	const struct pool_limits one = { 1, 1, 1, 1, 1, 0, 0 };
	const struct pool_worker idle = R(0), busy = R(1);
	struct pool_choice c;

	(void)state;
	c = pool_pick(&idle, 1, &one);
	assert_int_equal(c.worker, 0);
	assert_false(c.start);
	c = pool_pick(&busy, 1, &one);
	assert_int_equal(c.worker, -1);
	assert_false(c.start);
}

static void
test_who_may_keep_its_source(void **state)
{
	const struct pool_worker good[] = { R(0), R(99), A(50), S(0), S(99) };
	const struct pool_worker bad[] = { R(100), RF(0), SF(0), L(0), D(0),
	    K(0), S(100) };
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(good); i++)
		assert_true(pool_takes(&good[i], &limits));
	for (i = 0; i < nitems_of(bad); i++)
		assert_false(pool_takes(&bad[i], &limits));
}

static void
test_missing(void **state)
{
	const struct pool_worker w[] = { R(0), S(0), L(0), D(0), K(0), RF(0) };
	struct pool_limits l = limits;

	(void)state;
	assert_int_equal(pool_missing(NULL, 0, &limits), 2);
	assert_int_equal(pool_missing(w, 1, &limits), 1);
	assert_int_equal(pool_missing(w, 2, &limits), 0);
	l.servers_min = 4;
	/* Those that leave, drain or hang are no servers. */
	assert_int_equal(pool_missing(w, 5, &l), 2);
	assert_int_equal(pool_missing(w, 6, &l), 1);
	l.servers_min = 1;
	assert_int_equal(pool_missing(w, 6, &l), 0);
}

/* --- who goes --- */

#define I(n)	{ .state = WORKER_READY, .idle = (n) }
#define B(n)	{ .state = WORKER_READY, .users = 1, .idle = (n) }
#define NEVER	0

static const struct leaver_row {
	const char		*what;
	unsigned		 min;
	uint64_t		 idle;
	size_t			 n;
	struct pool_worker	 w[4];
	int			 leaver;
} leaver_rows[] = {
	{ "nobody at all", 1, 60, 0, { R(0) }, -1 },
	{ "nobody wants to, nobody is idle", 1, 60, 3, { R(1), R(2), S(0) },
	    -1 },
	{ "nobody stands in for it", 1, 60, 1, { L(3) }, -1 },
	{ "the one that starts is not there yet", 1, 60, 2, { L(3), S(0) },
	    -1 },
	{ "it has come", 1, 60, 2, { L(3), R(0) }, 0 },
	{ "others are enough", 2, 60, 3, { R(1), L(3), R(1) }, 1 },
	{ "two leave, one has come: the first", 2, 60, 3,
	    { L(3), L(1), R(0) }, 0 },
	{ "two leave, nobody has come", 2, 60, 2, { L(3), L(1) }, -1 },
	{ "the drained and the stuck do not stand in", 1, 60, 4,
	    { L(3), D(0), K(0), S(0) }, -1 },
	{ "who leaves goes before who is idle", 1, 60, 3,
	    { I(99), L(0), I(99) }, 1 },
	{ "idle, and not needed: the last one", 1, 60, 3,
	    { I(60), I(99), I(60) }, 2 },
	{ "not idle for long enough", 1, 60, 2, { I(59), I(59) }, -1 },
	{ "one of them is", 1, 60, 3, { I(59), I(60), I(10) }, 1 },
	{ "needed", 2, 60, 2, { I(99), I(99) }, -1 },
	{ "the one that starts does not count", 1, 60, 2, { I(99), S(0) },
	    -1 },
	{ "busy again since the last look", 1, 60, 2, { B(99), B(99) }, -1 },
	{ "they never go", 1, NEVER, 3, { I(99), I(99), I(99) }, -1 },
	{ "but are replaced", 1, NEVER, 3, { I(99), I(99), L(9) }, 2 },
};

static void
test_leaver(void **state)
{
	const struct leaver_row *r;
	struct pool_limits l = limits;
	int got;

	(void)state;
	for (r = leaver_rows; r < leaver_rows + nitems_of(leaver_rows); r++) {
		l.servers_min = r->min;
		l.idle = r->idle;
		got = pool_leaver(r->w, r->n, &l);
		if (got != r->leaver)
			fail_msg("%s: %d, want %d", r->what, got, r->leaver);
	}
}

/* However many are idle, servers min of them stay. */
static void
test_leavers_end(void **state)
{
	struct pool_worker w[] = { I(99), I(99), L(2), I(99), L(1), S(0) };
	struct pool_limits l = limits;
	int i, gone = 0;

	(void)state;
	l.idle = 60;
	while ((i = pool_leaver(w, nitems_of(w), &l)) != -1) {
		w[i].state = WORKER_DRAINING;
		assert_true(++gone <= (int)nitems_of(w));
	}
	assert_int_equal(gone, 3);
	assert_int_equal(w[0].state, WORKER_READY);
	assert_int_equal(w[1].state, WORKER_READY);
}

/* Sessions that come one by one never start more than servers max, and fill
 * all of them before anybody is refused. */
static void
test_fills_up(void **state)
{
	struct pool_worker w[MOST] = { R(0), R(0) };
	struct pool_choice c;
	size_t n = 2;
	unsigned given, i;

	(void)state;
	for (given = 0;; given++) {
		c = pool_pick(w, n, &limits);
		if (c.start) {
			assert_true(n < limits.servers_max);
			w[n++] = (struct pool_worker)S(0);
		}
		if (c.worker == -1)
			break;
		assert_true(w[c.worker].users < limits.users_max);
		w[c.worker].users++;
		for (i = 0; given % 3 == 0 && i < n; i++)
			if (w[i].state == WORKER_STARTING)
				w[i].state = WORKER_READY;
	}
	assert_int_equal(n, limits.servers_max);
	assert_int_equal(given, limits.servers_max * limits.users_max);
}

/* --- the model --- */

/* How much a worker is wanted: lower is better, UINT64_MAX is never. */
static uint64_t
rank(const struct pool_worker *w, const struct pool_limits *l)
{
	static const uint64_t classes[] = {
		[WORKER_STARTING] = 2, [WORKER_READY] = 1, [WORKER_LEAVING] = 3
	};
	uint64_t class;

	if (w->full || w->users >= l->users_max ||
	    w->state == WORKER_DRAINING || w->state == WORKER_STUCK)
		return UINT64_MAX;
	class = w->state == WORKER_READY && w->users < l->users_min ? 0 :
	    classes[w->state];
	return class << 32 | w->users;
}

static void
model(const struct pool_worker *w, size_t n, const struct pool_limits *l,
    struct pool_choice *c)
{
	uint64_t best = UINT64_MAX, near = UINT64_MAX;
	unsigned servers = 0, starting = 0, awake = 0;
	size_t i;

	c->worker = -1;
	for (i = 0; i < n; i++) {
		awake += w[i].awake;
		if (rank(&w[i], l) < best) {
			best = rank(&w[i], l);
			c->worker = (int)i;
		}
		starting += w[i].state == WORKER_STARTING;
		servers += w[i].state <= WORKER_READY;
	}
	for (i = 0; i < n && awake >= l->wake; i++)
		if (w[i].awake && rank(&w[i], l) < near &&
		    rank(&w[i], l) >> 32 == best >> 32 &&
		    rank(&w[i], l) - best <= l->slack) {
			near = rank(&w[i], l);
			c->worker = (int)i;
		}
	c->start = best >> 32 != 0 && starting == 0 &&
	    servers < l->servers_max;
}

static void
test_random(void **state)
{
	struct pool_worker w[MOST];
	struct pool_choice got, want;
	struct pool_limits l;
	unsigned seed = arc4random(), round;
	size_t i, n;

	(void)state;
	srandom(seed);
	for (round = 0; round < ROUNDS; round++) {
		n = (size_t)random() % (MOST + 1);
		l.servers_min = 1 + (unsigned)random() % 3;
		l.servers_max = l.servers_min + (unsigned)random() % 4;
		l.users_min = 1 + (unsigned)random() % 4;
		l.users_max = l.users_min + (unsigned)random() % 4;
		l.wake = 1 + (unsigned)random() % 3;
		l.slack = (uint64_t)random() % 4;
		for (i = 0; i < n; i++) {
			w[i].state = (enum worker_state)(random() % 5);
			w[i].full = random() % 5 == 0;
			w[i].awake = random() % 3 == 0;
			w[i].users = (uint64_t)random() % 9;
		}
		got = pool_pick(w, n, &l);
		model(w, n, &l, &want);
		if (got.worker != want.worker || got.start != want.start)
			fail_msg("seed %u round %u: worker %d start %d, want "
			    "%d %d", seed, round, got.worker, got.start,
			    want.worker, want.start);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_one_server_one_user),
		cmocka_unit_test(test_who_may_keep_its_source),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_leaver),
		cmocka_unit_test(test_leavers_end),
		cmocka_unit_test(test_fills_up),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
