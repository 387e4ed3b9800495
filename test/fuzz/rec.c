/*
 * What workers write, of any bytes: a line that is taken has no byte that harms
 * a terminal, no name twice, and comes out again as the same.
 */
#include "compat.h"

#include "rec.h"
#include "utf8.h"

#define LINE	4096

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
look(const struct rec *r)
{
	size_t i;
	const char *s;

	if (r->n > REC_FIELDS)
		abort();
	for (i = 0; i < r->n; i++) {
		if (rec_get(r, r->fields[i].name) != r->fields[i].value)
			abort();
		if (rec_number(r, r->fields[i].name) > INT64_MAX)
			abort();
		for (s = r->fields[i].value; *s != '\0'; s += utf8_len(s,
		    strlen(s)))
			if ((unsigned char)*s < ' ' || *s == 0x7f ||
			    utf8_len(s, strlen(s)) == 0)
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[LINE + 1], *again;
	struct rec r, other;
	size_t i;

	size = MIN(size, LINE);
	memcpy(text, data, size);
	text[size] = '\0';
	if (rec_parse(text, &r) == -1)
		return 0;
	look(&r);
	again = rec_line(&r);
	if (rec_parse(again, &other) == -1 || other.n != r.n ||
	    other.kind != r.kind)
		abort();
	for (i = 0; i < r.n; i++)
		if (strcmp(other.fields[i].value, r.fields[i].value) != 0)
			abort();
	free(again);
	return 0;
}
