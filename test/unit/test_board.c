/*
 * test_board.c - the shared memory of a generation: where things lie, who
 * may write what.
 */
#include "evtest.h"

#include <sys/mman.h>

#include "board.h"

#define SLOT	3		/* the worker of the tests */
#define COUNT	200000

static struct conf_relay	 relays[3];
static struct conf		 conf = { .relays = relays, .nrelays = 3 };
static struct board		 board;
static int			 fds_before;

static int
setup(void **state)
{
	(void)state;
	relays[0].nremotes = 2;
	relays[1].nremotes = 1;
	relays[2].nremotes = 4;
	fds_before = count_fds();
	return board_create(&board, &conf);
}

static int
teardown(void **state)
{
	(void)state;
	board_close(&board);
	board_close(&board);
	assert_int_equal(board.fd, -1);
	assert_null(board.mem);
	return count_fds() == fds_before ? 0 : -1;
}

/* Runs f in a process that has attached itself as the worker of SLOT; returns
 * the status of waitpid(2). */
static int
in_worker(void (*f)(struct board *))
{
	struct board own;
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		munmap(board.mem, board.size);
		if (board_attach(&own, board.fd, &conf, SLOT) == -1)
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
	const struct board_worker *w, *next;

	(void)state;
	assert_int_equal(board.nremotes, 7);
	assert_int_equal(board.slot_size % page, 0);
	assert_int_equal(board.size, page + BOARD_SLOTS * board.slot_size);
	assert_ptr_equal(board.head, board.mem);
	assert_ptr_equal(board_slot(&board, 0), board.mem + page);
	w = board_slot(&board, 0);
	next = board_slot(&board, 1);
	assert_true((const char *)&w->remotes[7] <= (const char *)next);
	w = board_slot(&board, BOARD_SLOTS - 1);
	assert_true((const char *)&w->remotes[7] <= board.mem + board.size);
	assert_null(board.own);
}

/* More remotes than fit into one page. */
static void
test_layout_large(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct board_worker *w;
	struct board big;

	(void)state;
	relays[1].nremotes = 1000;
	assert_int_equal(board_create(&big, &conf), 0);
	assert_int_equal(big.nremotes, 1006);
	assert_true(big.slot_size >= sizeof(*w) +
	    1006 * sizeof(struct board_remote));
	assert_int_equal(big.slot_size % page, 0);
	w = board_slot(&big, BOARD_SLOTS - 1);
	board_add(&w->remotes[1005].bytes_out, 5);
	assert_int_equal(board_get(&w->remotes[1005].bytes_out), 5);
	board_close(&big);
}

static void
test_first_remote(void **state)
{
	(void)state;
	assert_int_equal(board_first_remote(&conf, 0), 0);
	assert_int_equal(board_first_remote(&conf, 1), 2);
	assert_int_equal(board_first_remote(&conf, 2), 3);
	assert_int_equal(board_first_remote(&conf, 3), 7);
}

static void
test_counters(void **state)
{
	struct board_worker *w = board_slot(&board, 0);

	(void)state;
	assert_int_equal(board_get(&w->taken), 0);
	board_add(&w->taken, 3);
	board_add(&w->taken, UINT64_C(1) << 40);
	assert_true(board_get(&w->taken) == (UINT64_C(1) << 40) + 3);
	board_add32(&w->remotes[0].active, 2);
	board_add32(&w->remotes[0].active, -1);
	assert_int_equal(atomic_load(&w->remotes[0].active), 1);
}

static void
worker_counts(struct board *b)
{
	int i;

	if (atomic_load(&b->head->want_room) != 77 ||
	    board_get(&board_slot(b, 5)->taken) != 55)
		_exit(1);
	for (i = 0; i < COUNT; i++) {
		board_add(&b->own->taken, 1);
		board_add(&b->own->closed, 1);
	}
	board_add(&b->own->remotes[6].bytes_in, 9);
	/* It sees its own slot in the view of all, too. */
	if (board_get(&board_slot(b, SLOT)->taken) != COUNT)
		_exit(2);
}

static void
test_attach(void **state)
{
	struct board_worker *w = board_slot(&board, SLOT);
	unsigned i;

	(void)state;
	atomic_store(&board.head->want_room, 77);
	board_add(&board_slot(&board, 5)->taken, 55);
	assert_int_equal(in_worker(worker_counts), 0);
	assert_int_equal(board_get(&w->taken), COUNT);
	assert_int_equal(board_get(&w->closed), COUNT);
	assert_int_equal(board_get(&w->remotes[6].bytes_in), 9);
	for (i = 0; i < BOARD_SLOTS; i++)
		if (i != SLOT && i != 5)
			assert_int_equal(board_get(&board_slot(&board,
			    i)->taken), 0);
}

static void
write_head(struct board *b)
{
	atomic_store(&b->head->want_room, 1);
}

static void
write_slot_before(struct board *b)
{
	board_add(&board_slot(b, SLOT - 1)->closed, 1);
}

static void
write_slot_after(struct board *b)
{
	board_add(&board_slot(b, SLOT + 1)->closed, 1);
}

static void
write_past_own(struct board *b)
{
	*((volatile char *)b->own + b->slot_size) = 1;
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
	void (*const crimes[])(struct board *) = { write_head,
	    write_slot_before, write_slot_after };
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
	/* What lies behind its own slot, if anything, is not the next one. */
	(void)in_worker(write_past_own);
	assert_int_equal(board_get(&board_slot(&board, SLOT - 1)->closed), 0);
	assert_int_equal(board_get(&board_slot(&board, SLOT + 1)->closed), 0);
	assert_int_equal(atomic_load(&board.head->want_room), 0);
}

static void
test_clear(void **state)
{
	static const char zeros[64];
	const char *end;
	unsigned i;

	(void)state;
	for (i = SLOT - 1; i <= SLOT + 1; i++)
		memset(board_slot(&board, i), 0x5a, sizeof(struct board_worker)
		    + board.nremotes * sizeof(struct board_remote));
	board_clear(&board, SLOT);
	assert_memory_equal(board_slot(&board, SLOT), zeros, sizeof(zeros));
	end = (const char *)&board_slot(&board, SLOT)->remotes[7];
	assert_memory_equal(end - sizeof(zeros), zeros, sizeof(zeros));
	assert_int_equal(atomic_load(&board_slot(&board,
	    SLOT)->remotes[3].active), 0);
	for (i = SLOT - 1; i <= SLOT + 1; i += 2) {
		assert_int_equal(*(char *)board_slot(&board, i), 0x5a);
		assert_int_equal(atomic_load(&board_slot(&board,
		    i)->remotes[6].held), 0x5a5a5a5a);
	}
}

/* A second mapping of the same memory, writable everywhere. */
static void
test_reopen(void **state)
{
	struct board other;
	int fd = dup(board.fd);

	(void)state;
	board_add(&board_slot(&board, 1)->taken, 4);
	assert_int_equal(board_reopen(&other, fd, &conf), 0);
	assert_int_equal(board_get(&board_slot(&other, 1)->taken), 4);
	board_add(&board_slot(&other, 1023)->taken, 6);
	assert_int_equal(board_get(&board_slot(&board, 1023)->taken), 6);
	board_close(&other);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_layout),
		T(test_layout_large),
		T(test_first_remote),
		T(test_counters),
		T(test_attach),
		T(test_read_only),
		T(test_clear),
		T(test_reopen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
