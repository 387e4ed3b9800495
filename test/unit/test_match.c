/*
 * Filter match: what goes on is the same however the bytes come and go, held
 * bytes go on in the end, and each action does what it says.
 */
#include "evtest.h"

#include "ev.h"
#include "filter.h"
#include "pattern.h"
#include "self.h"
#include "store.h"

#define BYTES	4096
#define SHARE	512

struct self	 self;

static struct conf_match	 conf;
static struct conf		 whole = { .matches = &conf, .nmatches = 1 };
static struct board_filter	 board;
static struct filter_section	 section = { .name = "m", .board = &board };
static struct sess		 sess;
static struct filt		*filt;
static struct queue		*in, *out;
static char			 data[BYTES], got[4 * BYTES];
static size_t			 ngot;
static uint32_t			 state;

void
filt_wake(struct filt *f, uint64_t at)
{
	f->due = at;
}

size_t
filt_share(const struct filt *f)
{
	(void)f;
	return SHARE;
}

size_t
filt_room(const struct filt *f, const struct queue *q)
{
	(void)f;
	return queue_len(q) < SHARE ? SHARE - queue_len(q) : 0;
}

static unsigned
rnd(unsigned n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

static void
begin(const char *pattern, enum conf_action action, const char *with)
{
	memset(&conf, 0, sizeof(conf));
	conf.pattern = pattern;
	conf.with = with;
	conf.action = action;
	conf.window = 64;
	conf.hold = 100;
	self.conf = &whole;
	memset(&board, 0, sizeof(board));
	assert_int_equal(filter_match.start(&section), 0);
	filt = calloc(1, filter_match.size);
	filt->section = &section;
	filt->sess = &sess;
	sess.remote.remote = true;
	assert_int_equal(filter_match.open(filt, &sess), 1);
	ngot = 0;
}

static void
end(void)
{
	struct pattern **pattern = section.live; /* its first member */

	filter_match.close(filt);
	pattern_free(pattern);
	free(section.live);
	free(filt);
	queue_free(&in);
	queue_free(&out);
	assert_false(store_full());
}

static enum verdict
run(enum flow flow)
{
	return filter_match.data(filt, &sess.client, &in, &out, flow);
}

/* What the far end takes. */
static void
drain(size_t n)
{
	n = queue_peek(out, got + ngot, MIN(n, sizeof(got) - ngot));
	ngot += n;
	if (n > 0)
		queue_taken(&out, n);
}

/* All of it, in pieces of at most so many bytes; out is full now and then. */
static void
stream(const char *bytes, size_t len, unsigned most)
{
	size_t n;

	for (; len > 0; bytes += n, len -= n) {
		n = 1 + rnd(most);
		n = MIN(len, n);
		assert_int_equal(queue_add(&in, bytes, n), 0);
		assert_int_equal(run(FLOW_ON), FILTER_GO);
		drain(rnd(2) == 0 ? SHARE : rnd(64));
	}
	do {
		assert_int_equal(run(FLOW_LAST), FILTER_GO);
		drain(SHARE);
	} while (in != NULL || out != NULL);
}

static void
test_any_pieces(void **unused)
{
	static const struct {
		const char	*pattern, *with;
	} cases[] = {
		{ "secret", "******" }, { "b+", "" }, { "(a)(c?)", "$2$1$1$1" },
		{ "(?<=aa)b", "<>" }, { "^a|b$|\\z", "!" }, { "a{3,90}c", "x" },
		{ "(?<x>c)[ab]*", "${x}-$0-" }, { "(?s)a.*c", "[$0]" },
		{ "\\bab\\b", "word" },
	};
	char once[sizeof(got)];
	unsigned i, k, keep;
	size_t nonce;

	(void)unused;
	for (i = 0; i < nitems_of(cases); i++)
		for (k = keep = 0; k < 24; k++, keep = k % 2) {
			state = i;
			for (nonce = 0; nonce < BYTES; nonce++)
				data[nonce] = "aaab bc\nsecret"[rnd(14)];
			memcpy(data + 2000, "secretsecret", 12);
			begin(cases[i].pattern, CONF_MATCH_REPLACE,
			    cases[i].with);
			conf.length = keep ? CONF_LENGTH_KEEP :
			    CONF_LENGTH_FREE;
			stream(data, BYTES, BYTES);
			memcpy(once, got, nonce = ngot);
			end();
			begin(cases[i].pattern, CONF_MATCH_REPLACE,
			    cases[i].with);
			conf.length = keep ? CONF_LENGTH_KEEP :
			    CONF_LENGTH_FREE;
			state = k;
			stream(data, BYTES, k < 8 ? 1 : 1U << k / 2);
			assert_int_equal(ngot, nonce);
			assert_memory_equal(got, once, ngot);
			if (keep)
				assert_int_equal(ngot, BYTES);
			end();
		}
}

/* What only looks lets all go on at once, and sees the same. */
static void
test_looks(void **unused)
{
	const char *text = "abc abcabc xabxcab";
	size_t i;

	(void)unused;
	begin("abc|cab$", CONF_MATCH_COUNT, NULL);
	for (i = 0; text[i] != '\0'; i++) {
		queue_add(&in, text + i, 1);
		assert_int_equal(run(FLOW_ON), FILTER_GO);
		assert_null(in);
	}
	assert_int_equal(run(FLOW_LAST), FILTER_GO);
	assert_int_equal(board_get(&board.hits), 4);
	drain(SHARE);
	assert_int_equal(ngot, strlen(text));
	end();
}

static void
test_ends(void **unused)
{
	(void)unused;
	begin("union\\s+select", CONF_MATCH_RESET, NULL);
	queue_add(&in, "id=1 union ", 11);
	assert_int_equal(run(FLOW_ON), FILTER_GO);
	assert_int_equal(queue_len(in), 6);
	queue_add(&in, "  select x", 10);
	assert_int_equal(run(FLOW_ON), FILTER_RST);
	drain(SHARE);
	assert_int_equal(ngot, 5);
	end();
	begin("x", CONF_MATCH_CLOSE, NULL);
	queue_add(&in, "abx", 3);
	assert_int_equal(run(FLOW_ON), FILTER_CLOSE);
	assert_int_equal(queue_len(out), 2);
	end();
}

/* Bytes that may become a match go on after a while, and no match begins in
 * them any more. */
static void
test_hold(void **unused)
{
	(void)unused;
	begin("abc", CONF_MATCH_REPLACE, "X");
	queue_add(&in, "zab", 3);
	assert_int_equal(run(FLOW_ON), FILTER_GO);
	assert_int_equal(queue_len(in), 2);
	assert_in_range(filt->due, ev_now() + 1, ev_now() + 100);
	conf.hold = 0;
	assert_int_equal(run(FLOW_ON), FILTER_GO);
	assert_null(in);
	conf.hold = 100;
	queue_add(&in, "cabc", 4);
	assert_int_equal(run(FLOW_ON), FILTER_GO);
	drain(SHARE);
	assert_int_equal(ngot, 5);
	assert_memory_equal(got, "zabcX", 5);
	end();
}

static void
test_limit(void **unused)
{
	(void)unused;
	begin("abc", CONF_MATCH_REPLACE, "X");
	conf.limit = 5;
	stream("abcababcabc", 11, 1);
	assert_int_equal(ngot, 9);
	assert_memory_equal(got, "Xababcabc", 9);
	assert_true(filt->left[0]);
	assert_false(filt->left[1]);
	end();
}

/* It comes to an end, and all goes on. */
static void
test_dear(void **unused)
{
	size_t i;

	(void)unused;
	for (i = 0; i < BYTES; i++)
		data[i] = 'a';
	begin("(a+)+b", CONF_MATCH_RESET, NULL);
	stream(data, BYTES, BYTES);
	assert_int_equal(ngot, BYTES);
	end();
	begin("(?:(?:a?){20}){20}b", CONF_MATCH_COUNT, NULL);
	stream(data, BYTES, 100);
	assert_int_equal(ngot, BYTES);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_pieces),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_dear),
	};
	const char *err;

	if (ev_init(&err) == -1)
		return 1;
	store_limit(1024 * 1024);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
