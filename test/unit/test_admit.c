/*
 * test_admit.c - what is accepted of a listener that is about to go, with a
 * flood of connections in place of the system's, and everybody full.
 */
#include "compat.h"

#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "accept/admit.h"
#include "accept/backlog.h"
#include "accept/handoff.h"
#include "accept/listener.h"
#include "accept/pause.h"
#include "acl_map.h"
#include "ledger.h"
#include "mark.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/statproc.h"
#include "proc/trace.h"

#define FLOOD	1000000		/* more than anybody may accept in one go */

struct master master;

static struct conf		 conf;
static struct conf_listen	 section;
static struct generation	 generation = { .conf = &conf };
static unsigned			 accepts, asked, kept, left, room, paused_after;
static unsigned			 visits;
static int			 told;
static bool			 was, gone;	/* a pause; descriptors */
static bool			 full;		/* the status process */

/* --- in the place of all that admit.c calls --- */

int		 __wrap_accept4(int, struct sockaddr *, socklen_t *, int);

int
__wrap_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	(void)fd;
	(void)sa;
	(void)len;
	(void)flags;
	if (left == 0) {
		errno = EAGAIN;
		return -1;
	}
	left--;
	accepts++;
	return 100;
}

int
backlog_waiting(int fd)
{
	(void)fd;
	return told;
}

uint32_t
backlog_waited(int fd)
{
	(void)fd;
	asked++;
	return 1;
}

void
backlog_shut(int fd)
{
	(void)fd;
}

void
handoff_look(void)
{
}

void
trace_refused(const char *listener, const struct source *client,
    const char *why, const char *by)
{
	(void)listener;
	(void)client;
	(void)why;
	(void)by;
}

enum handoff_room
handoff_room(void)
{
	return room != 0 ? HANDOFF_ROOM : HANDOFF_NONE;
}

bool
handoff_give(int fd, const struct proto_conn *c, struct tally *tally)
{
	(void)fd;
	(void)c;
	(void)tally;
	if (room == 0)
		return false;
	room--;
	return true;
}

bool
statproc_full(void)
{
	return full;
}

void
statproc_visit(int fd)
{
	(void)fd;
	visits++;
}

void
handoff_keep(int fd, const struct proto_conn *c, struct tally *tally)
{
	(void)fd;
	(void)c;
	(void)tally;
	kept++;
}

uint64_t
handoff_places(void)
{
	return room;
}

unsigned
handoff_kept(void)
{
	return kept;
}

void
handoff_send(void)
{
}

void
pause_begin(const char *what, int err)
{
	(void)what;
	(void)err;
	paused_after = 0;
}

bool
pause_was(void)
{
	return was;
}

bool
pause_free(unsigned n)
{
	(void)n;
	return !gone;
}

bool
pause_on(void)
{
	return accepts >= paused_after;
}

bool
pause_short(int fd)
{
	(void)fd;
	return false;
}

void
mark(unsigned what)
{
	(void)what;
}

/* --- the tests --- */

static void
all(struct listener *l, int backlog, unsigned flood)
{
	accepts = kept = 0;
	ledger->accepted = 0;
	left = flood;
	told = backlog;
	paused_after = UINT_MAX;
	master.gen = &generation;
	memset(l, 0, sizeof(*l));
	admit_all(l);
	admit_forget(l);
	assert_int_equal(kept, accepts);
	assert_int_equal(l->accepted, accepts);
	assert_int_equal(ledger->accepted, accepts);
}

static void
test_as_many_as_were_told(void **state)
{
	struct listener l;

	(void)state;
	all(&l, 5, FLOOD);
	assert_int_equal(accepts, 5);
	all(&l, 5, 3);		/* two have gone meanwhile */
	assert_int_equal(accepts, 3);
}

static void
test_until_there_is_none_where_nobody_tells(void **state)
{
	struct listener l;

	(void)state;
	all(&l, BACKLOG_UNKNOWN, 70);
	assert_int_equal(accepts, 70);
	/* Nothing is believed of a socket that has never told of anybody. */
	all(&l, 0, 70);
	assert_int_equal(accepts, 70);
	all(&l, BACKLOG_UNKNOWN, FLOOD);
	assert_true(accepts < 10000);
}

static void
test_a_pause_ends_it(void **state)
{
	struct listener l;

	(void)state;
	memset(&l, 0, sizeof(l));
	accepts = kept = 0;
	left = FLOOD;
	told = 50;
	paused_after = 7;
	master.gen = &generation;
	admit_all(&l);
	admit_forget(&l);
	assert_int_equal(accepts, 7);
}

static void
test_a_pause_that_has_freed_nothing_goes_on(void **state)
{
	struct listener l;

	(void)state;
	memset(&l, 0, sizeof(l));
	accepts = kept = 0;
	left = told = room = 5;
	paused_after = UINT_MAX;
	master.gen = &generation;
	was = gone = true;
	admit_event(&l.io, IO_READ);
	admit_ready();
	assert_int_equal(accepts, 0);
	paused_after = UINT_MAX;
	gone = false;
	admit_ready();
	assert_int_equal(accepts, 5);
	was = false;
	admit_forget(&l);
}

/* A flood at one of them, and somebody at the other. */
static void
test_room_goes_around(void **state)
{
	struct listener l[2];
	unsigned i;

	(void)state;
	memset(l, 0, sizeof(l));
	accepts = kept = 0;
	left = FLOOD;
	told = 1000;
	paused_after = UINT_MAX;
	master.gen = &generation;
	conf.overload = OVERLOAD_QUEUE;
	admit_event(&l[0].io, IO_READ);
	admit_event(&l[1].io, IO_READ);
	for (i = 1; i <= 10; i++) {
		room = 1;
		admit_ready();
		assert_int_equal(accepts, i);
		assert_in_range(l[0].accepted, i / 2, (i + 1) / 2);
	}
	admit_forget(&l[0]);
	admit_forget(&l[1]);
}

/* Only while those of an overload are there. */
static void
test_who_was_held_up_is_asked(void **state)
{
	struct listener l;

	(void)state;
	memset(&l, 0, sizeof(l));
	accepts = asked = kept = 0;
	told = 5;
	left = 5;
	paused_after = UINT_MAX;
	master.gen = &generation;
	conf.overload = OVERLOAD_QUEUE;
	room = 2;
	admit_event(&l.io, IO_READ);
	admit_ready();		/* two have room, three wait */
	assert_int_equal(accepts, 2);
	assert_int_equal(asked, 0);
	room = 5;
	admit_ready();
	assert_int_equal(accepts, 5);
	assert_int_equal(asked, 3);
	left = 2;
	told = 2;
	admit_event(&l.io, IO_READ);
	admit_ready();		/* the backlog was empty */
	assert_int_equal(accepts, 7);
	assert_int_equal(asked, 3);
	admit_forget(&l);
}

/* They are no sessions, need no room, and none of them waits for an end. */
static void
test_visitors_of_the_status(void **state)
{
	struct listener l;

	(void)state;
	memset(&l, 0, sizeof(l));
	accepts = kept = visits = room = 0;
	ledger->accepted = 0;
	told = left = 5;
	paused_after = UINT_MAX;
	master.gen = &generation;
	section.serve = SERVE_STATUS;
	full = true;
	admit_event(&l.io, IO_READ);
	admit_ready();
	assert_int_equal(visits, 0);
	full = false;
	admit_ready();
	assert_int_equal(visits, 5);
	assert_int_equal(l.accepted, 5);
	assert_int_equal(ledger->accepted, 0);
	left = 5;
	admit_all(&l);
	assert_int_equal(accepts, 5);
	admit_forget(&l);
	section.serve = SERVE_RELAY;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_as_were_told),
		cmocka_unit_test(test_until_there_is_none_where_nobody_tells),
		cmocka_unit_test(test_a_pause_ends_it),
		cmocka_unit_test(test_a_pause_that_has_freed_nothing_goes_on),
		cmocka_unit_test(test_room_goes_around),
		cmocka_unit_test(test_who_was_held_up_is_asked),
		cmocka_unit_test(test_visitors_of_the_status),
	};

	conf.listens = &section;
	conf.nlistens = 1;
	generation.acl = acl_map_new(&conf.acl);
	generation.gates = gate_new(&conf);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
