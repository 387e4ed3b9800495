/*
 * test_window.c - hours of the week as text, whether they are now, and what a
 * clock shows when it is put forward, back, or by somebody.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "window.h"

#define BERLIN	"CET-1CEST,M3.5.0,M10.5.0/3"

static time_t	 now;
static unsigned	 asked;

int		 __wrap_clock_gettime(clockid_t, struct timespec *);
struct tm	*__wrap_localtime_r(const time_t *, struct tm *);
struct tm	*__real_localtime_r(const time_t *, struct tm *);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = now;
	ts->tv_nsec = 0;
	return 0;
}

struct tm *
__wrap_localtime_r(const time_t *t, struct tm *tm)
{
	asked++;
	return __real_localtime_r(t, tm);
}

/* "days hours", each of which may be missing */
static int
parse(const char *text, struct window *w)
{
	char copy[64], *next = copy, *word;

	memset(w, 0, sizeof(*w));
	strlcpy(copy, text, sizeof(copy));
	word = strsep(&next, " ");
	if (window_days(word, w) == 0) {
		if (next == NULL)
			return 0;
		word = next;
	}
	return window_hours(word, w);
}

static void
test_text(void **state)
{
	static const char *const cases[][2] = {
		{ "mon-fri 08:00-18:00", "mon-fri 08:00-18:00" },
		{ "sat,sun", "sat-sun" },
		{ "sun,sat 22:00-06:00", "sat-sun 22:00-06:00" },
		{ "mon", "mon" },
		{ "sun,mon", "mon,sun" },
		{ "fri-mon", "mon,fri-sun" },
		{ "sun,wed,mon,fri 22:00-06:00",
		    "mon,wed,fri,sun 22:00-06:00" },
		{ "mon-tue,thu-fri,sun 22:01-06:59",
		    "mon-tue,thu-fri,sun 22:01-06:59" },
		{ "08:00-18:00", "08:00-18:00" },
		{ "08:00-24:00", "08:00-24:00" },
		{ "08:00-00:00", "08:00-24:00" },
		{ "23:59-24:00", "23:59-24:00" },
		{ "00:00-00:01", "00:00-00:01" },
		{ "tue 00:00-24:00", "tue" },
		{ "mon-sun", "" },
		{ "wed-tue", "" },
		{ "00:00-24:00", "" },
		{ "mon-sun 09:00-10:00", "09:00-10:00" },
	};
	char buf[WINDOW_STRLEN];
	struct window w, again;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		assert_int_equal(parse(cases[i][0], &w), 0);
		assert_true(window_good(&w));
		assert_string_equal(window_str(&w, buf), cases[i][1]);
		if (*buf == '\0')
			continue;
		assert_int_equal(parse(buf, &again), 0);
		assert_memory_equal(&w, &again, sizeof(w));
	}
}

static void
test_text_bad(void **state)
{
	static const char *const cases[] = { "", "mo", "monday", "Mon", "mon-",
	    "-fri", "mon,", ",mon", "mon,,tue", "mon-tue-wed", "8:00-18:00",
	    "08:00", "08:00-", "-18:00", "08:00-18:00x", "08:60-18:00",
	    "24:01-18:00", "24:00-01:00", "08:00-25:00", "08:00-08:00",
	    "00:00-00:00", "0800-1800", "08:00 -18:00", "mon 08:00-18:0",
	    "008:00-18:00", "08:00-018:00", "+8:00-18:00" };
	struct window w;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++)
		if (parse(cases[i], &w) != -1)
			fail_msg("\"%s\" is taken", cases[i]);
}

/* A minute of the week by day and time; Sunday is 0. */
static unsigned
at(unsigned day, unsigned hour, unsigned minute)
{
	return (day * 24 + hour) * 60 + minute;
}

static bool
is_open(const char *text, unsigned day, unsigned hour, unsigned minute)
{
	struct window w;

	assert_int_equal(parse(text, &w), 0);
	return window_open(&w, at(day, hour, minute));
}

static void
test_open(void **state)
{
	const struct window always = { .days = 0 };

	(void)state;
	assert_true(window_open(&always, 0));
	assert_false(is_open("mon-fri 08:00-18:00", 1, 7, 59));
	assert_true(is_open("mon-fri 08:00-18:00", 1, 8, 0));
	assert_true(is_open("mon-fri 08:00-18:00", 5, 17, 59));
	assert_false(is_open("mon-fri 08:00-18:00", 5, 18, 0));
	assert_false(is_open("mon-fri 08:00-18:00", 6, 12, 0));
	assert_false(is_open("mon-fri 08:00-18:00", 0, 12, 0));
	assert_true(is_open("sat-sun", 0, 23, 59));
	assert_false(is_open("sat-sun", 1, 0, 0));
	assert_true(is_open("08:00-24:00", 3, 23, 59));
	assert_false(is_open("08:00-24:00", 4, 0, 0));
}

/* The night belongs to the day on which it begins, over the week's end too. */
static void
test_over_midnight(void **state)
{
	(void)state;
	assert_true(is_open("22:00-06:00", 2, 22, 0));
	assert_true(is_open("22:00-06:00", 2, 5, 59));
	assert_false(is_open("22:00-06:00", 2, 6, 0));
	assert_false(is_open("22:00-06:00", 2, 21, 59));
	assert_true(is_open("fri 22:00-06:00", 6, 5, 59));
	assert_false(is_open("fri 22:00-06:00", 5, 5, 59));
	assert_false(is_open("fri 22:00-06:00", 6, 22, 0));
	assert_true(is_open("sat 22:00-06:00", 0, 0, 0));
	assert_true(is_open("sun 22:00-06:00", 1, 5, 59));
	assert_false(is_open("sun 22:00-06:00", 0, 5, 59));
}

static void
zone(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	window_zone();
}

static void
test_clocks_that_are_put_forward_and_back(void **state)
{
	(void)state;
	zone(BERLIN);
	/* 2026-03-29 01:00 UTC: from 02:00 to 03:00, a Sunday. */
	assert_int_equal(window_at(1774746000 - 1), at(0, 1, 59));
	assert_int_equal(window_at(1774746000), at(0, 3, 0));
	/* 2026-10-25 01:00 UTC: from 03:00 to 02:00. */
	assert_int_equal(window_at(1792890000 - 1), at(0, 2, 59));
	assert_int_equal(window_at(1792890000), at(0, 2, 0));
	assert_int_equal(window_at(1792890000 + 3600), at(0, 3, 0));
	/* The same hour of a wall is so many hours of UTC. */
	assert_int_equal(window_at(1790000000), at(1, 16, 13));
	zone("UTC0");
	assert_int_equal(window_at(1790000000), at(1, 14, 13));
	zone("<+1345>-13:45");
	assert_int_equal(window_at(1790000000), at(2, 3, 58));
}

/* No look at the time zone for each session, and no look at a former time. */
static void
test_a_clock_that_is_set_is_obeyed_at_once(void **state)
{
	unsigned i;

	(void)state;
	zone("UTC0");
	now = 1790000000;
	asked = 0;
	for (i = 0; i < 1000; i++)
		assert_int_equal(window_now(), at(1, 14, 13));
	assert_int_equal(asked, 1);
	now += 3600;
	assert_int_equal(window_now(), at(1, 15, 13));
	now -= 86400;
	assert_int_equal(window_now(), at(0, 15, 13));
	zone(BERLIN);
	assert_int_equal(window_now(), at(0, 17, 13));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_bad),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_over_midnight),
		cmocka_unit_test(test_clocks_that_are_put_forward_and_back),
		cmocka_unit_test(test_a_clock_that_is_set_is_obeyed_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
