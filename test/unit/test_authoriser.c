/*
 * test_authoriser.c - questions under way: answers in any order, from whom
 * nothing was asked, too late, and none; connections that break; as many
 * questions as there may be.
 */
#include "compat.h"

#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "authoriser.h"
#include "ev.h"
#include "self.h"

#define TURNS	8	/* enough for all that follows from one event */
#define PATIENCE 30	/* s */
#define TIMEOUT	60000	/* ms; who is to be late says another */

struct self self;

/* What stands for a session. */
struct sess {
	struct question	*q;
	unsigned	 told;
};

static struct conf_auth	 auth = { .name = "ask", .processes = 2,
			    .timeout = TIMEOUT, .fail = CONF_FAIL_PERMIT };
static struct conf	 conf = { .auths = &auth, .nauths = 1 };
static int		 ours[2] = { -1, -1 };	/* who is asked */
static unsigned		 lost[2];
static bool		 full;			/* the master's channel */
static struct sess	 all[AUTHORISER_MOST + 1];

static void
turns(void)
{
	int i;

	for (i = 0; i < TURNS; i++)
		ev_turn(0);
}

/* Until that has happened. */
static void
looked(const unsigned *count)
{
	alarm(PATIENCE);
	while (*count == 0)
		ev_turn(10);
	alarm(0);
}

static void
answered(struct sess *s)
{
	assert_non_null(s->q);
	s->told++;
}

static bool
broken(const struct proto_auth *a)
{
	assert_int_equal(a->section, 0);
	assert_in_range(a->number, 0, 1);
	if (full)
		return false;
	lost[a->number]++;
	return true;
}

static void
attach(unsigned number)
{
	const struct proto_auth who = { .number = number, .serial = 7 };
	int sv[2];

	if (ours[number] != -1)
		close(ours[number]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	ours[number] = sv[0];
	authoriser_connect(&who, sv[1]);
	turns();
}

static void
detach(unsigned number)
{
	close(ours[number]);
	ours[number] = -1;
	turns();
}

static void
ask(struct sess *s, const char *client)
{
	struct authline words = { .text = NULL };

	authline_add(&words, "client", client);
	s->told = 0;
	s->q = authoriser_ask(0, s, &words);
	free(words.text);
}

/* The id of the next question there, 0: none. */
static unsigned long long
hear(unsigned number, const char *client)
{
	char line[256], rest[128];
	unsigned long long id;
	size_t n = 0;

	turns();
	while (n + 1 < sizeof(line) && recv(ours[number], line + n, 1, 0) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = '\0';
	if (n == 0)
		return 0;
	assert_int_equal(sscanf(line, "id=%llu client=%127s", &id, rest), 2);
	assert_string_equal(rest, client);
	return id;
}

static void
say(unsigned number, const char *fmt, unsigned long long id)
{
	char line[600];
	int n = snprintf(line, sizeof(line), fmt, id);

	assert_int_equal(send(ours[number], line, (size_t)n, MSG_NOSIGNAL), n);
	turns();
}

static void
expect(struct sess *s, enum answer answer)
{
	turns();
	assert_int_equal(s->told, 1);
	assert_true(s->q->answered);
	assert_int_equal(s->q->reply.answer, answer);
	authoriser_forget(&s->q);
	assert_null(s->q);
}

static void
test_order(void **state)
{
	unsigned long long a, b, c;

	(void)state;
	attach(0);
	ask(&all[0], "a");
	ask(&all[1], "b");
	ask(&all[2], "c");
	a = hear(0, "a");
	b = hear(0, "b");
	c = hear(0, "c");
	say(0, "id=%llu relay=x\n", c);
	expect(&all[2], ANSWER_RELAY);
	say(0, "id=%llu per", a);
	assert_int_equal(all[0].told, 0);
	say(0, "mit\nid=%llu de", b);
	expect(&all[0], ANSWER_PERMIT);
	say(0, "ny\nid=99 deny\n", 0);
	expect(&all[1], ANSWER_DENY);
	/* An id that was is no other one's. */
	ask(&all[0], "a");
	say(0, "id=%llu deny\n", a);
	assert_int_equal(all[0].told, 0);
	say(0, "id=%llu maybe\n", hear(0, "a"));
	expect(&all[0], ANSWER_PERMIT);
	/* Nobody waits for this one. */
	ask(&all[0], "a");
	a = hear(0, "a");
	authoriser_forget(&all[0].q);
	say(0, "id=%llu permit\n", a);
	assert_int_equal(all[0].told, 0);
	assert_int_equal(lost[0], 1);
	lost[0] = 0;
}

static void
test_broken(void **state)
{
	unsigned long long id;

	(void)state;
	ask(&all[0], "a");
	ask(&all[1], "b");
	id = hear(0, "a");
	assert_true(hear(0, "b") != 0);
	attach(1);
	full = true;
	detach(0);
	assert_int_equal(lost[0], 0);
	full = false;
	/* Asked again, of the other; answers of the former are none. */
	assert_int_equal(hear(1, "a"), id);
	assert_true(hear(1, "b") != 0);
	say(1, "id=%llu deny\n", id);
	expect(&all[0], ANSWER_DENY);
	looked(&lost[0]);
	/* Not a third time. */
	say(1, "garbage\n", 0);
	expect(&all[1], ANSWER_PERMIT);
	assert_int_equal(lost[1], 1);
	/* Whoever comes is asked what waits. */
	ask(&all[0], "a");
	attach(1);
	id = hear(1, "a");
	say(1, "%0512llu", 0);
	attach(0);
	assert_int_equal(hear(0, "a"), id);
	say(0, "id=%llu permit\n", id);
	expect(&all[0], ANSWER_PERMIT);
	assert_int_equal(lost[1], 2);
	/* Nor a third time where another comes before it is known to break. */
	ask(&all[0], "a");
	id = hear(0, "a");
	attach(0);
	assert_int_equal(hear(0, "a"), id);
	attach(0);
	expect(&all[0], ANSWER_PERMIT);
}

static void
test_late(void **state)
{
	unsigned n = 0;

	(void)state;
	auth.timeout = 10;
	attach(0);
	/* After five that it has got it hangs. */
	for (; lost[0] == 0; n++) {
		ask(&all[0], "a");
		looked(&all[0].told);
		expect(&all[0], ANSWER_PERMIT);
	}
	assert_in_range(n, 5, UINT32_MAX);
	auth.timeout = TIMEOUT;
}

/* The memory of those that wait is all that they cost. */
static void
test_most(void **state)
{
	unsigned i;

	(void)state;
	attach(0);
	for (i = 0; i < AUTHORISER_MOST; i++) {
		ask(&all[i], "x");
		assert_non_null(all[i].q);
	}
	ask(&all[i], "x");
	assert_null(all[i].q);
	assert_int_equal(errno, ENOBUFS);
	for (i = 0; i < AUTHORISER_MOST; i++)
		say(0, "id=%llu permit\n", hear(0, "x"));
	for (i = 0; i < AUTHORISER_MOST; i++) {
		assert_int_equal(all[i].told, 1);
		authoriser_forget(&all[i].q);
	}
	ask(&all[0], "x");
	say(0, "id=%llu deny\n", hear(0, "x"));
	expect(&all[0], ANSWER_DENY);
}

static void
test_drain(void **state)
{
	unsigned long long id;

	(void)state;
	ask(&all[0], "a");
	id = hear(0, "a");
	authoriser_drain();
	say(0, "id=%llu permit\n", id);
	expect(&all[0], ANSWER_PERMIT);
	turns();
	assert_int_equal(recv(ours[0], &id, 1, 0), 0);
	assert_int_equal(lost[0], 1);
}

static int
begin(void **state)
{
	const char *err;

	(void)state;
	self.conf = &conf;
	return ev_init(&err) == -1 ? -1 : authoriser_start(answered, broken);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
