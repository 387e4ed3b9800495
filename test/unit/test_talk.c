/*
 * test_talk.c - the connections to programs that see what flows: one that reads
 * nothing costs a bounded amount of memory, and is gone on with when it reads.
 */
#include "evtest.h"

#include "ev.h"
#include "filter/talk.h"
#include "self.h"

#define COME	10000	/* sessions, one after the other */
#define WORDS	500	/* bytes told of each */

struct self self;

static struct conf_program program = { .name = "see", .processes = 1 };
static struct conf	 conf = { .programs = &program, .nprograms = 1 };
static unsigned		 woken;

static void
resume(struct sess *s)
{
	(void)s;
}

static bool
gone(const struct proto_auth *who)
{
	(void)who;
	return true;
}

static const char *
heard(struct talker *r, const struct filterframe *f)
{
	(void)r;
	(void)f;
	return NULL;
}

static void
changed(struct talker *r)
{
	(void)r;
	woken++;
}

static const struct talk_ops ops = { heard, changed };

/* How many of those who come and go find a connection. */
static unsigned
come_and_go(void)
{
	static const char words[WORDS];
	struct talker r;
	unsigned i, n = 0;

	for (i = 0; i < COME; i++) {
		memset(&r, 0, sizeof(r));
		r.ops = &ops;
		if (talk_join(&r, i)) {
			n++;
			assert_int_equal(talk_say(&r, FRAME_OPEN, 0, words,
			    sizeof(words)), 0);
		}
		talk_leave(&r);
		ev_turn(0);
	}
	return n;
}

static void
test_reads_nothing(void **state)
{
	static char buf[65536];
	const struct proto_auth who = { .section = 0 };
	struct talker waits = { .ops = &ops };
	const char *err;
	unsigned n;
	int sv[2];

	(void)state;
	self.conf = &conf;
	assert_int_equal(ev_init(&err), 0);
	assert_int_equal(talk_start(resume, gone), 0);
	make_pair(sv);
	talk_connect(&who, sv[0]);
	n = come_and_go();
	assert_true(n > 100 && n < COME);
	assert_int_equal(come_and_go(), 0);
	assert_false(talk_join(&waits, COME));
	woken = 0;
	alarm(30);
	while (woken == 0) {
		while (read(sv[1], buf, sizeof(buf)) > 0)
			;
		ev_turn(10);
	}
	alarm(0);
	assert_true(talk_join(&waits, COME));
	talk_leave(&waits);
	talk_connect(&who, -1);
	close(sv[1]);
	ev_fini();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
