/*
 * test_buckets.c - how much flows in a second, from one bucket or one that many
 * share: the rate, the burst, a fair share for each, and memory in which
 * somebody has written what he likes.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "buckets.h"

#define SECOND	UINT64_C(1000000000)
#define MS	UINT64_C(1000000)
#define MANY	50

/* Takes what it may, woken once a millisecond and that much too late. */
struct taker {
	size_t		 n;
	uint64_t	 at;
	uint64_t	 waited;
	uint64_t	 sum;
};

static uint64_t	 now;

static void
turn(struct taker *t, struct bucket *b, const struct conf_rate *c, size_t want)
{
	size_t once;

	for (once = 0; once < 64 * 1024 * 1024; once += t->n, t->n = 0) {
		if (t->n == 0)
			t->n = bucket_claim(b, c, want, now < t->waited +
			    100 * MS, now, &t->at);
		if (t->at > now) {
			t->waited = t->at;
			return;
		}
		t->sum += t->n;
	}
	t->n = 0;
}

static void
test_rate(void **state)
{
	static const uint64_t rates[] = { 1, 1000, 1 << 20, 100 << 20 };
	static const uint64_t lates[] = { 0, 3, 40 };
	struct conf_rate c = { .burst = 65536 };
	struct bucket b;
	struct taker t;
	uint64_t ms, want;
	size_t i, k;

	(void)state;
	for (i = 0; i < nitems_of(rates); i++)
		for (k = 0; k < nitems_of(lates); k++) {
			c.bytes = rates[i];
			memset(&b, 0, sizeof(b));
			memset(&t, 0, sizeof(t));
			now = 1000000 * SECOND;
			/* The burst at once, and not a byte more. */
			turn(&t, &b, &c, 48 * 1024);
			assert_int_equal(t.sum, c.burst);
			for (ms = 0; ms <= 10000; ms += 1 + lates[k]) {
				now = 1000000 * SECOND + ms * MS;
				turn(&t, &b, &c, 48 * 1024);
			}
			want = c.burst + 10 * c.bytes;
			assert_true(t.sum <= want);
			assert_true(t.sum + 10 * c.bytes / 50 >= want - 1);
		}
}

/* It is a burst again after as long as that takes, and no more than one. */
static void
test_burst(void **state)
{
	const struct conf_rate c = { .bytes = 1 << 20, .burst = 1 << 20 };
	struct bucket b = { .key = 0 };
	struct taker t = { .sum = 0 };

	(void)state;
	now = 1000 * SECOND;
	turn(&t, &b, &c, SIZE_MAX);
	assert_int_equal(t.sum, c.burst);
	bucket_return(&b, &c, t.n);
	t = (struct taker){ .sum = 0 };
	now += SECOND / 2;
	turn(&t, &b, &c, SIZE_MAX);
	assert_in_range(t.sum, c.burst / 2 - 1, c.burst / 2);
	bucket_return(&b, &c, t.n);
	t = (struct taker){ .sum = 0 };
	now += 1000 * SECOND;
	turn(&t, &b, &c, SIZE_MAX);
	assert_int_equal(t.sum, c.burst);
}

/* Many have the same, and all together what one has. */
static void
test_fair(void **state)
{
	const struct conf_rate c = { .bytes = 1 << 20, .burst = 65536 };
	struct bucket b = { .key = 0 };
	struct taker t[MANY];
	uint64_t ms, sum = 0, least = UINT64_MAX, most = 0;
	unsigned i;

	(void)state;
	memset(t, 0, sizeof(t));
	for (ms = 0; ms <= 10000; ms++) {
		now = 1000 * SECOND + ms * MS;
		for (i = 0; i < MANY; i++)
			turn(&t[i], &b, &c, 48 * 1024);
	}
	for (i = 0; i < MANY; i++) {
		sum += t[i].sum;
		if (i == 0)	/* it had the burst */
			continue;
		least = MIN(least, t[i].sum);
		most = MAX(most, t[i].sum);
	}
	assert_in_range(sum, 10 * c.bytes, c.burst + 10 * c.bytes);
	assert_true(least > most / 10 * 9);
}

static void
test_shared(void **state)
{
	const struct conf_rate c = { .bytes = 1000, .burst = 1000 };
	struct buckets a, b;
	struct bucket *one;
	const int fd = buckets_create();
	uint64_t at, key, other;
	unsigned i, n = 0;

	(void)state;
	now = 1000 * SECOND;
	assert_true(fd != -1);
	assert_int_equal(buckets_attach(&a, fd), 0);
	assert_int_equal(buckets_attach(&b, fd), 0);
	close(fd);
	key = buckets_key(&a, "x", 1);
	assert_true(key == buckets_key(&b, "x", 1));
	one = buckets_find(&a, key, &c, now);
	assert_int_equal(bucket_claim(one, &c, 1000, false, now, &at), 1000);
	assert_true(at <= now);
	one = buckets_find(&b, key, &c, now);
	bucket_claim(one, &c, 1000, false, now, &at);
	assert_true(at > now);
	/* One that is not full is never another's. */
	for (i = 0; i < 100000; i++) {
		other = buckets_key(&a, &i, sizeof(i));
		if ((one = buckets_find(&a, other, &c, now)) == NULL)
			n++;
		else
			bucket_claim(one, &c, 1000, false, now, &at);
	}
	assert_true(n > 10000);
	assert_int_equal(atomic_load(&buckets_find(&b, key, &c, now)->key),
	    key);
	/* All are, in time. */
	now += 100 * SECOND;
	for (i = 0; i < 1000; i++)
		assert_non_null(buckets_find(&a, buckets_key(&a, &i,
		    sizeof(i)), &c, now));
}

/* Whatever somebody writes there, nobody waits for long. */
static void
test_spoilt(void **state)
{
	static const uint64_t values[] = { 0, 1, UINT64_MAX, UINT64_MAX / 2,
	    1000 * SECOND, 1005 * SECOND, 2000 * SECOND };
	const struct conf_rate c = { .bytes = 1 << 20, .burst = 65536 };
	struct bucket b = { .key = 0 };
	uint64_t at;
	size_t i, n;

	(void)state;
	now = 1000 * SECOND;
	for (i = 0; i < nitems_of(values); i++) {
		atomic_store(&b.due, values[i]);
		n = bucket_claim(&b, &c, 10000, i % 2, now, &at);
		assert_in_range(n, 1, 10000);
		assert_true(at <= now + 11 * SECOND);
		atomic_store(&b.due, values[i]);
		bucket_return(&b, &c, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
