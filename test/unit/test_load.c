/*
 * test_load.c - the remotes by name: what a worker is told of all others. The
 * generations and workers are the test's own, their boards are real ones.
 */
#include "evtest.h"

#include "board.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/admin.h"
#include "proc/generation.h"
#include "proc/lease.h"
#include "proc/load.h"

#define WORKERS	3
#define MOST	100		/* sessions a worker */

struct master master;

static uint64_t			 now = 1000000;
static struct addr		 addr = { .sa.sa_family = AF_UNIX };
static struct conf_remote	 remotes[3];
static struct conf_relay	 relays[2] = {
	{ .name = "x", .remotes = remotes, .nremotes = 2 },
	{ .name = "y", .remotes = remotes, .nremotes = 2 },
};
static struct conf_remote	 others[] = {
	{ .name = "c", .addr = &addr, .naddr = 1 },
	{ .name = "a", .addr = &addr, .naddr = 1 }
};
static struct conf_relay	 other[] = {
	{ .name = "x", .remotes = others, .nremotes = 2 }
};
static struct conf		 conf = { .relays = relays, .nrelays = 2,
    .users_max = MOST };
static struct conf		 next = { .relays = other, .nrelays = 1,
    .users_max = MOST };
static struct generation	*gen, *newer;
static struct worker		*w[WORKERS];
static struct ev_timer		*watch;

uint64_t
ev_now(void)
{
	return now;
}

void
ev_timer_set(struct ev_timer *t, uint64_t delay_ms)
{
	t->at = now + delay_ms;
	t->slot = 1;
	watch = t;
}

bool
ev_timer_on(const struct ev_timer *t)
{
	return t->slot != 0;
}

void
mark(unsigned what)
{
	assert_int_equal(what, MARK_SEND);
}

static struct generation *
generation_make(struct conf *c)
{
	struct generation *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->conf = c;
	TAILQ_INIT(&g->workers);
	assert_int_equal(board_create(&g->board, c), 0);
	assert_int_equal(load_generation(g), 0);
	TAILQ_INSERT_TAIL(&master.gens, g, entry);
	return g;
}

static struct worker *
worker_make(struct generation *g, unsigned slot)
{
	struct worker *one = calloc(1, sizeof(*one));

	assert_non_null(one);
	one->gen = g;
	one->slot = slot;
	assert_int_equal(board_slot_make(&g->board, slot), 0);
	TAILQ_INSERT_TAIL(&g->workers, one, entry);
	assert_int_equal(load_worker(one), 0);
	return one;
}

static void
worker_end(struct worker *one)
{
	load_worker_gone(one);
	board_slot_free(&one->gen->board, one->slot);
	TAILQ_REMOVE(&one->gen->workers, one, entry);
	free(one);
}

static void
generation_end(struct generation *g)
{
	while (!TAILQ_EMPTY(&g->workers))
		worker_end(TAILQ_FIRST(&g->workers));
	load_generation_free(g);
	board_close(&g->board);
	TAILQ_REMOVE(&master.gens, g, entry);
	free(g);
}

/* Two workers of one generation, and one of the next, which has remote a of
 * relay x at another place. */
static int
setup(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < nitems_of(remotes); i++) {
		snprintf(remotes[i].name, sizeof(remotes[i].name), "%c",
		    'a' + (int)i);
		remotes[i].addr = &addr;
		remotes[i].naddr = 1;
	}
	TAILQ_INIT(&master.gens);
	gen = generation_make(&conf);
	newer = generation_make(&next);
	w[0] = worker_make(gen, 0);
	w[1] = worker_make(gen, 1);
	w[2] = worker_make(newer, 0);
	now += 1000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	while (!TAILQ_EMPTY(&master.gens))
		generation_end(TAILQ_FIRST(&master.gens));
	return 0;
}

static struct board_place *
says(const struct worker *one, unsigned remote)
{
	struct board_worker *b = board_slot(&one->gen->board, one->slot);

	board_news_add(&b->news, remote);
	return &b->places[remote];
}

static const struct board_other *
told(const struct worker *one, unsigned remote)
{
	return &board_told(&one->gen->board, one->slot)->places[remote];
}

static unsigned
sessions(const struct worker *one, unsigned remote)
{
	return atomic_load(&told(one, remote)->sessions);
}

static void
test_others(void **state)
{
	(void)state;
	atomic_store(&says(w[0], 0)->active, 5);
	atomic_store(&says(w[1], 0)->active, 7);
	atomic_store(&says(w[2], 1)->active, 30);
	load_tell();
	assert_int_equal(sessions(w[0], 0), 37);
	assert_int_equal(sessions(w[1], 0), 35);
	assert_int_equal(sessions(w[2], 1), 12);
	/* Of the same name, in another relay; and another one. */
	assert_int_equal(sessions(w[0], 2), 0);
	assert_int_equal(sessions(w[2], 0), 0);
	/* Once a millisecond. */
	atomic_store(&says(w[0], 0)->active, 0);
	load_tell();
	assert_int_equal(sessions(w[1], 0), 35);
	now++;
	load_tell();
	assert_int_equal(sessions(w[1], 0), 30);
	assert_int_equal(sessions(w[0], 0), 37);
}

/* Nobody is told of what has not changed, nor of what is its own. */
static void
test_only_news(void **state)
{
	const struct board_news *news =
	    &board_told(&gen->board, 0)->news;
	uint64_t pos = board_get(&news->n);

	(void)state;
	atomic_store(&says(w[0], 0)->active, 5);
	atomic_store(&says(w[1], 1)->active, 5);
	load_tell();
	assert_int_equal(board_news_next(news, &pos), 1);
	assert_int_equal(board_news_next(news, &pos), BOARD_NONE);
	now++;
	says(w[1], 0);
	load_tell();
	assert_int_equal(board_news_next(news, &pos), BOARD_NONE);
}

static void
test_born_and_dead(void **state)
{
	struct worker *late;

	(void)state;
	atomic_store(&says(w[0], 1)->active, 5);
	atomic_store(&says(w[1], 1)->active, 6);
	atomic_store(&says(w[1], 1)->outcome, now << 8 | 3);
	late = worker_make(gen, 2);
	assert_int_equal(sessions(late, 1), 11);
	assert_true(board_get(&told(late, 1)->outcome) == (now << 8 | 3));
	worker_end(w[1]);
	load_tell();
	assert_int_equal(sessions(late, 1), 5);
	worker_end(w[0]);
	now++;
	load_tell();
	assert_int_equal(sessions(late, 1), 0);
	assert_true(board_get(&told(late, 1)->outcome) >> 8 < now);
}

/* A generation that is new knows what has been found out before. */
static void
test_outcomes(void **state)
{
	(void)state;
	atomic_store(&says(w[0], 0)->outcome, now << 8 | 2);
	load_tell();
	assert_true(board_get(&told(w[1], 0)->outcome) == (now << 8 | 2));
	assert_true(board_get(&told(w[2], 1)->outcome) == (now << 8 | 2));
	/* An older one, and a newer one. */
	now++;
	atomic_store(&says(w[1], 0)->outcome, (now - 5) << 8 | 7);
	load_tell();
	assert_true(board_get(&told(w[2], 1)->outcome) == ((now - 1) << 8 | 2));
	now++;
	atomic_store(&says(w[2], 1)->outcome, now << 8);
	load_tell();
	assert_true(board_get(&told(w[0], 0)->outcome) == now << 8);
	/* The next life of the same board begins with what is known. */
	generation_end(newer);
	newer = generation_make(&next);
	w[2] = worker_make(newer, 0);
	assert_true(board_get(&told(w[2], 1)->outcome) == now << 8);
}

/* What has been done is kept by name, when all who did it are gone. */
static void
test_totals(void **state)
{
	const struct total *t = gen->places[1].total;
	uint64_t before = t->past.sessions;

	(void)state;
	board_add(&says(w[0], 1)->sessions, 3);
	board_add(&says(w[1], 1)->sessions, 4);
	worker_end(w[0]);
	worker_end(w[1]);
	assert_true(t->past.sessions == before + 7);
	assert_string_equal(t->remote, "b");
	assert_ptr_equal(newer->places[1].total, gen->places[0].total);
}

/* How many lines are saved, and how many have this in them. */
static unsigned
saved(const char *part, unsigned *with)
{
	char *text, *line, *rest;
	unsigned n = 0;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	load_save(f);
	fclose(f);
	*with = 0;
	for (rest = text; (line = strsep(&rest, "\n")) && rest != NULL; n++)
		*with += strstr(line, part) != NULL;
	free(text);
	return n;
}

/* A name stays when no generation has it, with what was done there: it may
 * come back. But not those of all time. */
static void
test_names_stay(void **state)
{
	unsigned i, with;
	char line[80];

	(void)state;
	assert_int_equal(saved(" a ", &with), 5);
	for (i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "total old r%u 7 0 0 0 0 0 0 0 0 "
		    "10.0.0.1:%u", i, i + 1);
		assert_true(load_take(line));
	}
	assert_int_equal(saved(" old ", &with), 1005);
	assert_int_equal(with, 1000);
	generation_end(newer);
	assert_int_equal(saved(" old r0 7 ", &with), 1004);
	assert_int_equal(with, 0);
	generation_end(gen);
	assert_int_equal(saved(" old r999 7 ", &with), 1000);
	assert_int_equal(with, 1);
	newer = generation_make(&next);
	assert_int_equal(saved(" old r999 7 ", &with), 1000);
	now++;
	load_tell();
}

/* A worker that lies is believed what it could have. */
static void
test_lies(void **state)
{
	struct board_worker *b = board_slot(&gen->board, 0);
	unsigned i;

	(void)state;
	atomic_store(&says(w[0], 0)->active, UINT32_MAX);
	atomic_store(&says(w[0], 0)->outcome, UINT64_MAX);
	load_tell();
	assert_int_equal(sessions(w[2], 1), MOST);
	assert_true(board_get(&told(w[2], 1)->outcome) == (now << 8 | 0xff));
	/* Of remotes that there are not, and without an end. */
	for (i = 0; i < 10; i++) {
		now++;
		says(w[0], 3);
		board_news_add(&b->news, 4 + i * 100000000);
		if (i == 5)
			atomic_store(&b->news.n, UINT64_MAX - 1);
		load_tell();
	}
	atomic_store(&says(w[0], 0)->active, 0);
	now++;
	load_tell();
	assert_int_equal(sessions(w[2], 1), 0);
}

/* As long as somebody waits, in the old generation too, all are told without
 * any session that is handed over. */
static void
test_who_waits_is_told(void **state)
{
	int i;

	(void)state;
	gen->old = true;
	load_watch();
	atomic_store(&board_slot(&gen->board, 0)->waiting, 1);
	for (i = 0; i < 3; i++) {
		atomic_store(&says(w[2], 1)->active, 3 + i);
		now = watch->at;
		watch->slot = 0;
		watch->cb(watch);
		assert_int_equal(sessions(w[0], 0), 3 + i);
		assert_true(ev_timer_on(watch));
	}
	assert_int_equal(sessions(w[1], 0), 0);
	atomic_store(&board_slot(&gen->board, 0)->waiting, 0);
	now = watch->at;
	watch->slot = 0;
	watch->cb(watch);
	assert_false(ev_timer_on(watch));
}

static struct sockaddr_in
address(const char *ip)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_port = htons(80);
	assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	return in;
}

/* What the operator sets is known to those who are there, to those who come,
 * and at all places of the remote; and over an upgrade. */
static void
test_admin(void **state)
{
	const uint32_t drain = BOARD_ADMIN(STATE_DRAIN, 0);
	struct worker *late;
	char *text, *line;
	size_t len;
	FILE *f;

	(void)state;
	assert_int_equal(admin_set("x", "a", drain), 0);
	load_admin("x", "a", drain);
	gen->old = true;
	assert_int_equal(atomic_load(&told(w[0], 0)->admin), drain);
	assert_int_equal(atomic_load(&told(w[2], 1)->admin), drain);
	assert_int_equal(atomic_load(&told(w[0], 2)->admin), 0);
	late = worker_make(newer, 1);
	assert_int_equal(atomic_load(&told(late, 1)->admin), drain);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	admin_save(f);
	fclose(f);
	assert_non_null(line = strchr(text, '\n'));
	*line = '\0';
	admin_set("x", "a", 0);
	assert_null(admin_first());
	assert_true(admin_take(text));
	free(text);
	assert_int_equal(admin_of("x", "a"), drain);
	admin_set("x", "a", 0);
	load_admin("x", "a", 0);
	assert_int_equal(atomic_load(&told(late, 1)->admin), 0);
}

/* The checker finds that a name has another address: what is open there now
 * counts for that, and what others have there is told. */
static void
test_address_changes(void **state)
{
	struct sockaddr_in in = address("10.0.0.7");
	struct target t = { .present = 1 };

	(void)state;
	assert_int_equal(targets_create(&gen->targets, &conf), 0);
	atomic_store(&says(w[0], 0)->active, 5);
	atomic_store(&says(w[2], 1)->active, 2);
	load_tell();
	assert_int_equal(sessions(w[1], 0), 7);
	source_set(&t.addr, (struct sockaddr *)&in);
	target_set(&gen->targets, 0, &t);
	now++;
	load_tell();
	assert_string_equal(gen->places[0].total->addr, "10.0.0.7:80");
	assert_int_equal(sessions(w[1], 0), 5);
	assert_int_equal(sessions(w[2], 1), 0);
	targets_close(&gen->targets);
}

/* --- leases --- */

#define PLACE(one)	((one)->gen == gen ? 0u : 1u)	/* of the same name */

static void
limits_make(unsigned older, unsigned newest)
{
	generation_end(newer);
	generation_end(gen);
	remotes[0].max_sessions = older;
	others[1].max_sessions = newest;
	gen = generation_make(&conf);
	newer = generation_make(&next);
	newer->number = 1;
	w[0] = worker_make(gen, 0);
	w[1] = worker_make(gen, 1);
	w[2] = worker_make(newer, 0);
}

static void
limits_unmake(void)
{
	remotes[0].max_sessions = others[1].max_sessions = 0;
}

static board_u64 *
claim_of(const struct worker *one)
{
	return &board_slot(&one->gen->board, one->slot)->places[
	    PLACE(one)].claim;
}

static uint32_t
leases(const struct worker *one)
{
	return atomic_load(&told(one, PLACE(one))->leases) -
	    BOARD_CLAIM_BACK(board_get(claim_of(one)));
}

/* As a worker does it: what it does not need goes back at once. */
static void
needs(struct worker *one, uint32_t need, bool said)
{
	const uint32_t has = leases(one);
	uint32_t back = BOARD_CLAIM_BACK(board_get(claim_of(one)));

	if (has > need)
		back += has - need;
	atomic_store(claim_of(one), BOARD_CLAIM(back, need));
	if (said)
		lease_claim(one, PLACE(one));
}

static uint32_t
leases_out(void)
{
	uint32_t n = 0;
	unsigned i;

	for (i = 0; i < WORKERS; i++)
		if (w[i] != NULL)
			n += leases(w[i]);
	return n;
}

/* By turns among those who want some, over both generations; who gives back
 * without a word is seen when somebody asks. */
static void
test_leases(void **state)
{
	(void)state;
	limits_make(9, 3);
	needs(w[0], 5, true);
	assert_int_equal(leases(w[0]), 3);
	assert_true(w[0]->lease_due);
	assert_int_equal(atomic_load(&told(w[2], 1)->wanted), 1);
	needs(w[1], 5, true);
	needs(w[2], 5, true);
	needs(w[0], 0, true);
	assert_int_equal(leases(w[1]), 2);
	assert_int_equal(leases(w[2]), 1);
	needs(w[2], 1, true);
	needs(w[1], 2, true);
	assert_int_equal(atomic_load(&told(w[2], 1)->wanted), 0);
	needs(w[1], 0, false);
	needs(w[0], 2, true);
	assert_int_equal(leases(w[0]), 2);
	assert_false(lease_look());
	/* A message that was lost. */
	needs(w[1], 1, true);
	assert_int_equal(leases(w[1]), 0);
	needs(w[0], 1, false);
	assert_false(lease_look());
	assert_int_equal(leases(w[1]), 1);
	/* Its end gives all back, and the next in its slot begins with none. */
	worker_end(w[0]);
	worker_end(w[1]);
	w[0] = worker_make(gen, 0);
	assert_int_equal(leases(w[0]), 0);
	needs(w[2], 9, true);
	assert_int_equal(leases(w[2]), 3);
	limits_unmake();
}

/* One that gives back more than it has gets no more, and no other gets what it
 * has; one that wants more than it can use, what it could use. */
static void
test_leases_of_liars(void **state)
{
	(void)state;
	limits_make(3, 3);
	needs(w[0], 1, true);
	atomic_store(claim_of(w[0]), BOARD_CLAIM(7, 9));
	lease_claim(w[0], 0);
	lease_claim(w[0], 1000000);
	lease_claim(w[0], 1);
	atomic_store(&board_slot(&gen->board, 0)->places[1].claim, UINT64_MAX);
	lease_claim(w[0], 1);
	needs(w[1], 9, true);
	assert_int_equal(leases(w[1]), 2);
	worker_end(w[0]);
	w[0] = NULL;
	assert_int_equal(leases(w[1]), 3);
	limits_make(0, 0);
	limits_make(1000000, 1000000);
	needs(w[0], UINT32_MAX, true);
	assert_in_range(leases(w[0]), MOST, MOST + 8);
	limits_unmake();
}

/* Sessions of a generation that had no limit count against one that has. */
static void
test_leases_beside_others(void **state)
{
	(void)state;
	limits_make(0, 3);
	atomic_store(&says(w[0], 0)->active, 2);
	now++;
	load_tell();
	needs(w[2], 3, true);
	assert_int_equal(leases(w[2]), 1);
	atomic_store(&says(w[0], 0)->active, 0);
	now++;
	load_tell();
	assert_false(lease_look());
	assert_int_equal(leases(w[2]), 3);
	limits_unmake();
}

/* Anything in any order: never more than the limit, and nobody waits while
 * there is one left. */
static void
test_leases_at_random(void **state)
{
	unsigned i, turn;

	(void)state;
	limits_make(7, 5);
	for (turn = 0; turn < 20000; turn++) {
		i = arc4random_uniform(WORKERS);
		switch (arc4random_uniform(20)) {
		case 0:
			worker_end(w[i]);
			w[i] = worker_make(i < 2 ? gen : newer, i % 2);
			break;
		default:
			needs(w[i], arc4random_uniform(6),
			    arc4random_uniform(4) != 0);
		}
		assert_in_range(leases_out(), 0, 5);
		if (lease_look())
			assert_int_equal(leases_out(), 5);
	}
	limits_unmake();
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_others),
		T(test_only_news),
		T(test_born_and_dead),
		T(test_outcomes),
		T(test_totals),
		T(test_names_stay),
		T(test_lies),
		T(test_who_waits_is_told),
		T(test_admin),
		T(test_address_changes),
		T(test_leases),
		T(test_leases_of_liars),
		T(test_leases_beside_others),
		T(test_leases_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
