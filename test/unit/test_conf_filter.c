/*
 * Sections that are filters: their options, their names, and who uses them.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "conf/int.h"
#include "conf_report.h"
#include "fake_netdb.h"

#define REMOTE	"remote r { address = \"127.0.0.1\" port = 81 }"
/* x on line 1, y for the listener on 2, z for the relay section on 3. */
#define IN(x, y, z) \
	x "\nspawnd { listen w { port = 80 " y " } }\n" \
	"relay a { " REMOTE " " z " }\n"
#define RATE	"rate r { bytes = 1 }"

static void
test_mistakes(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ IN("rate r { }", "filters = {r}", ""),
		    "t:1: rate \"r\" needs bytes\n" },
		{ IN("rate r { bytes = 0 burst = 2g per = a direction = b }",
		    "filters = {r}", ""),
		    "t:1: bytes 0 is out of range; use 1 to 1024g\n"
		    "t:1: burst 2g is out of range; use 1 to 1g\n"
		    "t:1: per \"a\" is not known; use session, "
		    "source, listener or relay\n"
		    "t:1: direction \"b\" is not known; use both, up or "
		    "down\n" },
		{ IN("program p { command = 'x y' fail = open }", "", ""),
		    "t:1: fail \"open\" is not known; use close or pass\n"
		    "t:1: command \"x y\" is not absolute; start it with "
		    "\"/\"\n" },
		{ IN("program p { processes = 65 }", "", ""), "t:1: processes "
		    "65 is out of range; use 1 to 64\nt:1: program \"p\" needs "
		    "a command\n" },
#ifdef HAVE_PCRE2
		{ IN("match m { pattern = 'a(b' }", "filters = {m}", ""),
		    "t:1: match \"m\": pattern is wrong at offset 3: missing "
		    "closing parenthesis\n" },
		{ IN("match m { action = replace with = '$2' pattern = '(a)' }",
		    "", ""), "t:1: match \"m\": with is wrong at offset 2: "
		    "unknown substring\n" },
		{ IN("match m { pattern = '\\\\Ga' }", "", ""), "t:1: match "
		    "\"m\": pattern has \\G, which means nothing in a "
		    "stream\n" },
		{ IN("match m { pattern = a with = b limit = 2p }", "", ""),
		    "t:1: limit \"2p\" is not a size; use a number and k, m "
		    "or g; a bare number is bytes\n"
		    "t:1: match \"m\": with is for action = replace; "
		    "leave it out\n" },
		{ IN("match m { pattern = a action = close window = 2k }", "",
		    "filters = {m} buffer = 4k"), "t:3: the window of match "
		    "\"m\" is more than three eighths of the buffer of relay "
		    "\"a\"; make one smaller or the other larger\n" },
#else
		{ IN("match m { pattern = a }", "", ""), "t:1: match \"m\": "
		    "pattern needs PCRE2, which this spawnd was built without; "
		    "build it with libpcre2-dev\n" },
#endif
		{ IN("rate cap { bytes = 1 }", "filters = {cpa}",
		    "filters = {q}"),
		    "t:2: there is no filter \"cpa\"; did you mean "
		    "\"cap\"?\nt:3: there is no filter \"q\"\n" },
		{ IN(RATE " tls t { ca = /c }", "filters = {t}", ""),
		    "t:2: tls \"t\" is no filter; write tls = t\n" },
		{ IN(RATE " tls r { ca = /c }", "", ""), "t:1: tls \"r\" "
		    "has the name of the rate on line 1; filters and tls "
		    "sections share one set of names\n" },
		{ IN("fault f { } fault g { latency = 1s down = yes }\n"
		    "fault h {\nbandwidth = 1k\njitter = 1s }", "", ""),
		    "t:1: fault \"f\" has no kind; give it one of latency, "
		    "bandwidth, flip, flip-at, slice, limit, slow-close, "
		    "drop-after, reset-after, cut-after and down = yes\n"
		    "t:1: fault \"g\" has two kinds; make it two sections, "
		    "and name both in filters\n"
		    "t:4: fault \"h\" has jitter without latency; add "
		    "latency = TIME\n" },
		{ IN("fault f { latency = x }\n"
		    "fault g { chance = 2 flip = 1e-10 bit = 8 limit = -1 }",
		    "", ""),
		    "t:1: latency \"x\" is not a time; use a number and ms, "
		    "s, m, h or d; a bare number is seconds\n"
		    "t:2: chance 2 is out of range; use 0 to 1\n"
		    "t:2: flip \"1e-10\" is not a share from 1e-9 to 1\n"
		    "t:2: bit 8 is out of range; use 0 to 7\n"
		    "t:2: limit -1 is out of range; use 0 to 1073741824g\n" },
		{ IN("fault f { slice = 5 slice-variation = 5 }", "", ""),
		    "t:1: fault \"f\" has a slice-variation that is not less "
		    "than slice\n" },
		{ IN(RATE " " RATE, "", ""),
		    "t:1: rate \"r\" is there twice; it is on line 1 "
		    "already\n" },
		{ IN(RATE, "filters = {r, r}", ""),
		    "t:2: filter \"r\" is there twice; name it once\n" },
		{ IN(RATE, "filters = {r, 'r,'}", ""),
		    "t:2: filters \"r,\" is no name of a section\n" },
		{ RATE "\nspawnd { spawn { exec = /bin/true }\n"
		    "listen w { port = 80 filters = r } }",
		    "t:3: filters = r is for relay, and spawn: exec runs "
		    "another program; take one of them away\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		assert_null(load(cases[i].text));
		assert_string_equal(said.text, cases[i].want);
	}
}

/* All kinds in one row, and back. */
static void
test_numbers(void **state)
{
	struct conf *c = load(IN("rate r { bytes = 5 } rate s { bytes = 6 }",
	    "filters = {s}", "filters = {r, s} io = splice"));
	struct conf_filter f, g;
	unsigned i;

	(void)state;
	assert_non_null(c);
	assert_int_equal(conf_nfilters(c), 2);
	for (i = 0; i < 2; i++) {
		f = conf_filter_at(c, i);
		assert_int_equal(conf_filter_number(c, &f), i);
		assert_true(conf_filter_of(c, conf_filter_name(c, &f), &g));
		assert_int_equal(conf_filter_number(c, &g), i);
	}
	assert_false(conf_filter_of(c, "a", &f));
	assert_string_equal(c->listens[0].filters[0], "s");
	assert_int_equal(c->relays[0].nfilters, 2);
	assert_int_equal(c->rates[0].burst, 65536);
	conf_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
