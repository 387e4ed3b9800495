/*
 * test_public.c - spawnd/worker.h says to others what proto.h and board.h say
 * to ours. Most of it is known when this is compiled: what fails there is a new
 * version of the public protocol (PROTO_PUBLIC), unless a worker that was built
 * before understands it as well; both have to be changed, and
 * man/spawnd-worker.7.
 */
#include "../../include/spawnd/worker.h"

#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "board.h"
#include "ipc.h"
#include "log.h"
#include "proto.h"

#define SAME(a, b)	_Static_assert((a) == (b), #a)
#define SAME_FIELD(a, f, b, g)						\
	SAME(offsetof(struct a, f), offsetof(struct b, g));		\
	SAME(sizeof(((struct a *)0)->f), sizeof(((struct b *)0)->g))
#define SAME_SIZE(a, b)	SAME(sizeof(struct a), sizeof(struct b))

SAME(SPAWND_WORKER_VERSION, PROTO_PUBLIC);

SAME((int)SPAWND_FD_CHANNEL, (int)PROTO_FD_CHANNEL);
SAME((int)SPAWND_FD_CONFIG, (int)PROTO_FD_CONF);
SAME((int)SPAWND_FD_BOARD, (int)PROTO_FD_BOARD);
SAME((int)SPAWND_FD_LOG, (int)PROTO_FD_LOG);
SAME((int)SPAWND_FD_SLOT, (int)PROTO_FD_SLOT);

SAME((int)SPAWND_CONN, (int)MSG_CONN);
SAME((int)SPAWND_DRAIN, (int)MSG_DRAIN);
SAME((int)SPAWND_READY, (int)MSG_READY);
SAME((int)SPAWND_LEAVE, (int)MSG_LEAVE);
SAME((int)SPAWND_WAKE, (int)MSG_WAKE);
SAME((int)SPAWND_LOG, (int)MSG_LOG);
SAME(SPAWND_BATCH, PROTO_BATCH);
SAME(SPAWND_MAX, PROTO_MAX);
SAME(SPAWND_LOG_MAX, LOG_LINE);

SAME_SIZE(spawnd_header, proto_hdr);
SAME_FIELD(spawnd_header, type, proto_hdr, type);
SAME_FIELD(spawnd_header, count, proto_hdr, count);

SAME_SIZE(spawnd_conn, proto_conn);
SAME_FIELD(spawnd_conn, address, proto_conn, client.ip);
SAME_FIELD(spawnd_conn, scope, proto_conn, client.scope);
SAME_FIELD(spawnd_conn, port, proto_conn, client.port);
SAME_FIELD(spawnd_conn, family, proto_conn, client.family);
SAME_FIELD(spawnd_conn, listener, proto_conn, listener);
SAME_FIELD(spawnd_conn, backlog_ms, proto_conn, backlog_ms);
SAME_FIELD(spawnd_conn, accepted_us, proto_conn, accepted_us);
SAME_FIELD(spawnd_conn, seat, proto_conn, seat);

SAME_SIZE(spawnd_drain, proto_drain);
SAME_FIELD(spawnd_drain, cut, proto_drain, cut);
SAME((int)SPAWND_CUT_NOTHING, (int)CUT_NOTHING);
SAME((int)SPAWND_CUT_GENERATIONS, (int)CUT_GENERATIONS);
SAME((int)SPAWND_CUT_STOPPED, (int)CUT_STOPPED);

SAME_SIZE(spawnd_ready, proto_ready);
SAME_FIELD(spawnd_ready, version, proto_ready, version);
SAME_FIELD(spawnd_ready, pid, proto_ready, pid);
SAME_SIZE(spawnd_leave, proto_leave);
SAME_FIELD(spawnd_leave, why, proto_leave, why);
SAME((int)SPAWND_LEAVE_RETIRED, (int)LEAVE_RETIRED);
SAME((int)SPAWND_LEAVE_SIGNAL, (int)LEAVE_SIGNAL);
SAME_SIZE(spawnd_wake, proto_wake);
SAME_SIZE(spawnd_log, proto_log);

SAME_FIELD(spawnd_board, want_room, board_head, want_room);
SAME_FIELD(spawnd_board, seats, board_head, nseats);
SAME_FIELD(spawnd_board, ended_at, board_head, ended_at);
SAME_FIELD(spawnd_slot, taken, board_worker, taken);
SAME_FIELD(spawnd_slot, closed, board_worker, closed);
SAME_FIELD(spawnd_slot, bytes_in, board_worker, bytes_in);
SAME_FIELD(spawnd_slot, bytes_out, board_worker, bytes_out);
SAME_FIELD(spawnd_slot, log_dropped, board_worker, log_dropped);
SAME_FIELD(spawnd_slot, draining, board_worker, draining);

/* Direction and descriptors, which are in a table. */
static void
test_messages(void **state)
{
	static const struct {
		int		type, dir;
		unsigned	fds;
	} public[] = {
		{ SPAWND_CONN, PROTO_DOWN, 1 }, { SPAWND_DRAIN, PROTO_DOWN, 0 },
		{ SPAWND_READY, PROTO_UP, 0 }, { SPAWND_LEAVE, PROTO_UP, 0 },
		{ SPAWND_WAKE, PROTO_UP, 0 }, { SPAWND_LOG, PROTO_DOWN, 1 }
	};
	static const struct {
		int		type, dir;
		unsigned	fds;
	} all[] = {
#define X(name, num, dir, item, fds)	{ num, dir, fds },
		PROTO_MESSAGES(X)
#undef X
	};
	size_t i, k, found = 0;

	(void)state;
	for (i = 0; i < nitems_of(public); i++)
		for (k = 0; k < nitems_of(all); k++)
			if (all[k].type == public[i].type) {
				assert_int_equal(all[k].dir, public[i].dir);
				assert_int_equal(all[k].fds, public[i].fds);
				found++;
			}
	assert_int_equal(found, nitems_of(public));
}

/* What spawnd_count() writes the master reads. */
static void
test_counters(void **state)
{
	struct board_head head;
	struct spawnd_slot slot;
	board_u64 taken;

	(void)state;
	memset(&head, 0, sizeof(head));
	memset(&slot, 0, sizeof(slot));
	spawnd_count(&slot.taken, 3);
	spawnd_count(&slot.taken, 4);
	memcpy(&taken, &slot.taken, sizeof(taken));
	assert_int_equal(board_get(&taken), 7);
	assert_false(spawnd_wants_room((const void *)&head));
	atomic_store(&head.want_room, 1);
	assert_true(spawnd_wants_room((const void *)&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages), cmocka_unit_test(test_counters)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
