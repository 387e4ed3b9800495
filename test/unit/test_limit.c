/*
 * test_limit.c - sessions of listeners and sources, counted; rates by a clock
 * of its own; and floods of sources, that change nothing for the others.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "accept/limit.h"
#include "accept/sticky.h"
#include "ev.h"

#define MS		UINT64_C(1000)	/* us */
#define FLOOD		2000000		/* sources */

static uint64_t		 now;		/* us */
static struct conf_listen conf;

uint64_t
ev_now_us(void)
{
	return now;
}

static struct source
v4(uint32_t ip)
{
	struct source s = { .family = AF_INET, .port = 1 };

	s.ip[0] = ip >> 24;
	s.ip[1] = ip >> 16 & 0xff;
	s.ip[2] = ip >> 8 & 0xff;
	s.ip[3] = ip & 0xff;
	return s;
}

static struct quota *
listener(unsigned sessions, unsigned rate, unsigned burst)
{
	struct quota *q;

	now += UINT64_C(1000000) * 86400;
	memset(&conf, 0, sizeof(conf));
	strlcpy(conf.name, "web", sizeof(conf.name));
	conf.source_prefix = 32;
	conf.source_prefix6 = 64;
	conf.source_sessions = sessions;
	conf.source_rate = rate;
	conf.source_burst = burst;
	assert_non_null(q = limit_quota(&conf));
	return q;
}

/* NULL: over the limit that it has to be over. */
static struct tally *
begin(struct quota *q, struct source s, enum limit want)
{
	struct tally *t = limit_begin(q);
	enum limit over = limit_source(&t, &conf, &s);

	assert_string_equal(limit_name(over), limit_name(want));
	if (over == LIMIT_NONE)
		return t;
	limit_end(t);
	return NULL;
}

static void
test_sessions_of_a_listener(void **state)
{
	struct quota *q = listener(0, 0, 0), *again;
	struct tally *a, *b;

	(void)state;
	conf.max_sessions = 2;
	assert_false(limit_full(q, &conf));
	a = begin(q, v4(1), LIMIT_NONE);
	b = begin(q, v4(1), LIMIT_NONE);
	assert_true(limit_full(q, &conf));
	/* Another generation has the same, and the first one goes. */
	assert_non_null(again = limit_quota(&conf));
	assert_ptr_equal(again, q);
	limit_quota_over(&q);
	assert_null(q);
	assert_true(limit_full(again, &conf));
	limit_end(a);
	assert_false(limit_full(again, &conf));
	/* It stays as long as there are sessions. */
	q = again;
	limit_quota_over(&again);
	assert_int_equal(q->tally.open, 1);
	assert_ptr_equal(limit_quota(&conf), q);
	limit_quota_over(&again);
	limit_end(b);
	limit_end(NULL);
	assert_int_equal(q->tally.open, 0);
	limit_quota_over(&q);
}

static void
test_sessions_of_a_source(void **state)
{
	struct quota *q = listener(2, 0, 0);
	struct tally *a, *b, *other;
	struct source unknown = { .family = AF_UNIX };

	(void)state;
	a = begin(q, v4(7), LIMIT_NONE);
	b = begin(q, v4(7), LIMIT_NONE);
	assert_ptr_equal(a, b);
	begin(q, v4(7), LIMIT_SOURCE_SESSIONS);
	other = begin(q, v4(8), LIMIT_NONE);
	assert_int_equal(q->tally.open, 3);
	limit_end(a);
	a = begin(q, v4(7), LIMIT_NONE);
	begin(q, v4(7), LIMIT_SOURCE_SESSIONS);
	limit_end(a);
	limit_end(b);
	limit_end(other);
	/* Who has no address is no source. */
	assert_ptr_equal(begin(q, unknown, LIMIT_NONE), &q->tally);
	limit_end(&q->tally);
	assert_int_equal(q->tally.open, 0);
	limit_quota_over(&q);
}

static void
test_prefix(void **state)
{
	struct quota *q = listener(1, 0, 0);
	struct source s = { .family = AF_INET6, .ip = { 0x20, 1 } };
	struct tally *t[4];
	unsigned i;

	(void)state;
	t[0] = begin(q, s, LIMIT_NONE);
	s.ip[8] = 0x80;
	begin(q, s, LIMIT_SOURCE_SESSIONS);
	s.ip[7] = 1;
	t[1] = begin(q, s, LIMIT_NONE);
	conf.source_prefix = 9;
	t[2] = begin(q, v4(0x0a7fffff), LIMIT_NONE);
	begin(q, v4(0x0a000000), LIMIT_SOURCE_SESSIONS);
	t[3] = begin(q, v4(0x0a800000), LIMIT_NONE);
	for (i = 0; i < nitems_of(t); i++)
		limit_end(t[i]);
	limit_quota_over(&q);
}

static void
test_rate(void **state)
{
	struct quota *q = listener(0, 10, 3);
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		limit_end(begin(q, v4(7), LIMIT_NONE));
	limit_end(begin(q, v4(7), LIMIT_SOURCE_RATE));
	limit_end(begin(q, v4(8), LIMIT_NONE));
	/* Those that are refused cost nothing. */
	for (i = 0; i < 100; i++)
		limit_end(begin(q, v4(7), LIMIT_SOURCE_RATE));
	/* Nor do those that find no room. */
	for (i = 0; i < 100; i++)
		limit_undo(begin(q, v4(9), LIMIT_NONE), &conf);
	now += 100 * MS - 1;
	limit_end(begin(q, v4(7), LIMIT_SOURCE_RATE));
	now += 1;
	limit_end(begin(q, v4(7), LIMIT_NONE));
	limit_end(begin(q, v4(7), LIMIT_SOURCE_RATE));
	/* The burst comes back, and not more than that. */
	now += 3600 * 1000 * MS;
	for (i = 0; i < 3; i++)
		limit_end(begin(q, v4(7), LIMIT_NONE));
	limit_end(begin(q, v4(7), LIMIT_SOURCE_RATE));
	limit_quota_over(&q);
}

/* In the long run exactly that, with no burst given. */
static void
test_rate_is_kept(void **state)
{
	struct quota *q = listener(0, 300, 0);
	unsigned i, good = 0;
	struct tally *t;
	struct source s = v4(7);

	(void)state;
	for (i = 0; i < 100 * 1000; i++, now += MS) {
		t = limit_begin(q);
		good += limit_source(&t, &conf, &s) == LIMIT_NONE;
		limit_end(t);
	}
	assert_in_range(good, 300 * 100 + 299, 300 * 100 + 301);
	limit_quota_over(&q);
}

/* What was owed by another configuration is not owed for ever. */
static void
test_rate_that_changes(void **state)
{
	struct quota *q = listener(0, 1, 1000);
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++)
		limit_end(begin(q, v4(7), LIMIT_NONE));
	conf.source_rate = 10;
	conf.source_burst = 2;
	limit_end(begin(q, v4(7), LIMIT_SOURCE_RATE));
	now += 100 * MS;
	limit_end(begin(q, v4(7), LIMIT_NONE));
	limit_quota_over(&q);
}

/*
 * Two million sources come, once each, and one that is over its rate tries all
 * the time. What is known of it stays, and it gets no more than its rate.
 */
static void
test_a_flood_of_sources(void **state)
{
	struct quota *q = listener(0, 1, 5);
	struct tally *t;
	struct source bad = v4(7);
	unsigned i, good = 0;
	uint64_t since;

	(void)state;
	since = now;
	for (i = 0; i < FLOOD; i++) {
		limit_end(begin(q, v4(0x0b000000 + i), LIMIT_NONE));
		if (i % 16 == 0) {
			t = limit_begin(q);
			good += limit_source(&t, &conf, &bad) == LIMIT_NONE;
			limit_end(t);
		}
		now += 10;	/* 100,000 a second */
	}
	assert_in_range(good, 4 + (now - since) / 1000000,
	    5 + (now - since) / 1000000);
	limit_quota_over(&q);
}

/* Those that have sessions are counted, however many there are. */
static void
test_many_open(void **state)
{
	enum { MANY = 200000 };
	struct quota *q = listener(1, 1000, 0);
	struct tally **t = calloc(MANY, sizeof(struct tally *));
	unsigned i;

	(void)state;
	assert_non_null(t);
	for (i = 0; i < MANY; i++)
		t[i] = begin(q, v4(i), LIMIT_NONE);
	for (i = 0; i < MANY; i++)
		begin(q, v4(i), LIMIT_SOURCE_SESSIONS);
	assert_int_equal(q->tally.open, MANY);
	for (i = 0; i < MANY; i++)
		limit_end(t[i]);
	assert_int_equal(q->tally.open, 0);
	now += 1000 * MS;
	for (i = 0; i < MANY; i++)
		limit_end(begin(q, v4(i), LIMIT_NONE));
	free(t);
	limit_quota_over(&q);
}

/* What is known: bounded, and the fullest bucket goes first. */
static void
test_what_is_forgotten_first(void **state)
{
	struct sources s;
	struct source_key key;
	struct source from;
	struct known *k;
	unsigned i;

	(void)state;
	assert_int_equal(sources_init(&s, 100), 0);
	for (i = 0; i < 1000; i++) {
		from = v4(i);
		assert_true(sources_key(&key, &from, 1, 32, 64));
		assert_null(sources_find(&s, &key));
		assert_non_null(k = sources_add(&s, &key, sizeof(*k)));
		/* 7 and 1 fall together for no i below 1000. */
		sources_idle(&s, k, 1000 + i * 7 % 1000, 5);
		assert_true(s.n <= 100 && s.nidle == s.n);
	}
	for (i = 0; i < 1000; i++) {
		from = v4(i);
		assert_true(sources_key(&key, &from, 1, 32, 64));
		k = sources_find(&s, &key);
		assert_int_equal(k != NULL, i * 7 % 1000 >= 900);
		if (k == NULL)
			continue;
		sources_use(&s, k);
		sources_idle(&s, k, 0, 1);	/* of no use */
	}
	assert_int_equal(s.n, 0);
	/* What is in use is not forgotten, and is no part of the bound. */
	for (i = 0; i < 500; i++) {
		from = v4(i);
		assert_true(sources_key(&key, &from, 2, 32, 64));
		assert_non_null(sources_add(&s, &key, sizeof(*k)));
	}
	assert_int_equal(s.n, 500);
	for (i = 0, k = NULL; (k = sources_next(&s, k)) != NULL;)
		i++;
	assert_int_equal(i, 500);
	sources_free(&s);
}

static void
test_who_had_which_worker(void **state)
{
	struct sources *s;
	struct source from;
	unsigned i;

	(void)state;
	memset(&conf, 0, sizeof(conf));
	conf.source_prefix = 24;
	conf.sticky_size = 100;
	conf.sticky_period = 1000;
	assert_non_null(s = sticky_new(&conf));
	for (i = 0; i < 1000; i++, now += MS) {
		from = v4(i << 8);
		assert_int_equal(sticky_worker(s, &conf, &from), 0);
		sticky_set(s, &conf, &from, (pid_t)(i + 1));
		from = v4(i << 8 | 255);
		assert_int_equal(sticky_worker(s, &conf, &from), i + 1);
		/* This one comes all the time. */
		from = v4(0);
		assert_int_equal(sticky_worker(s, &conf, &from), 1);
		sticky_set(s, &conf, &from, 1);
	}
	from = v4(901 << 8);
	assert_int_equal(sticky_worker(s, &conf, &from), 902);
	from = v4(900 << 8);
	assert_int_equal(sticky_worker(s, &conf, &from), 0);
	from = v4(999 << 8);
	now += 999 * MS - 1;
	assert_int_equal(sticky_worker(s, &conf, &from), 1000);
	now++;
	assert_int_equal(sticky_worker(s, &conf, &from), 0);
	sticky_free(&s);
	assert_null(s);
	sticky_free(&s);
}

static void
test_over_an_upgrade(void **state)
{
	struct quota *q = listener(2, 1, 10);
	struct tally *a, *b, *c, *again[3];
	char *text, *line, *next;
	uint32_t number[3];
	size_t size;
	FILE *f;

	(void)state;
	for (size = 0; size < 10; size++)
		limit_end(begin(q, v4(1), LIMIT_NONE));
	limit_end(begin(q, v4(1), LIMIT_SOURCE_RATE));
	a = begin(q, v4(2), LIMIT_NONE);
	b = begin(q, v4(2), LIMIT_NONE);
	c = limit_begin(q);
	assert_non_null(f = open_memstream(&text, &size));
	limit_save(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(limit_number(NULL), 0);
	number[0] = limit_number(a);
	number[1] = limit_number(b);
	number[2] = limit_number(c);
	limit_end(a);
	limit_end(b);
	limit_end(c);
	limit_quota_over(&q);

	for (next = text; (line = strsep(&next, "\n")) != NULL;)
		if (*line != '\0')
			assert_true(limit_take(line));
	for (size = 0; size < nitems_of(number); size++)
		assert_true(limit_again(number[size], &again[size]));
	assert_false(limit_again(99, &a));
	assert_true(limit_again(0, &a));
	assert_null(a);
	limit_taken();
	free(text);
	assert_non_null(q = limit_quota(&conf));
	assert_int_equal(q->tally.open, 3);
	begin(q, v4(2), LIMIT_SOURCE_SESSIONS);
	begin(q, v4(1), LIMIT_SOURCE_RATE);
	limit_end(again[0]);
	limit_end(begin(q, v4(2), LIMIT_NONE));
	limit_end(again[1]);
	limit_end(again[2]);
	assert_int_equal(q->tally.open, 0);
	limit_quota_over(&q);
}

static void
test_hash(void **state)
{
	struct siphash_key key = { { UINT64_C(0x0706050403020100),
	    UINT64_C(0x0f0e0d0c0b0a0908) } };
	uint8_t in[15];
	uint8_t i;

	(void)state;
	for (i = 0; i < sizeof(in); i++)
		in[i] = i;
	assert_true(siphash(&key, in, 15) == UINT64_C(0xa129ca6149be45e5));
	assert_true(siphash(&key, in, 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(siphash(&key, in, 8) == UINT64_C(0x93f5f5799a932462));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_sessions_of_a_listener),
		cmocka_unit_test(test_sessions_of_a_source),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_is_kept),
		cmocka_unit_test(test_rate_that_changes),
		cmocka_unit_test(test_a_flood_of_sources),
		cmocka_unit_test(test_many_open),
		cmocka_unit_test(test_what_is_forgotten_first),
		cmocka_unit_test(test_who_had_which_worker),
		cmocka_unit_test(test_over_an_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
