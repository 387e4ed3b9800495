/*
 * test_channel.c - the worker's side of the channel when that is full, and
 * when the master says what it must not. The sessions are the test's own.
 */
#include "looptest.h"

#include <sys/stat.h>

#include "ipc.h"

#include "../../relay/authoriser.h"
#include "../../relay/change.h"
#include "../../relay/channel.h"
#include "../../relay/filter/talk.h"
#include "../../relay/listing.h"
#include "../../relay/layer/tls_ctx.h"
#include "../../relay/remote/lease.h"
#include "../../relay/remote/remotes.h"
#include "../../relay/remote/wait.h"
#include "../../relay/self.h"
#include "../../relay/session.h"
#include "../../relay/stage.h"
#include "../../relay/tracing.h"

struct self self;

static struct conf		 conf;
static struct conf_listen	 one = { .auth = CONF_NOREF };
static struct path		 path = { .listen = &one };
static struct board_head	 head;
static struct board_worker	 own;
static int			 sv[2];
static unsigned			 started, retires;
static int			 warned;	/* errno of it */

void
change_take(const struct proto_set *set)
{
	(void)set;
}

void
listing_start(int fd, const struct proto_list *what)
{
	(void)what;
	close(fd);
}

void
listing_stop(void)
{
}

void
tracing_start(int fd, const struct proto_trace *what)
{
	(void)what;
	close(fd);
}

void
tracing_stop(void)
{
}

void
sess_init(void (*ended)(void))
{
	(void)ended;
}

void
lease_init(bool (*say)(unsigned place))
{
	(void)say;
}

void
wait_leases(void)
{
}

void
sess_resume(struct sess *s)
{
	(void)s;
}

int
authoriser_start(void (*answered)(struct sess *),
    bool (*broken)(const struct proto_auth *))
{
	(void)answered;
	(void)broken;
	return 0;
}

void
authoriser_connect(const struct proto_auth *who, int fd)
{
	(void)who;
	close(fd);
}

int
talk_start(void (*resume)(struct sess *),
    bool (*broken)(const struct proto_auth *))
{
	(void)resume;
	(void)broken;
	return 0;
}

void
talk_connect(const struct proto_auth *who, int fd)
{
	(void)who;
	close(fd);
}

void
authoriser_drain(void)
{
}

void
sess_warn(const struct sess *s, const char *what, int err)
{
	assert_null(s);
	assert_non_null(what);
	warned = err;
}

void
sess_close_all(enum sess_why why, uint64_t ms)
{
	(void)why;
	(void)ms;
}

const struct path *
path_of(uint32_t listener)
{
	return listener == 0 ? &path : NULL;
}

void
tls_ctx_keys(const struct proto_keys *k)
{
	(void)k;
}

bool
remotes_count(struct remotes *rs)
{
	(void)rs;
	return retires != 0;
}

void
stage_start(int fd, const struct proto_conn *c, const struct path *p)
{
	assert_int_equal(c->listener, 0);
	assert_ptr_equal(p, &path);
	close(fd);
	started++;
}

/* The channel has its place among the descriptors. */
static int
begin(void **state)
{
	while (open("/dev/null", O_RDONLY) < PROTO_FD_END)
		;
	if (setup(state) == -1 || ipc_pair(sv) == -1 ||
	    dup2(sv[1], PROTO_FD_CHANNEL) == -1)
		return -1;
	self.conf = &conf;
	self.board.own = &own;
	self.board.head = &head;
	self.fd[PROTO_FD_CHANNEL] = PROTO_FD_CHANNEL;
	self.fd[PROTO_FD_LOG] = PROTO_FD_LOG;
	return channel_start(ev_stop);
}

static enum proto_type
heard(struct ipc_msg *m)
{
	int i, r;

	for (i = 0; (r = ipc_recv(sv[0], PROTO_UP, m)) == -1 &&
	    errno == EAGAIN && i < LONG / 10; i++)
		ev_turn(10);
	assert_int_equal(r, 1);
	return m->type;
}

static void
give(uint32_t listener)
{
	const struct proto_conn c = { .listener = listener };
	unsigned before = (unsigned)board_get(&own.taken);
	int fd = open("/dev/null", O_RDONLY);

	assert_int_equal(ipc_send(sv[0], MSG_CONN, &c, 1, &fd), 0);
	close(fd);
	while (board_get(&own.taken) == before)
		ev_turn(10);
}

static void
test_what_the_master_must_not_say(void **state)
{
	struct ipc_msg m;

	(void)state;
	assert_int_equal(heard(&m), MSG_READY);
	give(0);
	assert_int_equal(started, 1);
	errno = EPERM;		/* an old one is nobody's reason */
	give(7);
	assert_int_equal(started, 1);
	assert_int_equal(warned, EINVAL);
	assert_int_equal(board_get(&own.closed), 1);
}

/* Another way to the logger takes the place of the one that has ended. */
static void
test_another_way_to_the_logger(void **state)
{
	const struct proto_log log = { .reserved = 0 };
	struct stat st, now;
	int i, way[2];

	(void)state;
	assert_int_equal(ipc_pair(way), 0);
	assert_int_equal(fstat(way[1], &st), 0);
	assert_int_equal(ipc_send(sv[0], MSG_LOG, &log, 1, &way[1]), 0);
	close(way[1]);
	for (i = 0; i < LONG / 10; i++) {
		ev_turn(10);
		assert_int_equal(fstat(PROTO_FD_LOG, &now), 0);
		if (now.st_ino == st.st_ino)
			break;
	}
	assert_int_equal(now.st_ino, st.st_ino);
	close(way[0]);
}

/* A master that reads nothing for a while still hears of it, once. */
static void
test_a_wish_to_leave_is_not_forgotten(void **state)
{
	const struct proto_wake wake = { .reserved = 0 };
	struct ipc_msg m;
	unsigned i;

	(void)state;
	while (ipc_send(PROTO_FD_CHANNEL, MSG_WAKE, &wake, 1, NULL) == 0)
		;
	assert_int_equal(errno, EAGAIN);
	channel_leave(LEAVE_SIGNAL);
	channel_leave(LEAVE_RETIRED);
	for (i = 0; i < 10; i++)
		ev_turn(20);
	while (heard(&m) == MSG_WAKE)
		;
	assert_int_equal(m.type, MSG_LEAVE);
	assert_int_equal(m.leave.why, LEAVE_SIGNAL);
	retires = 1;
	give(0);
	for (i = 0; i < 10; i++)
		ev_turn(20);
	assert_int_equal(ipc_recv(sv[0], PROTO_UP, &m), -1);
	assert_int_equal(errno, EAGAIN);
}

/* In this order, in one process: a worker leaves once. */
int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_master_must_not_say),
		cmocka_unit_test(test_another_way_to_the_logger),
		cmocka_unit_test(test_a_wish_to_leave_is_not_forgotten),
	};

	mode = "kqueue";
	return cmocka_run_group_tests(tests, begin, NULL);
}
