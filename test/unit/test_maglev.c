/*
 * test_maglev.c - the table by which a client keeps its remote.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../relay/remote/maglev.h"

#define MOST	10000

static struct maglev_share	 shares[MOST];
static uint32_t			 got[MOST];

static uint64_t
hash_of(unsigned number)
{
	char name[16];

	return maglev_hash(name, (size_t)snprintf(name, sizeof(name), "r%u",
	    number));
}

/* The table of n that are as heavy as weight says. */
static struct maglev
table(unsigned n, unsigned (*weight)(unsigned))
{
	struct maglev m;
	unsigned i;

	for (i = 0; i < n; i++) {
		shares[i].hash = hash_of(i);
		shares[i].weight = weight(i);
	}
	assert_int_equal(maglev_build(&m, shares, n), 0);
	return m;
}

static void
count(const struct maglev *m, unsigned n)
{
	uint32_t i;

	memset(got, 0, sizeof(got));
	for (i = 0; i < m->n; i++) {
		assert_true(m->places[i] < n);
		got[m->places[i]]++;
	}
}

static unsigned
same(unsigned i)
{
	(void)i;
	return 1;
}

static unsigned
mixed(unsigned i)
{
	return 1 + i * 5 % 7;
}

static unsigned
one_heavy(unsigned i)
{
	return i == 0 ? 256 : 1;
}

/* To within one place, as long as there are some for each. */
static void
test_weights(void **state)
{
	static const unsigned ns[] = { 1, 2, 3, 10, 100, 1000, 5000 };
	unsigned (*const weights[])(unsigned) = { same, mixed, one_heavy };
	uint64_t sum, due;
	struct maglev m;
	unsigned i, k, n;

	(void)state;
	for (k = 0; k < nitems_of(ns) * nitems_of(weights); k++) {
		n = ns[k / nitems_of(weights)];
		m = table(n, weights[k % nitems_of(weights)]);
		count(&m, n);
		for (i = 0, sum = 0; i < n; i++)
			sum += shares[i].weight;
		for (i = 0; i < n; i++) {
			due = (uint64_t)m.n * shares[i].weight / sum;
			assert_in_range(got[i], due, due + 1);
		}
		free(m.places);
	}
}

/* Nobody is left without a place: it would never be found. */
static void
test_light_ones(void **state)
{
	struct maglev m;
	unsigned i;

	(void)state;
	for (i = 0; i < MOST; i++) {
		shares[i].hash = hash_of(i);
		shares[i].weight = i % 2 == 0 ? 65535 : 1;
	}
	assert_int_equal(maglev_build(&m, shares, MOST), 0);
	count(&m, MOST);
	for (i = 0; i < MOST; i++)
		assert_true(got[i] >= 1);
	free(m.places);
}

/* Each builds for itself; the order is not the same in every file. */
static void
test_order_is_nothing(void **state)
{
	struct maglev a, b, c;
	struct maglev_share swap;
	uint32_t i;

	(void)state;
	a = table(100, mixed);
	b = table(100, mixed);
	assert_memory_equal(a.places, b.places, a.n * sizeof(*a.places));
	for (i = 0; i < 50; i++) {
		swap = shares[i];
		shares[i] = shares[99 - i];
		shares[99 - i] = swap;
	}
	assert_int_equal(maglev_build(&c, shares, 100), 0);
	for (i = 0; i < a.n; i++)
		assert_int_equal(c.places[i], 99 - a.places[i]);
	free(a.places);
	free(b.places);
	free(c.places);
}

/* The places, in thousandths, that do not go on when the k-th has gone. */
static unsigned
moved(unsigned n, unsigned k)
{
	struct maglev m = table(n, same), less;
	uint32_t i, moves = 0, now;

	memmove(&shares[k], &shares[k + 1], (n - k - 1) * sizeof(*shares));
	assert_int_equal(maglev_build(&less, shares, n - 1), 0);
	assert_int_equal(m.n, less.n);
	for (i = 0; i < m.n; i++) {
		now = less.places[i] + (less.places[i] >= k);
		moves += now != m.places[i];
	}
	free(m.places);
	free(less.places);
	return (unsigned)((uint64_t)moves * 1000 / m.n);
}

/* Little more than those which have to. */
static void
test_few_move(void **state)
{
	unsigned k;

	(void)state;
	for (k = 0; k < 10; k++) {
		assert_in_range(moved(10, k), 99, 110);
		assert_in_range(moved(100, 10 * k), 9, 20);
		assert_in_range(moved(1000, 100 * k), 0, 20);
	}
}

/* Every place once, wherever it begins. */
static void
test_walk(void **state)
{
	struct maglev m = table(3, same);
	struct maglev_walk walk, begin;
	uint32_t i, k;

	(void)state;
	for (k = 0; k < 20; k++) {
		begin = walk = maglev_begin(&m, hash_of(k) * (k % 4));
		memset(got, 0, sizeof(got));
		for (i = 0; i < m.n; i++) {
			assert_true(walk.at < m.n);
			assert_true(i == 0 || walk.at != begin.at);
			got[maglev_next(&m, &walk)]++;
		}
		assert_int_equal(walk.at, begin.at);
		assert_int_equal(got[0] + got[1] + got[2], m.n);
		assert_in_range(got[0], m.n / 3, m.n / 3 + 1);
	}
	free(m.places);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_light_ones),
		cmocka_unit_test(test_order_is_nothing),
		cmocka_unit_test(test_few_move),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
