/*
 * test_queue.c - what is put into a queue comes out of it, in whatever pieces,
 * and its memory comes back and is counted.
 */
#include "evtest.h"

#include "../../relay/queue.h"
#include "../../relay/store.h"

#define MOST	(1024 * 1024)

static char	 data[2 * MOST];

static int
setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 2654435761u >> 24);
	store_limit(MOST);
	return 0;
}

/* Takes at most n bytes, as a socket would; returns how many. */
static size_t
take(struct queue **q, size_t n, size_t at)
{
	struct iovec iov[QUEUE_IOV];
	int i, places = queue_look(*q, iov);
	size_t part, taken = 0;

	assert_in_range(places, 1, QUEUE_IOV);
	for (i = 0; i < places && taken < n; i++) {
		part = MIN(iov[i].iov_len, n - taken);
		assert_memory_equal(iov[i].iov_base, data + at + taken, part);
		taken += part;
	}
	queue_taken(q, taken);
	return taken;
}

static void
test_all_sizes(void **state)
{
	static const size_t sizes[] = { 1, 4095, 4096, 16384, 65536, 65537,
	    1000000 };
	struct queue *q = NULL;
	size_t i, k, at;

	(void)state;
	for (i = 0; i < nitems_of(sizes); i++)
		for (k = 0; k < nitems_of(sizes); k++) {
			assert_int_equal(queue_add(&q, data, sizes[i]), 0);
			assert_int_equal(queue_len(q), sizes[i]);
			for (at = 0; q != NULL;)
				at += take(&q, sizes[k], at);
			assert_int_equal(at, sizes[i]);
		}
}

/* In at one side and out at the other, at random. */
static void
test_both_ends_move(void **state)
{
	struct queue *q = NULL;
	size_t in = 0, out = 0, n;

	(void)state;
	while (out < sizeof(data)) {
		n = 1 + arc4random_uniform(20000);
		n = MIN(n, sizeof(data) - in);
		if (n != 0)
			assert_int_equal(queue_add(&q, data + in, n), 0);
		in += n;
		if (q != NULL)
			out += take(&q, 1 + arc4random_uniform(20000), out);
		assert_int_equal(queue_len(q), in - out);
	}
	assert_null(q);
}

/* Bytes that come one by one take no chunk each. */
static void
test_small_pieces_share_a_chunk(void **state)
{
	struct queue *q = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < 3000; i++)
		assert_int_equal(queue_add(&q, data + i, 1), 0);
	assert_ptr_equal(q->first, q->last);
	queue_free(&q);
	assert_null(q);
	queue_free(&q);
}

/* From one to the other, in pieces of any size: nothing is lost, and small ones
 * still share chunks. */
static void
test_moves(void **state)
{
	struct queue *from = NULL, *to = NULL;
	const struct chunk *c;
	size_t in = 0, out = 0, n, chunks = 0;

	(void)state;
	while (out < sizeof(data)) {
		n = 1 + arc4random_uniform(20000);
		n = MIN(n, sizeof(data) - in);
		if (n != 0)
			assert_int_equal(queue_add(&from, data + in, n), 0);
		in += n;
		assert_int_equal(queue_move(&from, &to,
		    1 + arc4random_uniform(20000)), 0);
		if (to != NULL)
			out += take(&to, 1 + arc4random_uniform(20000), out);
		assert_int_equal(queue_len(from) + queue_len(to), in - out);
	}
	assert_null(from);
	assert_null(to);
	assert_int_equal(queue_move(&from, &to, 1), 0);
	for (n = 0; n < 8000; n++) {
		assert_int_equal(queue_add(&from, data + n, 1), 0);
		assert_int_equal(queue_move(&from, &to, 5), 0);
	}
	for (c = to->first; c != NULL; c = c->next)
		chunks++;
	assert_int_equal(chunks, 2);
	queue_free(&to);
}

static void
test_full_and_not(void **state)
{
	struct queue *q[2] = { NULL, NULL };

	(void)state;
	assert_false(store_full());
	assert_int_equal(queue_add(&q[0], data, MOST / 2), 0);
	assert_false(store_full());
	assert_int_equal(queue_add(&q[1], data, MOST / 2), 0);
	assert_true(store_full());
	/* Who has read already is not refused. */
	assert_int_equal(queue_add(&q[1], data, MOST), 0);
	queue_free(&q[1]);
	assert_false(store_full());
	queue_free(&q[0]);
	assert_false(store_full());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sizes),
		cmocka_unit_test(test_both_ends_move),
		cmocka_unit_test(test_small_pieces_share_a_chunk),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_full_and_not),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
