#include "compat.h"

#include <errno.h>
#include <stdlib.h>

#include "rows.h"
#include "utf8.h"

static size_t	 count(const char *, char);
static void	 names_read(struct rows *, char *);
static void	 row_read(struct rows *, char *);
static char	*clean(char *);

int
rows_read(struct rows *r, char *text)
{
	const size_t lines = count(text, '\n') + 1;
	char *rest = text, *line = strsep(&rest, "\n");
	const size_t cols = MIN(count(line, '\t') + 1, ROWS_COLUMNS);

	*r = (struct rows){ .text = text };
	if ((r->cells = calloc(lines, cols * sizeof(*r->cells))) == NULL) {
		rows_free(r);
		errno = ENOMEM;
		return -1;
	}
	names_read(r, line);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			row_read(r, line);
	return 0;
}

void
rows_free(struct rows *r)
{
	free(r->text);
	free(r->cells);
	*r = (struct rows){ .text = NULL };
}

static size_t
count(const char *s, char c)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == c;
	return n;
}

static void
names_read(struct rows *r, char *line)
{
	char *name;

	while (r->ncols < ROWS_COLUMNS &&
	    (name = strsep(&line, "\t")) != NULL)
		r->cells[r->ncols++] = clean(name);
}

static void
row_read(struct rows *r, char *line)
{
	static char none[] = "-";
	char **cells = r->cells + (r->nrows + 1) * r->ncols, *cell;
	size_t i;

	for (i = 0; i < r->ncols; i++)
		cells[i] = (cell = strsep(&line, "\t")) != NULL ?
		    clean(cell) : none;
	r->nrows++;
}

static char *
clean(char *s)
{
	utf8_clean(s, strlen(s));
	return s;
}

const char *
rows_cell(const struct rows *r, size_t row, const char *name)
{
	size_t i;

	if (row >= r->nrows)
		return NULL;
	for (i = 0; i < r->ncols; i++)
		if (strcmp(r->cells[i], name) == 0)
			return r->cells[(row + 1) * r->ncols + i];
	return NULL;
}

bool
rows_number(const struct rows *r, size_t row, const char *name, uint64_t *n)
{
	const char *cell = rows_cell(r, row, name);
	char *end;

	if (cell == NULL || *cell < '0' || *cell > '9')
		return false;
	errno = 0;
	*n = strtoull(cell, &end, 10);
	return errno == 0 && *end == '\0';
}
