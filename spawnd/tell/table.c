#include "compat.h"

#include <stdarg.h>

#include "line.h"
#include "tell/table.h"
#include "utf8.h"

static void	json_number(FILE *, const char *);
static void	json_row(FILE *, const struct table *, size_t);
static void	print_tabs(FILE *, const struct table *);
static void	print_json(FILE *, const struct table *, bool);
static void	print_text(FILE *, const struct table *);

void
table_cell(struct table *t, const char *fmt, ...)
{
	char **cells, *text;
	va_list ap;
	int n;

	if (t->ncells == t->room) {
		t->room = t->room == 0 ? 64 : t->room * 2;
		cells = realloc(t->cells, t->room * sizeof(*cells));
		if (cells == NULL) {
			t->failed = true;
			t->room = t->ncells;
			return;
		}
		t->cells = cells;
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		t->failed = true;
	else
		t->cells[t->ncells++] = text;
}

void
table_number(struct table *t, uint64_t n)
{
	table_cell(t, "%llu", (unsigned long long)n);
}

static void
json_number(FILE *f, const char *s)
{
	fputs(strcmp(s, "-") == 0 ? "null" : strcmp(s, "yes") == 0 ? "true" :
	    strcmp(s, "no") == 0 ? "false" : s, f);
}

static void
json_row(FILE *f, const struct table *t, size_t row)
{
	size_t i;

	fputc('{', f);
	for (i = 0; i < t->ncols; i++) {
		fprintf(f, "%s\"%s\": ", i == 0 ? "" : ", ", t->cols[i].name);
		if (t->cols[i].text)
			line_json_write(f, t->cells[row * t->ncols + i]);
		else
			json_number(f, t->cells[row * t->ncols + i]);
	}
	fputc('}', f);
}

/* For spawnctl, which knows how wide a terminal is. */
static void
print_tabs(FILE *f, const struct table *t)
{
	size_t i;

	for (i = 0; i < t->ncols; i++)
		fprintf(f, "%s%c", t->cols[i].name,
		    i + 1 < t->ncols ? '\t' : '\n');
	for (i = 0; i < t->ncells; i++)
		fprintf(f, "%s%c", t->cells[i],
		    (i + 1) % t->ncols != 0 ? '\t' : '\n');
}

static void
print_json(FILE *f, const struct table *t, bool one)
{
	size_t i;

	if (!one)
		fputc('[', f);
	for (i = 0; i < t->ncells / t->ncols; i++) {
		if (i != 0)
			fputs(",\n ", f);
		json_row(f, t, i);
	}
	fputs(one ? "\n" : "]\n", f);
}

static void
print_text(FILE *f, const struct table *t)
{
	size_t i;

	for (i = 0; i < t->ncells; i++)
		utf8_clean(t->cells[i], strlen(t->cells[i]));
	print_tabs(f, t);
}

void
table_print(FILE *f, struct table *t, bool json, bool one)
{
	size_t i;

	if (t->failed)
		fprintf(f, "out of memory\n");
	else if (json)
		print_json(f, t, one);
	else
		print_text(f, t);
	for (i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->ncells = t->room = 0;
}
