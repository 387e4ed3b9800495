/*
 * test_board.c - the shared memory of a generation: where things lie, who
 * may write what.
 */
#include "evtest.h"

#include <sys/mman.h>

#include "board.h"

#define SLOT	3		/* the worker of the tests */
#define COUNT	200000

static struct conf_remote	 remotes[1000];
static struct conf_relay	 relays[3];
static struct conf		 conf = { .relays = relays, .nrelays = 3 };
static struct board		 board;
static int			 fds_before;

static int
setup(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < nitems_of(remotes); i++)
		remotes[i].naddr = 1;
	for (i = 0; i < nitems_of(relays); i++)
		relays[i].remotes = remotes;
	relays[0].nremotes = 2;
	relays[1].nremotes = 1;
	relays[2].nremotes = 2;
	remotes[1].naddr = 2;
	fds_before = count_fds();
	if (board_create(&board, &conf) == -1)
		return -1;
	for (i = SLOT - 1; i <= SLOT + 1; i++)
		if (board_slot_make(&board, i) == -1)
			return -1;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	board_close(&board);
	board_close(&board);
	assert_int_equal(board.fd, -1);
	assert_null(board.head);
	return count_fds() == fds_before ? 0 : -1;
}

/* Runs f in a process that has attached itself as the worker of SLOT, with the
 * descriptors that a worker gets and no mapping of the master's; returns the
 * status of waitpid(2). */
static int
in_worker(void (*f)(struct board *))
{
	struct board own;
	int status, fd, slot;
	pid_t pid;

	if ((pid = fork()) == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		fd = dup(board.ro);
		slot = dup(board.slots[SLOT].fd);
		board_close(&board);
		if (board_attach(&own, fd, slot, &conf, SLOT) == -1)
			_exit(99);
		f(&own);
		_exit(0);
	}
	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_layout(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct board_told *last;

	(void)state;
	assert_int_equal(board.nplaces, 7);
	assert_int_equal(board.head_size, page);
	assert_int_equal(board.told_size % page, 0);
	assert_int_equal(board.slot_size % page, 0);
	assert_int_equal(board.size, page + BOARD_SLOTS * board.told_size);
	assert_ptr_equal(board_told(&board, 0), (char *)board.head + page);
	last = board_told(&board, BOARD_SLOTS - 1);
	assert_true((const char *)&last->places[7] <=
	    (char *)board.head + board.size);
	assert_true((const char *)&board_slot(&board, SLOT)->places[7] <=
	    (char *)board_slot(&board, SLOT) + board.slot_size);
	assert_null(board.own);
	assert_null(board_slot(&board, 0));
}

/* More remotes than fit into one page; and only slots that are in use have a
 * descriptor. */
static void
test_layout_large(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int before = count_fds();
	struct board_worker *w;
	struct board big;

	(void)state;
	relays[1].nremotes = 1000;
	assert_int_equal(board_create(&big, &conf), 0);
	assert_int_equal(count_fds(), before + 2);
	assert_int_equal(board_slot_make(&big, BOARD_SLOTS - 1), 0);
	assert_int_equal(count_fds(), before + 3);
	assert_int_equal(big.nplaces, 1007);
	assert_true(big.slot_size >= sizeof(*w) +
	    1007 * sizeof(struct board_place));
	assert_int_equal(big.slot_size % page, 0);
	w = board_slot(&big, BOARD_SLOTS - 1);
	board_add(&w->places[1005].bytes_out, 5);
	assert_int_equal(board_get(&w->places[1005].bytes_out), 5);
	atomic_store(&board_told(&big,
	    BOARD_SLOTS - 1)->places[1005].sessions, 7);
	board_close(&big);
}

static void
test_first_place(void **state)
{
	(void)state;
	assert_int_equal(conf_first_place(&conf, 0), 0);
	assert_int_equal(conf_first_place(&conf, 1), 3);
	assert_int_equal(conf_first_place(&conf, 2), 4);
	assert_int_equal(conf_first_place(&conf, 3), 7);
}

static void
test_counters(void **state)
{
	struct board_worker *w = board_slot(&board, SLOT);

	(void)state;
	assert_int_equal(board_get(&w->taken), 0);
	board_add(&w->taken, 3);
	board_add(&w->taken, UINT64_C(1) << 40);
	assert_true(board_get(&w->taken) == (UINT64_C(1) << 40) + 3);
	board_add32(&w->places[0].active, 2);
	board_add32(&w->places[0].active, -1);
	assert_int_equal(atomic_load(&w->places[0].active), 1);
}

static void
worker_counts(struct board *b)
{
	int i;

	if (atomic_load(&b->head->want_room) != 77 ||
	    atomic_load(&b->told->places[6].sessions) != 55)
		_exit(1);
	for (i = 0; i < COUNT; i++) {
		board_add(&b->own->taken, 1);
		board_add(&b->own->closed, 1);
	}
	board_add(&b->own->places[6].bytes_in, 9);
	board_news_add(&b->own->news, 6);
}

static void
test_attach(void **state)
{
	struct board_worker *w = board_slot(&board, SLOT);
	uint64_t pos = 0;
	unsigned i;

	(void)state;
	atomic_store(&board.head->want_room, 77);
	atomic_store(&board_told(&board, SLOT)->places[6].sessions, 55);
	assert_int_equal(in_worker(worker_counts), 0);
	assert_int_equal(board_get(&w->taken), COUNT);
	assert_int_equal(board_get(&w->closed), COUNT);
	assert_int_equal(board_get(&w->places[6].bytes_in), 9);
	assert_int_equal(board_news_next(&w->news, &pos), 6);
	for (i = SLOT - 1; i <= SLOT + 1; i += 2)
		assert_int_equal(board_get(&board_slot(&board, i)->taken), 0);
}

static void
write_head(struct board *b)
{
	atomic_store(&b->head->want_room, 1);
}

static void
write_told(struct board *b)
{
	atomic_store(&b->told->places[0].sessions, 1);
}

static void
write_own(struct board *b)
{
	volatile char *p = (volatile char *)b->own;

	p[0] = 1;
	p[b->slot_size - 1] = 1;
}

static void
test_read_only(void **state)
{
	void (*const crimes[])(struct board *) = { write_head, write_told };
	size_t i;
	int status;

	(void)state;
	assert_int_equal(in_worker(write_own), 0);
	for (i = 0; i < nitems_of(crimes); i++) {
		status = in_worker(crimes[i]);
		assert_true(WIFSIGNALED(status));
		assert_true(WTERMSIG(status) == SIGSEGV ||
		    WTERMSIG(status) == SIGBUS);
	}
	assert_int_equal(atomic_load(&board.head->want_room), 0);
}

/* Not even on purpose; its own part may not be cut off under the master. */
static void
force(struct board *b)
{
	const int how = PROT_READ | PROT_WRITE;

	if (mprotect(b->head, b->head_size, how) != -1 || errno != EACCES)
		_exit(1);
	if (mprotect(b->told, b->told_size, how) != -1 || errno != EACCES)
		_exit(2);
}

static void
test_mprotect(void **state)
{
	const int how = PROT_READ | PROT_WRITE;
	int slot = board.slots[SLOT].fd;

	(void)state;
	assert_int_equal(in_worker(force), 0);
	assert_ptr_equal(mmap(NULL, board.head_size, how, MAP_SHARED, board.ro,
	    0), MAP_FAILED);
	assert_int_equal(errno, EACCES);
	assert_int_equal(write(board.ro, "x", 1), -1);
	assert_int_equal(ftruncate(slot, 0), -1);
	assert_int_equal(ftruncate(slot, (off_t)board.slot_size * 2), -1);
	assert_int_equal(ftruncate(board.fd, 0), -1);
}

/* The next worker of a slot has nothing of the former one, which may still
 * have a descriptor. */
static void
test_slot_free(void **state)
{
	int former = dup(board.slots[SLOT].fd);
	char byte = 0;

	(void)state;
	memset(board_slot(&board, SLOT), 0x5a, board.slot_size);
	board_slot_free(&board, SLOT);
	assert_null(board_slot(&board, SLOT));
	board_slot_free(&board, SLOT);
	assert_int_equal(board_slot_make(&board, SLOT), 0);
	assert_int_equal(board_get(&board_slot(&board, SLOT)->taken), 0);
	assert_int_equal(pread(former, &byte, 1, 0), 1);
	assert_int_equal(byte, 0x5a);
	close(former);
}

/* A second mapping of the same memory, as after an upgrade. */
static void
test_reopen(void **state)
{
	struct board other;
	int fd = dup(board.fd), slot = dup(board.slots[SLOT].fd);

	(void)state;
	board_add(&board_slot(&board, SLOT)->taken, 4);
	atomic_store(&board.head->want_room, 3);
	assert_int_equal(board_reopen(&other, fd, &conf), 0);
	assert_null(board_slot(&other, SLOT));
	assert_int_equal(board_slot_reopen(&other, SLOT, slot), 0);
	assert_int_equal(board_get(&board_slot(&other, SLOT)->taken), 4);
	assert_int_equal(atomic_load(&other.head->want_room), 3);
	board_add(&board_slot(&other, SLOT)->taken, 6);
	assert_int_equal(board_get(&board_slot(&board, SLOT)->taken), 10);
	board_close(&other);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fcntl(slot, F_GETFD), -1);
}

static void
test_news(void **state)
{
	static struct board_news n;
	uint64_t pos = 0;
	unsigned i;

	(void)state;
	assert_int_equal(board_news_next(&n, &pos), BOARD_NONE);
	for (i = 0; i < 10 * BOARD_NEWS; i++) {
		board_news_add(&n, i);
		if (i % 3 == 0)
			continue;
		if (i % 3 == 1)
			assert_int_equal(board_news_next(&n, &pos), i - 1);
		assert_int_equal(board_news_next(&n, &pos), i);
		assert_int_equal(board_news_next(&n, &pos), BOARD_NONE);
	}
	for (i = 0; i < BOARD_NEWS + 1; i++)
		board_news_add(&n, i);
	assert_int_equal(board_news_next(&n, &pos), BOARD_ALL);
	assert_int_equal(board_news_next(&n, &pos), BOARD_NONE);
	/* A writer that turns its clock back. */
	atomic_store(&n.n, 1);
	assert_int_equal(board_news_next(&n, &pos), BOARD_ALL);
	assert_int_equal(board_news_next(&n, &pos), BOARD_NONE);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_layout),
		T(test_layout_large),
		T(test_first_place),
		T(test_counters),
		T(test_attach),
		T(test_read_only),
		T(test_mprotect),
		T(test_slot_free),
		T(test_reopen),
		T(test_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
