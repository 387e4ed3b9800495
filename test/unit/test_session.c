/*
 * test_session.c - the clock of a session: its limit, and looks before that.
 * The runner, the remotes and the socket are the test's own.
 */
#include "looptest.h"

#include "../../relay/remote/remotes.h"
#include "../../relay/remote/wait.h"
#include "../../relay/self.h"
#include "../../relay/session.h"

#define LIMIT	300	/* ms */

struct self self;

static struct conf		 conf;
static struct conf_listen	 listener = { .auth = CONF_NOREF };
static struct board_listener	 counts;
static struct board_listener_more counts_more;
static struct path		 path = { .listen = &listener,
	.board = &counts, .more = &counts_more,
	.limit = { [LIMIT_IDLE] = LIMIT } };
static struct board_worker	 own;
static struct sess		*s;
static int			 sv[2];
static unsigned			 timeouts, ends;

void
remote_release(struct remote *r, const struct sess *who)
{
	(void)r;
	(void)who;
}

void
wait_end(struct sess *who)
{
	(void)who;
}

const struct addr *
remote_addr(const struct remote *r, uint8_t version)
{
	(void)version;
	return r->addr;
}

static void
io(struct ev_io *e, int what)
{
	(void)e;
	(void)what;
}

static void
timer(struct ev_timer *t)
{
	(void)t;
	timeouts++;
}

static void
more(struct ev_task *t)
{
	(void)t;
}

static void
ended(void)
{
	ends++;
}

static int
begin(void **state)
{
	static const struct sess_calls calls = { io, timer, more };
	const struct proto_conn c = { .listener = 0 };

	if (setup(state) == -1)
		return -1;
	self.conf = &conf;
	self.board.own = &own;
	timeouts = ends = 0;
	memset(&counts, 0, sizeof(counts));
	memset(&counts_more, 0, sizeof(counts_more));
	sess_init(ended);
	make_tcp_pair(sv);
	s = sess_new(sv[1], &c, &path, &calls);
	s->limit = LIMIT_IDLE;
	ev_turn(0);
	sess_touch(s);
	sess_arm(s);
	return 0;
}

static int
end(void **state)
{
	sess_end(s, WHO_RELAY, WHY_IDLE, CUT_UNLESS_CLEAN);
	assert_int_equal(counts.failed, 0);
	sess_close(s);
	assert_int_equal(ends, 1);
	assert_int_equal(counts.sessions, 1);
	assert_int_equal(counts.failed, 1);
	assert_int_equal(counts_more.ends[WHO_RELAY][WHY_IDLE], 1);
	assert_true(counts_more.queue.us == s->queue_us);
	assert_true(counts_more.session.us > 0);
	ev_turn(0);
	close(sv[0]);
	return teardown(state);
}

/* Were it put off, a limit would be late by as much as a look is rare. */
static void
test_a_look_does_not_put_off_the_limit(void **state)
{
	uint64_t limit = s->timer.at;

	(void)state;
	sess_look_soon(s, 10 * LIMIT);
	assert_int_equal(s->timer.at, limit);
	assert_true(s->soon);
	sess_look_soon(s, LIMIT / 10);
	assert_true(s->timer.at < limit);
	limit = s->timer.at;
	sess_look_soon(s, 10 * LIMIT);
	assert_int_equal(s->timer.at, limit);
}

static void
test_activity_moves_the_limit_but_no_timer(void **state)
{
	uint64_t at = s->timer.at;

	(void)state;
	while (ev_now() < at - LIMIT / 2)
		ev_turn(10);
	sess_touch(s);
	sess_arm(s);
	assert_int_equal(s->timer.at, at);
	while (timeouts == 0)
		ev_turn(10);
	assert_false(ev_now() < at);
	sess_arm(s);
	assert_int_equal(s->timer.at, s->last + LIMIT);
	while (timeouts == 1)
		ev_turn(10);
	assert_true(sess_is_late(s));
}

static void
test_no_limit_no_timer(void **state)
{
	(void)state;
	ev_timer_stop(&s->timer);
	s->limit = LIMIT_NONE;
	sess_arm(s);
	assert_false(ev_timer_on(&s->timer));
	assert_false(sess_is_late(s));
}

static const struct CMUnitTest	tests[] = {
	cmocka_unit_test_setup_teardown(test_a_look_does_not_put_off_the_limit,
	    begin, end),
	cmocka_unit_test_setup_teardown(
	    test_activity_moves_the_limit_but_no_timer, begin, end),
	cmocka_unit_test_setup_teardown(test_no_limit_no_timer, begin, end),
};

int
main(void)
{
	int failed = 0;

	RUN_MODES(tests, failed);
	return failed;
}
