/*
 * test_authline.c - what a value may be in a question, and what an answer is.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parse/authline.h"

static void
values(void **state)
{
	struct authline l = { .text = NULL };
	char wide[AUTHLINE_VALUE + 2];

	(void)state;
	memset(wide, '\n', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	authline_add(&l, "sni", "a.b-c_d");
	authline_add(&l, "alpn", NULL);
	authline_add(&l, "long", wide);
	authline_add(&l, "subject", "x y\nid=1 %00\x7f\xc3\xa4`$(id)*");
	authline_add(&l, "client", "fe80::1%2");
	authline_number(&l, "port", 65535);
	authline_add(&l, "empty", "");
	assert_string_equal(l.text, " sni=a.b-c_d subject=x%20y%0Aid%3D1%20"
	    "%2500%7F%C3%A4%60%24%28id%29%2A client=fe80::1%252 port=65535 "
	    "empty=");
	assert_int_equal(l.len, strlen(l.text));
	wide[sizeof(wide) - 2] = '\0';
	authline_add(&l, "fits", wide);
	assert_non_null(strstr(l.text, " fits=%0A%0A"));
	assert_int_equal(l.len, strlen(l.text));
	free(l.text);
}

static void
answers(void **state)
{
	static const struct {
		const char	*line;
		int		 answer;	/* -1: none */
		uint64_t	 id;
		const char	*relay;
	} cases[] = {
		{ "id=17 permit", ANSWER_PERMIT, 17, "" },
		{ "id=0 deny", ANSWER_DENY, 0, "" },
		{ "id=1 relay=app", ANSWER_RELAY, 1, "app" },
		{ "id=18446744073709551615 permit", -1, 0, NULL },
		{ "id=184467440737095516150 permit", -1, 0, NULL },
		{ "id=1 relay=", ANSWER_UNKNOWN, 1, "" },
		{ "id=1 relay=a b", ANSWER_UNKNOWN, 1, "" },
		{ "id=1 relay=0123456789012345678901234567890",
		    ANSWER_RELAY, 1, "0123456789012345678901234567890" },
		{ "id=1 relay=01234567890123456789012345678901",
		    ANSWER_UNKNOWN, 1, "" },
		{ "id=1 permit ", ANSWER_UNKNOWN, 1, "" },
		{ "id=1  permit", ANSWER_UNKNOWN, 1, "" },
		{ "id=1 PERMIT", ANSWER_UNKNOWN, 1, "" },
		{ "id=1 ", ANSWER_UNKNOWN, 1, "" },
		{ "id=1", -1, 0, NULL },
		{ "id= permit", -1, 0, NULL },
		{ "id=-1 permit", -1, 0, NULL },
		{ "id=1x permit", -1, 0, NULL },
		{ " id=1 permit", -1, 0, NULL },
		{ "permit", -1, 0, NULL },
		{ "", -1, 0, NULL },
	};
	struct reply r;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		if (cases[i].answer == -1) {
			assert_int_equal(authline_reply(cases[i].line,
			    strlen(cases[i].line), &r), -1);
			continue;
		}
		assert_int_equal(authline_reply(cases[i].line,
		    strlen(cases[i].line), &r), 0);
		assert_int_equal(r.answer, cases[i].answer);
		assert_int_equal(r.id, cases[i].id);
		assert_string_equal(r.relay, cases[i].relay);
	}
}

/* Only what is there is looked at. */
static void
parts(void **state)
{
	static const char line[] = "id=17 relay=app\nid=18 deny";
	struct reply r;
	size_t n;

	(void)state;
	for (n = 0; n < 6; n++)
		assert_int_equal(authline_reply(line, n, &r), -1);
	assert_int_equal(authline_reply(line, 14, &r), 0);
	assert_string_equal(r.relay, "ap");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(answers),
		cmocka_unit_test(parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
