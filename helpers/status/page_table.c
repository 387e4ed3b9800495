#include "compat.h"

#include <stdlib.h>

#include "amount.h"
#include "html.h"
#include "page_table.h"
#include "rows.h"

static size_t	 rows_of_use(const struct page_table *, const struct rows *);
static void	 table_put(struct evbuffer *, const struct page_table *,
		    const struct rows *);
static void	 head_put(struct evbuffer *, const struct page_table *,
		    const struct rows *);
static void	 title_put(struct evbuffer *, const struct page_col *);
static size_t	 body_put(struct evbuffer *, const struct page_table *,
		    const struct rows *, bool, size_t);
static void	 row_put(struct evbuffer *, const struct page_table *,
		    const struct rows *, size_t);
static void	 cell_put(struct evbuffer *, const struct page_col *,
		    const struct rows *, size_t);
static void	 class_put(struct evbuffer *, const struct page_col *);
static bool	 is_there(const struct page_col *, const struct rows *);
static void	 value_put(struct evbuffer *, enum page_kind, const char *);
static const char *value_shown(enum page_kind, const char *,
		    char [AMOUNT_LEN]);
static void	 state_put(struct evbuffer *, const char *);

/* What is well, what asks to be looked at, what is wrong, what is away. */
static const struct {
	const char	*word, *class;
} states[] = {
	{ "up", "good" }, { "ready", "good" }, { "current", "good" },
	{ "held", "warn" }, { "draining", "warn" }, { "retiring", "warn" },
	{ "starting", "warn" }, { "warning", "warn" }, { "down", "bad" },
	{ "stuck", "bad" }, { "error", "bad" }, { "disabled", "away" },
	{ "gone", "away" }, { "ended", "away" }
};

void
page_table(struct evbuffer *b, const struct page_table *t,
    const struct rows *r)
{
	html_printf(b, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n"
	    "<h2 id=\"h-%s\">%s</h2>\n", t->id, t->id, t->id, t->title);
	html_printf(b, "<div class=\"scroll\" tabindex=\"0\" role=\"region\""
	    " aria-labelledby=\"h-%s\">\n<div class=\"live\" id=\"live-%s\">\n",
	    t->id, t->id);
	if (r == NULL || rows_of_use(t, r) == 0)
		html_printf(b, "<p class=\"none\">%s</p>\n", t->none);
	else
		table_put(b, t, r);
	html_put(b, "</div></div></section>\n");
}

static size_t
rows_of_use(const struct page_table *t, const struct rows *r)
{
	size_t n = r->nrows, row;

	for (row = 0; t->skip != NULL && row < r->nrows; row++)
		n -= t->skip(r, row);
	return n;
}

static void
table_put(struct evbuffer *b, const struct page_table *t,
    const struct rows *r)
{
	const size_t all = rows_of_use(t, r);
	size_t n = 0;

	head_put(b, t, r);
	while (n < MIN(t->last, all))
		row_put(b, t, r, all - ++n);
	if (t->last == 0 && all > PAGE_ROWS && t->first != NULL)
		n = body_put(b, t, r, true, 0);
	if (t->last == 0)
		n = body_put(b, t, r, false, n);
	html_put(b, "</tbody></table>\n");
	if (n < all)
		html_printf(b, "<p>%zu of %zu; all of them are in"
		    " <a href=\"/status.json\">status.json</a>.</p>\n", n, all);
}

static void
head_put(struct evbuffer *b, const struct page_table *t,
    const struct rows *r)
{
	size_t i;

	html_printf(b, "<table><caption>%s</caption>\n<thead><tr>",
	    t->caption);
	for (i = 0; i < t->ncols; i++)
		if (is_there(&t->cols[i], r))
			title_put(b, &t->cols[i]);
	html_put(b, "</tr></thead>\n<tbody>\n");
}

/* The name of the column, but for the unit, which the cells have. */
static void
title_put(struct evbuffer *b, const struct page_col *c)
{
	const char *s, *end = strstr(c->name, "_seconds");
	char one[2] = "";

	if (end == NULL)
		end = c->name + strlen(c->name);
	html_put(b, "<th scope=\"col\"");
	class_put(b, c);
	for (s = c->name; s < end; s++) {
		one[0] = *s == '_' ? ' ' : *s;
		html_text(b, one);
	}
	html_put(b, "</th>");
}

/* Behind n rows that are there already. Returns how many there are then. */
static size_t
body_put(struct evbuffer *b, const struct page_table *t,
    const struct rows *r, bool first, size_t n)
{
	const size_t all = r->nrows;
	size_t row;

	for (row = 0; row < all && n < PAGE_ROWS; row++) {
		if (t->skip != NULL && t->skip(r, row))
			continue;
		if (all > PAGE_ROWS && t->first != NULL &&
		    t->first(r, row) != first)
			continue;
		row_put(b, t, r, row);
		n++;
	}
	return n;
}

static void
row_put(struct evbuffer *b, const struct page_table *t, const struct rows *r,
    size_t row)
{
	size_t i;

	html_put(b, "<tr>");
	for (i = 0; i < t->ncols; i++)
		if (is_there(&t->cols[i], r))
			cell_put(b, &t->cols[i], r, row);
	html_put(b, "</tr>\n");
}

static void
cell_put(struct evbuffer *b, const struct page_col *c, const struct rows *r,
    size_t row)
{
	const char *tag = c->kind == PAGE_NAME ? "th" : "td";

	html_printf(b, "<%s%s", tag,
	    c->kind == PAGE_NAME ? " scope=\"row\"" : "");
	class_put(b, c);
	if (c->draw != NULL)
		c->draw(b, r, row);
	else
		value_put(b, c->kind, rows_cell(r, row, c->name));
	html_printf(b, "</%s>", tag);
}

static void
class_put(struct evbuffer *b, const struct page_col *c)
{
	const bool text = c->kind == PAGE_TEXT || c->kind == PAGE_NAME ||
	    c->kind == PAGE_STATE;

	html_printf(b, " class=\"%s%s%s\">", text ? "text" : "number",
	    c->wide ? " wide" : "", c->breaks ? " long" : "");
}

static bool
is_there(const struct page_col *c, const struct rows *r)
{
	return c->draw != NULL || rows_cell(r, 0, c->name) != NULL;
}

static void
value_put(struct evbuffer *b, enum page_kind kind, const char *cell)
{
	char buf[AMOUNT_LEN];
	const char *text = value_shown(kind, cell, buf);

	if (kind == PAGE_STATE)
		state_put(b, cell);
	else if (text == cell)
		html_text(b, cell);
	else
		html_data(b, cell, text);
}

/* What is no number, or none that there can be, is shown as it is. */
static const char *
value_shown(enum page_kind kind, const char *cell, char buf[AMOUNT_LEN])
{
	char *end;
	const double x = strtod(cell, &end);

	if (kind < PAGE_COUNT || *cell < '0' || *cell > '9' || *end != '\0' ||
	    x > 1e18)
		return cell;
	switch (kind) {
	case PAGE_BYTES:
		return amount_scaled((uint64_t)x, buf);
	case PAGE_AGE:
		return amount_time((uint64_t)x, buf);
	case PAGE_SPAN:
		return amount_span(x, buf);
	case PAGE_COUNT:
		return amount_count((uint64_t)x, buf);
	default:
		return cell;
	}
}

static void
state_put(struct evbuffer *b, const char *word)
{
	const char *class = "plain";
	size_t i;

	for (i = 0; i < nitems_of(states); i++)
		if (strcmp(states[i].word, word) == 0)
			class = states[i].class;
	html_printf(b, "<span class=\"state %s\">", class);
	html_text(b, word);
	html_put(b, "</span>");
}
