/*
 * test_listing.c - lists of sessions: all that are there and stay are told of
 * once, in pieces, whoever reads how slowly, and whatever ends meanwhile. The
 * sessions are the test's own.
 */
#include "looptest.h"

#include "ipc.h"
#include "../../relay/closing.h"
#include "../../relay/dest/dest.h"
#include "../../relay/chain.h"
#include "../../relay/listing.h"
#include "../../relay/remote/remotes.h"
#include "../../relay/self.h"
#include "../../relay/session.h"
#include "../../relay/stage.h"

#define CROWD	100000
#define TURNS	(4 * CROWD)

struct self self;

static struct conf_listen	 listener = { .name = "web" };
static struct conf_relay	 relay = { .name = "app" };
static struct path		 path = { .listen = &listener,
	.relay = &relay };
static struct sess		*all;
static unsigned			 count, asked, killed;
static uint8_t			*told;		/* how often, by id */
static struct sess_walk		*walks[8];
static uint64_t			 ends, done;
static bool			 busy;

/* Of session.c: the sessions are in a row, who has ended has no path. */
static struct sess *
next_of(struct sess *s)
{
	while (s < all + count && s->path == NULL)
		s++;
	return s == all + count ? NULL : s;
}

void
sess_walk_begin(struct sess_walk *w)
{
	unsigned i = 0;

	while (walks[i] != NULL)
		i++;
	walks[i] = w;
	w->next = next_of(all);
}

struct sess *
sess_walk_next(struct sess_walk *w)
{
	struct sess *s = w->next;

	asked++;
	if (s != NULL)
		w->next = next_of(s + 1);
	return s;
}

void
sess_walk_end(struct sess_walk *w)
{
	unsigned i = 0;

	while (walks[i] != w)
		i++;
	walks[i] = NULL;
}

void
sess_close(struct sess *s)
{
	unsigned i;

	s->path = NULL;
	killed++;
	for (i = 0; i < nitems_of(walks); i++)
		if (walks[i] != NULL && walks[i]->next == s)
			walks[i]->next = next_of(s);
}

const char *
stage_name(unsigned stage)
{
	(void)stage;
	return "relay";
}

char *
closing_address(const struct sess *s, char buf[ADDR_STRLEN])
{
	return addr_str(s->chosen->addr, buf);
}

const struct addr *
remote_addr(const struct remote *r, uint8_t version)
{
	(void)version;
	return r->addr;
}

/* None has one. */
char *
dest_str(const struct dest *d, char buf[DEST_STRLEN])
{
	(void)d;
	return buf;
}

char *
chain_str(const struct chain *c, char *buf, size_t size)
{
	(void)c;
	strlcpy(buf, "slow", size);
	return buf;
}

static void
make(unsigned n)
{
	unsigned i;

	count = n;
	all = calloc(n, sizeof(*all));
	told = calloc(n + 1, 1);
	assert_non_null(all);
	assert_non_null(told);
	for (i = 0; i < n; i++) {
		all[i].id = i + 1;
		all[i].path = &path;
		all[i].source.family = AF_INET;
		all[i].source.ip[0] = 10;
		all[i].source.ip[3] = (uint8_t)i;
		all[i].client.io.fd = all[i].remote.io.fd = -1;
		all[i].remote.remote = true;
	}
	self.serial = n;
}

static int
begin(void **state)
{
	if (setup(state) == -1)
		return -1;
	killed = asked = 0;
	ends = done = 0;
	busy = false;
	return 0;
}

static int
end(void **state)
{
	unsigned i;

	for (i = 0; i < nitems_of(walks); i++)
		assert_null(walks[i]);
	ev_turn(0);
	free(all);
	free(told);
	return teardown(state);
}

static int
start(const struct proto_list *what)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	listing_start(sv[1], what);
	return sv[0];
}

static void
line(char *text)
{
	unsigned long pid, id;
	unsigned long long n;

	assert_null(strpbrk(text, "\r\033"));
	if (sscanf(text, "s\tsession=%lx-%lx\tclient=10.", &pid, &id) == 2) {
		assert_in_range(id, 1, count);
		told[id]++;
	} else if (sscanf(text, "e\tworker=%lu\tsessions=%llu", &pid,
	    &n) == 2) {
		ends++;
		done += n;
	} else if (*text == 'x')
		busy = true;
	else
		fail_msg("%s", text);
}

/* One packet, of whole lines; false: there is none now. */
static bool
take(int fd)
{
	char packet[20000], *rest = packet, *one;
	ssize_t n = recv(fd, packet, sizeof(packet) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	assert_in_range(n, 2, 8192);
	assert_int_equal(packet[n - 1], '\n');
	packet[n - 1] = '\0';
	while ((one = strsep(&rest, "\n")) != NULL)
		line(one);
	return true;
}

static bool
over(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void
test_each_is_told_of_once_and_no_turn_is_long(void **state)
{
	const struct proto_list what = { .what = LIST_SHOW };
	unsigned i, before;
	int fd;

	(void)state;
	make(CROWD);
	fd = start(&what);
	/* Nobody reads: it stops, and takes no more memory or turns. */
	for (i = 0; i < TURNS; i++) {
		before = asked;
		if (ev_turn(0) == 0 && i > 1000)
			break;
		assert_in_range(asked - before, 0, 64);
	}
	assert_in_range(asked, 64, CROWD / 2);
	/* Meanwhile many end, one of them the next, and one comes. */
	for (i = 0; i < CROWD; i += 2)
		if (all[i].path != NULL && told[i + 1] == 0 && i > asked)
			sess_close(&all[i]);
	for (i = 0; i < TURNS && !over(fd); i++) {
		before = asked;
		ev_turn(0);
		assert_in_range(asked - before, 0, 64);
		take(fd);
	}
	assert_int_equal(ends, 1);
	for (i = 0; i < CROWD; i++)
		assert_int_equal(told[i + 1], all[i].path != NULL);
	close(fd);
}

static void
drain(int fd)
{
	unsigned i;

	for (i = 0; i < TURNS && !over(fd); i++) {
		ev_turn(0);
		while (take(fd))
			;
	}
	close(fd);
}

static void
test_those_that_are_wanted(void **state)
{
	struct proto_list what = { .what = LIST_SHOW, .nids = 3,
	    .ids = { 7, 300, 99999 } };
	const char *err;
	unsigned i;

	(void)state;
	make(300);
	drain(start(&what));
	assert_int_equal(told[7] + told[300], 2);
	assert_int_equal(done, 2);
	what = (struct proto_list){ .what = LIST_KILL, .net = 1 };
	assert_int_equal(acl_parse_network("10.0.0.4/30", &what.rule, &err),
	    0);
	drain(start(&what));
	/* 4 to 7, and 260 to 263. */
	assert_int_equal(killed, 8);
	assert_int_equal(done, 2 + 8);
	what = (struct proto_list){ .what = LIST_SHOW, .relay = "app" };
	drain(start(&what));	/* they have no remote */
	what = (struct proto_list){ .what = LIST_SHOW, .listener = "wet" };
	drain(start(&what));
	what = (struct proto_list){ .what = LIST_SHOW,
	    .older_ms = UINT64_MAX / 1000 };
	drain(start(&what));
	assert_int_equal(done, 2 + 8);
	what = (struct proto_list){ .what = LIST_SHOW, .listener = "web" };
	drain(start(&what));
	assert_int_equal(done, 2 + 8 + 292);
	assert_int_equal(ends, 6);
	for (i = 1; i <= 300; i++)
		assert_int_equal(told[i], (all[i - 1].path != NULL) +
		    (i == 7 && killed != 0 ? 1 : 0) + (i == 300));
}

/* Who goes away, who asks too often, and a worker that ends. */
static void
test_the_end_of_lists(void **state)
{
	const struct proto_list what = { .what = LIST_SHOW };
	int fds[6], i;

	(void)state;
	make(20000);
	close(start(&what));
	ev_turn(0);
	ev_turn(0);
	for (i = 0; i < 6; i++)
		fds[i] = start(&what);
	for (i = 0; i < 50; i++)
		ev_turn(0);
	for (i = 0; i < 6; i++)
		assert_true(take(fds[i]));
	assert_true(busy);
	for (i = 0; i < (int)count; i++)
		all[i].path = NULL;
	listing_stop();
	for (i = 0; i < 6; i++) {
		while (take(fds[i]))
			;
		assert_true(over(fds[i]));
		close(fds[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_each_is_told_of_once_and_no_turn_is_long, begin, end),
		cmocka_unit_test_setup_teardown(test_those_that_are_wanted,
		    begin, end),
		cmocka_unit_test_setup_teardown(test_the_end_of_lists, begin,
		    end)
	};
	int failed = 0;

	RUN_MODES(tests, failed);
	return failed;
}
