#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rows.h"

static struct rows
read_rows(const char *text)
{
	struct rows r;

	assert_int_equal(rows_read(&r, strdup(text)), 0);
	return r;
}

static void
cells(void **state)
{
	struct rows r = read_rows("name\tn\nweb\t12\nd\x01\xff\t-\textra\n"
	    "short\n");
	uint64_t n;

	(void)state;
	assert_int_equal(r.ncols, 2);
	assert_int_equal(r.nrows, 3);
	assert_string_equal(rows_cell(&r, 0, "name"), "web");
	assert_string_equal(rows_cell(&r, 1, "name"), "d??");
	assert_string_equal(rows_cell(&r, 2, "n"), "-");
	assert_null(rows_cell(&r, 0, "other"));
	assert_null(rows_cell(&r, 3, "name"));
	assert_true(rows_number(&r, 0, "n", &n));
	assert_int_equal(n, 12);
	assert_false(rows_number(&r, 0, "name", &n));
	assert_false(rows_number(&r, 1, "n", &n));
	assert_false(rows_number(&r, 0, "other", &n));
	rows_free(&r);
	rows_free(&r);
}

static void
numbers(void **state)
{
	static const char * const bad[] = { "-1", "+1", " 1", "1 ", "1.5",
	    "99999999999999999999", "0x10" };
	struct rows r = read_rows("n\n18446744073709551615\n");
	uint64_t n;
	size_t i;

	(void)state;
	assert_true(rows_number(&r, 0, "n", &n));
	assert_true(n == UINT64_MAX);
	rows_free(&r);
	for (i = 0; i < nitems_of(bad); i++) {
		char text[64];

		snprintf(text, sizeof(text), "n\n%s\n", bad[i]);
		r = read_rows(text);
		assert_false(rows_number(&r, 0, "n", &n));
		rows_free(&r);
	}
}

/* An answer may be anything, and more than is expected. */
static void
strange(void **state)
{
	static const char * const texts[] = { "", "\n", "\n\n\n",
	    "\t\n\t\t\t\n", "a", "a\tb", "a\nb\tc\td\n\ne" };
	char *many = calloc(1, 4 * ROWS_COLUMNS + 1);
	struct rows r;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(texts); i++) {
		r = read_rows(texts[i]);
		assert_null(rows_cell(&r, 0, "b"));
		rows_free(&r);
	}
	assert_non_null(many);
	for (i = 0; i < 2 * ROWS_COLUMNS; i++)
		memcpy(many + 2 * i, "c\t", 2);
	assert_int_equal(rows_read(&r, many), 0);
	assert_int_equal(r.ncols, ROWS_COLUMNS);
	rows_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells),
		cmocka_unit_test(numbers),
		cmocka_unit_test(strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
