#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "utf8.h"

static void
length(void **state)
{
	static const struct {
		const char	*text;
		size_t		 len;
	} good[] = {
		{ "a", 1 }, { "\xc2\xa0", 2 }, { "\xdf\xbf", 2 },
		{ "\xe0\xa0\x80", 3 }, { "\xed\x9f\xbf", 3 },
		{ "\xee\x80\x80", 3 }, { "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 }
	};
	static const char * const bad[] = { "\x80", "\xbf", "\xc0\x80",
	    "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80",
	    "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80",
	    "\xff", "\xf0\x90\x80" };
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(good); i++)
		assert_int_equal(utf8_len(good[i].text, strlen(good[i].text)),
		    good[i].len);
	for (i = 0; i < nitems_of(bad); i++)
		assert_int_equal(utf8_len(bad[i], strlen(bad[i])), 0);
	assert_int_equal(utf8_len("\xe2\x82\xac", 2), 0);
	assert_int_equal(utf8_len("", 1), 1);
}

static void
clean(void **state)
{
	static const char * const rows[][2] = {
		{ "plain", "plain" }, { "", "" },
		{ "a\nb\r\tc\x7f\x1b[2J", "a?b??c??[2J" },
		{ "\xc3\xbc\xe2\x82\xac", "\xc3\xbc\xe2\x82\xac" },
		{ "x\xff\xc3", "x??" },
		{ "\xc2\x9b" "2J\xc2\xa0", "??2J\xc2\xa0" },
		{ "\xf4\x90\x80\x80z", "????z" }
	};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(rows); i++) {
		strlcpy(text, rows[i][0], sizeof(text));
		utf8_clean(text, strlen(text));
		assert_string_equal(text, rows[i][1]);
	}
	memcpy(text, "a\0b", 4);
	utf8_clean(text, 3);
	assert_string_equal(text, "a?b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length),
		cmocka_unit_test(clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
