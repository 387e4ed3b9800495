/*
 * test_seat.c - what sessions are counted in is given back once: by a worker
 * that tells of their ends, by one that lies, by one that dies, and over an
 * upgrade.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "accept/gate.h"
#include "accept/limit.h"
#include "ev.h"
#include "mark.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/seat.h"

#define MOST	8		/* sessions a worker */
#define ROUNDS	20000

struct master master;

static struct acl_rule		 rule = { .family = AF_INET, .permit = true };
static struct conf_listen	 listens[2] = {
	{ .name = "a", .tls = CONF_NOREF, .source_sessions = 1000,
	    .source_prefix = 32, .proxy_from = { &rule, 1 } },
	{ .name = "b", .tls = CONF_NOREF, .reserve = 5 }
};
static struct conf		 conf = { .listens = listens, .nlistens = 2,
	.users_max = MOST };
static struct generation	*gen;
static struct worker		 worker;
static struct board		 its;	/* what the worker has of the board */

uint64_t
ev_now_us(void)
{
	return 1000000;
}

void
mark(unsigned what)
{
	(void)what;
}

static int
setup(void **state)
{
	(void)state;
	TAILQ_INIT(&master.gens);
	gen = calloc(1, sizeof(*gen));
	if (gen == NULL)
		return -1;
	TAILQ_INIT(&gen->workers);
	gen->conf = &conf;
	if ((gen->gates = gate_new(&conf)) == NULL ||
	    board_create(&gen->board, &conf) == -1)
		return -1;
	TAILQ_INSERT_TAIL(&master.gens, gen, entry);
	memset(&worker, 0, sizeof(worker));
	worker.gen = gen;
	TAILQ_INSERT_TAIL(&gen->workers, &worker, entry);
	if (board_slot_make(&gen->board, 0) == -1 ||
	    seat_worker(&worker) == -1)
		return -1;
	its = gen->board;
	its.own = board_slot(&gen->board, 0);
	return 0;
}

static uint32_t
counted(unsigned listener)
{
	return gen->gates->of[listener].quota->tally.open;
}

static int
teardown(void **state)
{
	uint32_t left;

	(void)state;
	seat_gone(&worker);
	left = counted(0) + counted(1) + gen->gates->of[0].open +
	    gen->gates->of[1].open;
	board_close(&gen->board);
	gate_free(&gen->gates);
	free(gen);
	return left == 0 ? 0 : -1;
}

static uint32_t
sit(unsigned listener, uint8_t ip)
{
	const struct source s = { .family = AF_INET, .ip = { ip } };
	struct tally *t = limit_begin(gen->gates->of[listener].quota);
	uint32_t seat;

	assert_int_equal(limit_source(&t, &listens[listener], &s), LIMIT_NONE);
	worker.sent++;
	seat = seat_take(&worker, t, listener);
	assert_true(seat % (1 << 20) < MOST);
	return seat;
}

static void
test_ends_in_any_order(void **state)
{
	uint32_t seat[MOST];
	unsigned i, round;

	(void)state;
	for (round = 0; round < 100; round++) {
		for (i = 0; i < MOST; i++)
			seat[i] = sit(i % 2, (uint8_t)(i / 3));
		assert_int_equal(seat_users(&worker), MOST);
		assert_int_equal(counted(0), MOST / 2);
		/* All of them, between two looks. */
		for (i = 0; i < MOST; i++)
			board_close_session(&its, seat[i * 3 % MOST]);
		assert_int_equal(counted(0), MOST / 2);
		assert_true(seat_look(&worker));
		assert_int_equal(counted(0) + counted(1), 0);
		assert_int_equal(seat_users(&worker), 0);
	}
}

/* A model of who has what, with looks at any time. */
static void
test_random(void **state)
{
	uint32_t seat[MOST];
	unsigned n = 0, ended = 0, round, i;

	(void)state;
	srandom(1);
	for (round = 0; round < ROUNDS; round++) {
		if (n + ended < MOST && random() % 2 == 0)
			seat[n++] = sit(0, (uint8_t)(random() % 3));
		else if (n > 0 && random() % 2 == 0) {
			i = (unsigned)random() % n;
			board_close_session(&its, seat[i]);
			seat[i] = seat[--n];
			ended++;
		}
		assert_int_equal(counted(0), n + ended);
		if (random() % 4 != 0)
			continue;
		assert_true(seat_look(&worker));
		ended = 0;
		assert_int_equal(counted(0), n);
	}
}

static void
test_a_liar(void **state)
{
	uint32_t seat = sit(0, 1);

	(void)state;
	sit(0, 2);
	board_close_session(&its, seat + 1 + MOST);	/* there is none */
	assert_false(seat_look(&worker));
	assert_int_equal(counted(0), 2);
	atomic_store(&its.own->closed, 0);
	board_close_session(&its, seat);
	board_close_session(&its, seat);	/* it had that before */
	assert_false(seat_look(&worker));
	assert_int_equal(counted(0), 1);
}

/* More than it was sent: what is read is no more than that. */
static void
test_claims_beyond_all(void **state)
{
	(void)state;
	sit(0, 1);
	atomic_store(&its.own->closed, UINT64_MAX);
	seat_look(&worker);
	assert_true(counted(0) <= 1);
}

static void
test_what_is_not_taken_comes_back(void **state)
{
	uint32_t seat = sit(0, 1), other = sit(1, 1);
	struct tally *t;

	(void)state;
	assert_non_null(t = seat_back(&worker, seat));
	worker.sent--;
	assert_int_equal(counted(0), 1);	/* the caller's now */
	assert_null(seat_back(&worker, seat));
	assert_null(seat_back(&worker, MOST));
	limit_end(t);
	assert_int_equal(counted(0), 0);
	board_close_session(&its, other);
	assert_true(seat_look(&worker));
}

static bool
named(uint32_t seat, uint8_t ip, enum limit want)
{
	const struct proto_named n = { .seat = seat,
	    .client = { .family = AF_INET, .ip = { ip } } };
	struct proto_verdict v;

	assert_string_equal(limit_name(seat_named(&worker, &n)),
	    limit_name(want));
	if (!seat_verdict(&worker, &v))
		return false;
	assert_int_equal(v.seat, seat);
	assert_int_equal(v.permitted, want == LIMIT_NONE);
	return true;
}

/* Counted as of the source that is named, once; and answered once. */
static void
test_sources_that_are_named(void **state)
{
	struct proto_verdict v;
	uint32_t seat[3];
	unsigned i;

	(void)state;
	listens[0].source_sessions = 2;
	for (i = 0; i < nitems_of(seat); i++) {
		worker.sent++;
		seat[i] = seat_take(&worker,
		    limit_begin(gen->gates->of[0].quota), 0);
		assert_int_equal(seat_listener(&worker, seat[i]), 0);
	}
	for (i = 0; i < 2; i++) {
		assert_true(named(seat[i], 7, LIMIT_NONE));
		seat_told(&worker);
	}
	assert_true(named(seat[2], 7, LIMIT_SOURCE_SESSIONS));
	seat_told(&worker);
	assert_false(named(seat[2], 8, LIMIT_NONE));	/* again */
	assert_false(named(MOST, 8, LIMIT_NONE));
	assert_int_equal(counted(0), 3);
	board_close_session(&its, seat[2]);
	board_close_session(&its, seat[0]);
	assert_true(seat_look(&worker));
	/* What it says of one that has ended is not of the next in its seat. */
	assert_false(named(seat[0], 7, LIMIT_NONE));
	seat[2] = seat[0];
	worker.sent++;
	seat[0] = seat_take(&worker,
	    limit_begin(gen->gates->of[0].quota), 0);
	assert_int_not_equal(seat[0], seat[2]);
	assert_false(named(seat[2], 7, LIMIT_NONE));
	/* What is due to one that has ended is not due any more. */
	assert_true(named(seat[0], 7, LIMIT_NONE));
	board_close_session(&its, seat[0]);
	assert_true(seat_look(&worker));
	assert_false(seat_verdict(&worker, &v));
	listens[0].source_sessions = 1000;
}

static void
test_the_dead_give_all_back(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < MOST; i++)
		sit(i % 2, (uint8_t)i);
	seat_gone(&worker);
	assert_int_equal(counted(0) + counted(1), 0);
	assert_null(worker.seats);
	/* Where nothing is counted there are no seats. */
	seat_take(&worker, limit_begin(gen->gates->of[0].quota), 0);
	assert_int_equal(counted(0), 0);
}

/* Of the pool's room they are no part any more, and count on. */
static void
test_one_that_leaves_the_pool(void **state)
{
	const struct gates *g = gen->gates;
	uint32_t seat = sit(1, 1);

	(void)state;
	sit(1, 1);
	assert_int_equal(g->unfilled, 3);
	assert_true(gate_reserved(g, 0, 3));
	assert_false(gate_reserved(g, 0, 4));
	assert_false(gate_reserved(g, 1, 3));
	seat_leave(&worker);
	seat_leave(&worker);
	assert_int_equal(g->unfilled, 5);
	assert_int_equal(counted(1), 2);
	board_close_session(&its, seat);
	assert_true(seat_look(&worker));
	assert_int_equal(g->unfilled, 5);
	assert_int_equal(counted(1), 1);
}

static void
test_over_an_upgrade(void **state)
{
	uint32_t seat[MOST];
	char *text, *next, *line;
	unsigned i;
	size_t size;
	FILE *f;

	(void)state;
	for (i = 0; i < MOST; i++)
		seat[i] = sit(i % 2, (uint8_t)(i / 3));
	board_close_session(&its, seat[1]);
	board_close_session(&its, seat[4]);
	assert_true(seat_look(&worker));
	board_close_session(&its, seat[7]);	/* and nobody looks */
	assert_non_null(f = open_memstream(&text, &size));
	limit_save(f);
	seat_save(f, &worker);
	assert_int_equal(fclose(f), 0);
	seat_gone(&worker);
	gate_free(&gen->gates);
	for (next = text; (line = strsep(&next, "\n")) != NULL && *line;) {
		if (strncmp(line, "seat", strlen("seat")) != 0) {
			assert_true(limit_take(line));
			continue;
		}
		if (gen->gates == NULL)
			assert_non_null(gen->gates = gate_new(&conf));
		assert_true(seat_take_up(line));
	}
	limit_taken();
	free(text);
	assert_int_equal(counted(0), MOST / 2 - 1);
	assert_int_equal(counted(1), MOST / 2 - 1);
	assert_int_equal(gen->gates->unfilled, 2);
	assert_true(seat_look(&worker));
	assert_int_equal(counted(1), MOST / 2 - 2);
	/* Seats that were free are, and those that were not are theirs. */
	for (i = 0; i < 3; i++)
		sit(0, 9);
	board_close_session(&its, seat[0]);
	assert_true(seat_look(&worker));
	assert_false(seat_take_up("seat 0 0 0 0"));
	assert_false(seat_take_up("seats 0 0"));
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_ends_in_any_order),
		T(test_random),
		T(test_a_liar),
		T(test_claims_beyond_all),
		T(test_what_is_not_taken_comes_back),
		T(test_sources_that_are_named),
		T(test_the_dead_give_all_back),
		T(test_one_that_leaves_the_pool),
		T(test_over_an_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
