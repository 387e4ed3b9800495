/*
 * casefile.h - files of cases: a line each of five fields with | between, and
 * bytes in hexadecimal behind them, where 41*3 is three times the same.
 */
#ifndef CASEFILE_H
#define CASEFILE_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CASE_BYTES	70000
#define CASE_LINE	4096

/* What a and b are, and the length, the file's head says. */
struct a_case {
	char	*name, *verdict, *a, *b;
	int	 length;
	uint8_t	 bytes[CASE_BYTES];
	size_t	 n;
};

static FILE *
open_cases(const char *name)
{
	const char *dir = getenv("SRCDIR");
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/test/unit/%s",
	    dir == NULL ? "." : dir, name);
	assert_non_null(f = fopen(path, "r"));
	return f;
}

static void
read_bytes(struct a_case *c, const char *hex)
{
	unsigned byte, times;
	int used;

	for (c->n = 0; *hex != '\0'; hex += used) {
		times = 1;
		if (sscanf(hex, "%2x*%u%n", &byte, &times, &used) != 2)
			assert_int_equal(sscanf(hex, "%2x%n", &byte, &used),
			    1);
		for (; times > 0 && c->n < CASE_BYTES; times--)
			c->bytes[c->n++] = (uint8_t)byte;
		used += (int)strspn(hex + used, " \n");
	}
}

/* False at the end of the file. */
static bool
next_case(FILE *f, struct a_case *c)
{
	static char line[CASE_LINE];
	char *p;

	do {
		if (fgets(line, sizeof(line), f) == NULL)
			return false;
	} while (line[0] == '#' || line[0] == '\n');
	p = line;
	c->name = strsep(&p, "|");
	c->verdict = strsep(&p, "|");
	c->a = strsep(&p, "|");
	c->b = strsep(&p, "|");
	c->length = atoi(strsep(&p, "|"));
	assert_non_null(p);
	read_bytes(c, p + strspn(p, " \n"));
	return true;
}

#endif
