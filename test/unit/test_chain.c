/*
 * test_chain.c - filters one behind the other: their order both ways, what they
 * hold and for how long, how an end and a reset pass them, and that the way
 * bytes are cut makes no difference.
 */
#include "chaintest.h"

#define DELAY	100	/* ms */

static int	 begun, closed;		/* sessions */

/*
 * Filters of this test. mark: a letter for every byte, of its section's name in
 * front of it, so that the order shows.
 */
static enum verdict
mark_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	char buf[2] = { f->section->name[0], 0 };

	(void)from;
	(void)flow;
	while (*in != NULL && filt_room(f, *out) > 0) {
		struct iovec iov[QUEUE_IOV];

		queue_look(*in, iov);
		buf[1] = *(char *)iov[0].iov_base;
		queue_taken(in, 1);
		if (queue_add(out, buf, 2) == -1)
			return FILTER_NOMEM;
	}
	return FILTER_GO;
}

static int
mark_open(struct filt *f, struct sess *s)
{
	assert_ptr_equal(f->sess, s);
	begun++;
	return 1;
}

static void
mark_close(struct filt *f)
{
	(void)f;
	closed++;
}

/* Holds all for a time, counted from the last byte. */
struct late {
	struct filt	 filt;
	uint64_t	 at[2];
	size_t		 had[2];
};

static enum verdict
late_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	struct late *l = container_of(f, struct late, filt);
	const unsigned way = filt_way(from);

	if (flow == FLOW_RESET) {
		queue_free(in);
		return FILTER_GO;
	}
	if (queue_len(*in) != l->had[way]) {
		l->had[way] = queue_len(*in);
		l->at[way] = ev_now() + DELAY;
	}
	if (*in != NULL && ev_now() < l->at[way]) {
		filt_wake(f, l->at[way]);
		return FILTER_GO;
	}
	if (queue_move(in, out, filt_room(f, *out)) == -1)
		return FILTER_NOMEM;
	l->had[way] = queue_len(*in);
	return FILTER_GO;
}

/* Holds until a line is whole. */
static enum verdict
line_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	char buf[65536];
	struct iovec iov[QUEUE_IOV];
	size_t i, n = 0, last = 0;
	int k, places;

	(void)from;
	if (*in == NULL)
		return FILTER_GO;
	places = queue_look(*in, iov);
	for (k = 0; k < places; k++) {
		memcpy(buf + n, iov[k].iov_base, iov[k].iov_len);
		n += iov[k].iov_len;
	}
	for (i = 0; i < n; i++)
		if (buf[i] == '\n')
			last = i + 1;
	if (flow != FLOW_ON)
		last = n;
	return queue_move(in, out, MIN(last, filt_room(f, *out))) == -1 ?
	    FILTER_NOMEM : FILTER_GO;
}

/* Ends as its section says after the first '!'. */
static enum verdict
stop_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	static const enum verdict verdicts[] = { ['f'] = FILTER_FIN,
	    ['c'] = FILTER_CLOSE, ['r'] = FILTER_RST, ['k'] = FILTER_CUT };
	struct iovec iov[QUEUE_IOV];

	(void)from;
	(void)flow;
	while (*in != NULL) {
		queue_look(*in, iov);
		if (*(char *)iov[0].iov_base == '!')
			return verdicts[(unsigned char)f->section->name[0]];
		if (queue_move(in, out, 1) == -1)
			return FILTER_NOMEM;
	}
	return FILTER_GO;
}

/* The same of what comes from the client; the other way it needs not see. */
static enum verdict
stop_up_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	if (!from->remote)
		return stop_data(f, from, in, out, flow);
	filt_leave(f, from);
	return FILTER_GO;
}

/* Keeps the end for a time. */
static enum verdict
slow_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	struct late *l = container_of(f, struct late, filt);
	const unsigned way = filt_way(from);

	if (queue_move(in, out, filt_room(f, *out)) == -1)
		return FILTER_NOMEM;
	if (flow != FLOW_LAST || *in != NULL)
		return FILTER_GO;
	if (l->at[way] == 0)
		l->at[way] = ev_now() + DELAY;
	if (ev_now() >= l->at[way])
		return FILTER_GO;
	filt_wake(f, l->at[way]);
	return FILTER_HOLD;
}

static int
never_open(struct filt *f, struct sess *s)
{
	(void)f;
	(void)s;
	return 0;
}

/* Allows so much. */
static size_t allowed;

static size_t
gate_allow(struct filt *f, struct end *from, size_t want)
{
	(void)f;
	(void)from;
	return MIN(want, allowed);
}

static const struct filter
    mark = { .size = sizeof(struct filt), .data = mark_data,
	.open = mark_open, .close = mark_close },
    late = { .size = sizeof(struct late), .data = late_data },
    line = { .size = sizeof(struct filt), .data = line_data },
    stop = { .size = sizeof(struct filt), .data = stop_data,
	.why = WHY_FAULT },
    stop_up = { .size = sizeof(struct filt), .data = stop_up_data,
	.why = WHY_FAULT },
    slow = { .size = sizeof(struct late), .data = slow_data },
    none = { .size = sizeof(struct filt) },
    gate = { .size = sizeof(struct filt), .allow = gate_allow },
    never = { .size = sizeof(struct filt), .open = never_open,
	.close = mark_close };

#define SECTION(o, n)	{ .ops = &o, .name = n }
static struct filter_section
    a = SECTION(mark, "a"), b = SECTION(mark, "b"),
    lates = SECTION(late, "late"), lines = SECTION(line, "line"),
    fin = SECTION(stop, "f"), closes = SECTION(stop, "c"),
    closes_up = SECTION(stop_up, "c"),
    rst = SECTION(stop, "r"), cut = SECTION(stop, "k"),
    slows = SECTION(slow, "slow"), nothing = SECTION(none, "n"),
    absent = SECTION(never, "absent"), gates = SECTION(gate, "gate");

#define BEGIN(...) do {							\
	static struct filter_section *list_[] = { __VA_ARGS__ };	\
									\
	assert_int_equal(session_begin(list_, nitems_of(list_)), 0);	\
} while (0)

static struct end *const client = &test_sess.client,
    *const remote = &test_sess.remote;

/* From the client first a, then b; backwards first b. Who does not take part is
 * not there, who needs no bytes has none. */
static void
test_order(void **state)
{
	char names[64];

	(void)state;
	begun = closed = 0;
	BEGIN(&a, &absent, &nothing, &b);
	assert_int_equal(begun, 2);
	assert_int_equal(comes(client, "12", 2), 0);
	has_come(client, "bab1bab2");
	assert_int_equal(comes(remote, "3", 1), 0);
	has_come(remote, "aba3");
	assert_string_equal(chain_str(test_extra.chain, names, sizeof(names)),
	    "a,n,b");
	session_end();
	assert_int_equal(closed, 2);
}

/* However it is cut, the same comes out. */
static void
test_splits(void **state)
{
	static const char text[] = "one\ntwo\n\nthree\nfour";
	const size_t len = sizeof(text) - 1;
	char want[256] = "", buf[256];
	size_t i, k, n, at;
	unsigned mask;

	(void)state;
	for (i = 0; i < len; i++)
		snprintf(want + 2 * i, 3, "a%c", text[i]);
	for (mask = 0; mask < 1u << 12; mask++) {
		BEGIN(&lates, &a, &lines);
		n = 0;
		for (i = at = 0; i < len; i = k) {
			for (k = i + 1; k < len && (mask >> k % 12 & 1) == 0;)
				k++;
			assert_int_equal(comes(client, text + i, k - i), 0);
			passes(mask % 3 * DELAY / 2);
			n += taken(client, buf + n, 3);
		}
		assert_int_equal(comes_end(client), 0);
		passes(DELAY);
		n += taken(client, buf + n, sizeof(buf) - n);
		assert_true(chain_over(client));
		assert_int_equal(chain_held(client), 0);
		assert_int_equal(n, 2 * len);
		assert_memory_equal(buf, want, n);
		session_end();
	}
}

/* An end waits behind what is held, and is held itself. */
static void
test_end(void **state)
{
	(void)state;
	BEGIN(&lates, &slows, &lates);
	assert_int_equal(comes(client, "x", 1), 0);
	assert_int_equal(comes_end(client), 0);
	assert_int_equal(chain_held(client), 2);
	assert_true(chain_busy(&test_sess));
	passes(DELAY - 1);
	has_come(client, "");
	passes(DELAY);
	assert_false(chain_over(client));
	passes(1);
	has_come(client, "x");
	assert_true(chain_over(client));
	assert_int_equal(chain_held(client), 0);
	assert_false(chain_busy(&test_sess));
	assert_false(chain_over(remote));
	session_end();
}

/* A reset does not wait: what is held for a time is gone, what is held for what
 * it is comes. */
static void
test_reset(void **state)
{
	(void)state;
	BEGIN(&lines, &a);
	assert_int_equal(comes(client, "xy", 2), 0);
	has_come(client, "");
	chain_fail(client);
	assert_int_equal(chain_run(client), 0);
	has_come(client, "axay");
	assert_int_equal(chain_held(client), 0);
	session_end();

	BEGIN(&a, &lates);
	assert_int_equal(comes(remote, "xy", 2), 0);
	assert_int_equal(chain_held(remote), 2);
	chain_fail(remote);
	assert_int_equal(comes(remote, "z", 1), 0);
	has_come(remote, "");
	assert_int_equal(chain_held(remote), 0);
	session_end();
}

/* What a filter has let by before it ends a direction comes, also through those
 * behind it; what comes later is dropped. */
static void
test_verdicts(void **state)
{
	(void)state;
	BEGIN(&a, &fin, &lates);
	assert_int_equal(comes(client, "x", 1), 0);
	assert_null(chain_ended_by(&test_sess));
	assert_int_equal(comes(client, "!y", 2), 0);
	assert_int_equal(comes(client, "z", 1), 0);
	assert_false(chain_over(client));
	passes(DELAY);
	has_come(client, "axa");
	assert_true(chain_over(client));
	assert_string_equal(chain_ended_by(&test_sess)->section->name, "f");
	assert_int_equal(comes(remote, "x", 1), 0);
	passes(DELAY);
	has_come(remote, "ax");
	assert_false(chain_over(remote));
	session_end();

	BEGIN(&a, &closes);
	assert_int_equal(comes(client, "x!", 2), 0);
	has_come(client, "axa");
	assert_true(chain_over(client));
	assert_int_equal(comes(remote, "yz", 2), 0);
	assert_true(chain_over(remote));
	has_come(remote, "");
	session_end();

	/* Also what the one that ends it does not look at. */
	BEGIN(&closes_up);
	assert_int_equal(chain_run(remote), 0);
	assert_false(remote->no_splice);
	assert_int_equal(comes(client, "x!", 2), 0);
	assert_int_equal(comes(remote, "yz", 2), 0);
	assert_true(remote->no_splice && chain_over(remote));
	session_end();

	BEGIN(&a, &closes_up);
	assert_int_equal(chain_run(remote), 0);
	assert_int_equal(comes(remote, "w", 1), 0);
	assert_int_equal(comes(client, "!", 1), 0);
	assert_int_equal(comes(remote, "yz", 2), 0);
	has_come(remote, "aw");
	session_end();

	BEGIN(&a, &rst);
	assert_int_equal(comes(client, "x!y", 3), -1);
	assert_int_equal(test_extra.chain->verdict, FILTER_RST);
	chain_fail(client);
	assert_int_equal(comes(client, "z", 1), 0);
	has_come(client, "axa");
	session_end();

	BEGIN(&cut);
	assert_int_equal(comes(remote, "!", 1), -1);
	assert_int_equal(test_extra.chain->verdict, FILTER_CUT);
	assert_string_equal(test_extra.chain->by->section->name, "k");
	session_end();
}

/* Nobody takes anything: a filter stops when what is behind it is full, and
 * goes on when there is room. */
static void
test_full(void **state)
{
	static char much[40 * 1024], buf[sizeof(much) * 4];
	size_t n = 0;

	(void)state;
	memset(much, 'x', sizeof(much));
	BEGIN(&a, &b);
	assert_int_equal(comes(client, much, sizeof(much)), 0);
	assert_true(queue_len(client->queue) < 50 * 1024);
	assert_true(chain_held(client) > 0);
	while (n < sizeof(buf)) {
		assert_true(client->queue != NULL);
		n += taken(client, buf + n, 777);
		assert_int_equal(chain_run(client), 0);
	}
	assert_null(client->queue);
	assert_int_equal(chain_held(client), 0);
	for (n = 0; n < sizeof(buf); n += 4)
		assert_memory_equal(buf + n, "babx", 4);
	session_end();
}

/* Who waits does so until it is looked at again: then nobody may have asked, as
 * there is no room, and what was said before is not true for ever. */
static void
test_waits(void **state)
{
	(void)state;
	BEGIN(&gates);
	allowed = 0;
	assert_int_equal(chain_allow(client, 100), 0);
	assert_true(chain_waits(client) && !chain_waits(remote));
	assert_int_equal(chain_run(client), 0);
	assert_false(chain_waits(client));
	assert_int_equal(chain_allow(client, 100), 0);
	assert_true(chain_waits(client));
	allowed = 10;
	assert_int_equal(chain_allow(client, 100), 10);
	assert_false(chain_waits(client));
	session_end();
}

/* No session begins where memory has no room; one that needs none does. */
static void
test_memory(void **state)
{
	static struct filter_section *held[] = { &lates };
	static struct filter_section *not[] = { &nothing };

	(void)state;
	store_limit(0);
	assert_int_equal(session_begin(held, 1), -1);
	assert_int_equal(errno, ENOMEM);
	session_end();
	assert_int_equal(session_begin(not, 1), 0);
	session_end();
	store_limit(UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
