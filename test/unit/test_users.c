/*
 * test_users.c - what a file of users may have in it, and how often somebody
 * may be wrong.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guess.h"
#include "users.h"

#define DES	"abJnggxhB/yWI"

static char path[] = "/tmp/test_users.XXXXXX";

static int
reads(struct users *u, const char *text, unsigned *line, const char **err)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	return users_read(u, path, line, err);
}

static void
right(void **state)
{
	struct users u;
	const char *err;
	unsigned line;

	(void)state;
	assert_int_equal(reads(&u, "# who\n\nz:$6$a$b\na b:" DES "\n\xc3\xa4:"
	    "$y$j9T$a$b", &line, &err), 0);
	assert_int_equal(u.n, 3);
	assert_string_equal(u.first, "$6$a$b");
	assert_string_equal(users_find(&u, "a b")->hash, DES);
	assert_string_equal(users_find(&u, "z")->hash, u.first);
	assert_int_equal(users_find(&u, "\xc3\xa4")->line, 5);
	assert_null(users_find(&u, ""));
	assert_null(users_find(&u, "a"));
	users_free(&u);
}

static void
wrong(void **state)
{
	static const struct {
		const char	*text, *why;
		unsigned	 line;
	} cases[] = {
		{ "", "nobody", 0 },
		{ "#\n\n", "nobody", 0 },
		{ "a:" DES "\nb\n", "no name:hash", 2 },
		{ ":" DES, "no name:hash", 1 },
		{ "a:secret", "no hash", 1 },
		{ "a:", "no hash", 1 },
		{ "a:" DES ":", "no hash", 1 },
		{ "a:$6$a b", "no hash", 1 },
		{ "a:!$6$a", "no hash", 1 },
		{ "a:$apr1$a$b", "Apache", 1 },
		{ "a\tb:" DES, "control", 1 },
		{ "a:" DES "\nb:" DES "\na:" DES, "before", 3 },
	};
	struct users u;
	const char *err;
	unsigned line;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		assert_int_equal(reads(&u, cases[i].text, &line, &err), -1);
		assert_non_null(strstr(err, cases[i].why));
		assert_int_equal(line, cases[i].line);
	}
	assert_int_equal(users_read(&u, "/", &line, &err), -1);
	assert_int_equal(users_read(&u, "/nowhere", &line, &err), -1);
	assert_int_equal(line, 0);
}

static void
guesses(void **state)
{
	const uint64_t now = 1000000;
	char other[32];
	unsigned i;

	(void)state;
	for (i = 0; i < GUESS_BURST; i++) {
		assert_true(guess_may("192.0.2.1", now));
		guess_wrong("192.0.2.1", now);
		assert_true(guess_may("2001:db8::1", now));
		guess_wrong("2001:db8::2", now);
	}
	assert_false(guess_may("192.0.2.1", now));
	assert_false(guess_may("2001:db8::ff:1", now));
	assert_true(guess_may("192.0.2.2", now));
	assert_true(guess_may("2001:db8:0:1::1", now));
	assert_false(guess_may("192.0.2.1", now + GUESS_EVERY - 1));
	assert_true(guess_may("192.0.2.1", now + GUESS_EVERY));
	guess_wrong("192.0.2.1", now + GUESS_EVERY);
	assert_false(guess_may("192.0.2.1", now + GUESS_EVERY));
	/* Those who are wrong once push nobody out who is so often. */
	for (i = 0; i < 3 * GUESS_SOURCES; i++) {
		snprintf(other, sizeof(other), "10.0.%u.%u", i / 256, i % 256);
		assert_true(guess_may(other, now + GUESS_EVERY));
		guess_wrong(other, now + GUESS_EVERY);
	}
	assert_false(guess_may("192.0.2.1", now + GUESS_EVERY));
}

static int
setup(void **state)
{
	(void)state;
	return mkstemp(path) == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right),
		cmocka_unit_test(wrong),
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
