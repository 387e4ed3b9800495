/*
 * test_feed.c - what a worker writes into its feed is what the recorder reads,
 * in order, over the end of the ring and with another recorder; one that writes
 * what it likes is found out, whatever it is.
 */
#include "evtest.h"

#include <fcntl.h>

#include "feed.h"

static struct feed_writer w;
static struct feed_reader r;
static int		 wake;	/* of the reader */

static int
setup(void **state)
{
	int sv[2], fd = feed_create();

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	memset(&w, 0, sizeof(w));
	memset(&r, 0, sizeof(r));
	w.ring = feed_map(fd);
	r.ring = feed_map(fd);
	close(fd);
	assert_non_null(w.ring);
	assert_non_null(r.ring);
	w.wake = sv[0];
	wake = sv[1];
	feed_attach(&r);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	feed_unmap(&w.ring);
	feed_unmap(&r.ring);
	close(w.wake);
	close(wake);
	return 0;
}

static bool
write_data(uint32_t tap, size_t len)
{
	struct feed_item i = { .kind = FEED_DATA, .tap = tap,
		.kept = (uint32_t)len, .n = len };
	unsigned char buf[FEED_MOST];

	memset(buf, (int)tap, len);
	if (!feed_begin(&w, &i))
		return false;
	feed_add(&w, buf, len / 2);
	feed_add(&w, buf + len / 2, len - len / 2);
	feed_tell(&w);
	return true;
}

static void
read_data(uint32_t tap, size_t len)
{
	struct feed_item i;
	unsigned char buf[FEED_MOST];
	size_t k;

	assert_int_equal(feed_next(&r, &i), 1);
	assert_int_equal(i.kind, FEED_DATA);
	assert_int_equal(i.tap, tap);
	assert_int_equal(i.kept, len);
	feed_copy(&r, 0, buf, len);
	for (k = 0; k < len; k++)
		assert_int_equal(buf[k], (unsigned char)tap);
	feed_taken(&r, &i);
}

static void
test_round_and_round(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 4093, 65000, 40961 };
	uint32_t n;

	(void)state;
	for (n = 0; n < 3000; n++) {
		assert_true(write_data(n, sizes[n % nitems_of(sizes)]));
		if (n >= 5)
			read_data(n - 5, sizes[(n - 5) % nitems_of(sizes)]);
	}
	assert_true(r.tail > 2 * FEED_ROOM);
}

/* Data leaves a reserve for the rest, and what does not fit does not happen. */
static void
test_full(void **state)
{
	struct feed_item i = { .kind = FEED_FIN };
	uint32_t n, k;

	(void)state;
	for (n = 0; write_data(n, FEED_MOST); n++)
		assert_true(feed_room(&w) <= FEED_MOST);
	assert_in_range(n, FEED_ROOM / (FEED_MOST + 100) - 2,
	    FEED_ROOM / FEED_MOST);
	assert_true(feed_room(&w) < FEED_MOST);
	for (k = 0; feed_begin(&w, &i); k++)
		feed_tell(&w);
	assert_true(k >= FEED_RESERVE / sizeof(i));
	assert_int_equal(feed_room(&w), 0);
	read_data(0, FEED_MOST);
	assert_true(feed_begin(&w, &i));
}

static void
test_wakes(void **state)
{
	char c;

	(void)state;
	assert_true(write_data(1, 1));
	assert_int_equal(recv(wake, &c, 1, 0), -1);	/* it is awake */
	assert_false(feed_sleep(&r));
	read_data(1, 1);
	assert_true(feed_sleep(&r));
	assert_true(write_data(2, 1));
	assert_true(write_data(3, 1));
	assert_int_equal(recv(wake, &c, 1, 0), 1);
	assert_int_equal(recv(wake, &c, 1, 0), -1);
	assert_int_equal(feed_progress(&w), r.tail);
}

static void
test_next_reader(void **state)
{
	struct feed_reader next = r;

	(void)state;
	assert_int_equal(feed_readers(&w), 1);
	assert_true(write_data(1, 100));
	assert_true(write_data(2, 200));
	read_data(1, 100);
	r = next;
	feed_attach(&r);
	assert_int_equal(feed_readers(&w), 2);
	read_data(2, 200);
}

/* Fields at which anything may stand. */
static void
test_nonsense(void **state)
{
	static const struct feed_item good = { .size = 48, .kind = FEED_DATA,
		.kept = 16, .n = 16 };
	struct feed_item items[12], i;
	size_t k;

	(void)state;
	for (k = 0; k < nitems_of(items); k++)
		items[k] = good;
	items[0].size = 0;
	items[1].size = 40;
	items[2].size = UINT32_MAX;
	items[3].kind = 0;
	items[4].kind = FEED_KINDS;
	items[5].remote = 2;
	items[6].kept = UINT32_MAX;
	items[7].kept = FEED_MOST + 1;
	items[8].n = 15;
	items[9].n = UINT64_MAX;
	items[10].kind = FEED_OPEN;
	items[11].size = 56;
	memcpy(r.ring->bytes, &good, sizeof(good));
	atomic_store(&w.ring->head, 48);
	assert_int_equal(feed_next(&r, &i), 1);
	for (k = 0; k < nitems_of(items); k++) {
		memcpy(r.ring->bytes, &items[k], sizeof(*items));
		assert_int_equal(feed_next(&r, &i), -1);
	}
	memcpy(r.ring->bytes, &good, sizeof(good));
	for (k = 1; k < 48; k++) {
		atomic_store(&w.ring->head, k);
		assert_int_equal(feed_next(&r, &i), -1);
	}
	atomic_store(&w.ring->head, FEED_ROOM + 8);
	assert_int_equal(feed_next(&r, &i), -1);
	atomic_store(&w.ring->head, UINT64_MAX);
	assert_int_equal(feed_next(&r, &i), -1);
	atomic_store(&w.ring->tail, 12345);
	feed_attach(&r);
	assert_int_equal(r.tail % 8, 0);
	assert_true(feed_next(&r, &i) != 1);
	/* A recorder that lies has the worker write nothing. */
	w.head = 0;
	atomic_store(&w.ring->tail, 8);
	assert_int_equal(feed_room(&w), 0);
	assert_false(write_data(1, 1));
}

/* Who has the descriptor cannot take the memory away. */
static void
test_sealed(void **state)
{
	const int fd = feed_create();

	(void)state;
#ifdef F_ADD_SEALS
	assert_int_equal(ftruncate(fd, 0), -1);
#endif
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_and_round, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next_reader, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup,
		    teardown),
		cmocka_unit_test(test_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
