#include "compat.h"

#include "amount.h"
#include "html.h"
#include "page_chart.h"
#include "page_tiles.h"
#include "rows.h"

static void	 sessions_put(struct evbuffer *, const struct rows *);
static void	 count_put(struct evbuffer *, const struct rows *,
		    const char *, const char *, const char *, const char *);
static void	 rate_put(struct evbuffer *, const struct rows *,
		    const struct rows *, const char *, const char *, bool);
static void	 small_put(struct evbuffer *, const struct rows *,
		    const char *, const char *, bool);
static void	 begin(struct evbuffer *, const char *);

void
page_tiles(struct evbuffer *b, const struct rows *now,
    const struct rows *history)
{
	if (now == NULL || now->nrows == 0)
		return;
	sessions_put(b, now);
	count_put(b, now, "waiting", "Waiting", "kept", "of them kept");
	rate_put(b, now, history, "new", "New/s", false);
	rate_put(b, now, history, "failed", "Failed/s", false);
	rate_put(b, now, history, "bytes_in", "In/s", true);
	rate_put(b, now, history, "bytes_out", "Out/s", true);
	count_put(b, now, "refused", "Refused", "denied", "of them denied");
	count_put(b, now, "workers", "Workers", "draining",
	    "of them draining");
}

static void
sessions_put(struct evbuffer *b, const struct rows *r)
{
	char buf[AMOUNT_LEN];
	uint64_t n, room;

	if (!rows_number(r, 0, "sessions", &n))
		return;
	begin(b, "Sessions");
	html_data(b, rows_cell(r, 0, "sessions"), amount_count(n, buf));
	html_put(b, "</dd>");
	if (rows_number(r, 0, "users_max_total", &room) && room != 0)
		html_printf(b, "<dd>%u %% of %s</dd>",
		    (unsigned)(n * 100 / room), amount_count(room, buf));
	html_put(b, "</div>\n");
}

static void
count_put(struct evbuffer *b, const struct rows *r, const char *column,
    const char *title, const char *part, const char *words)
{
	char buf[AMOUNT_LEN];
	uint64_t n;

	if (!rows_number(r, 0, column, &n))
		return;
	begin(b, title);
	html_data(b, rows_cell(r, 0, column), amount_count(n, buf));
	html_put(b, "</dd>");
	small_put(b, r, part, words, false);
	html_put(b, "</div>\n");
}

/* What comes now, and below it what has come in all, if that is a column. */
static void
rate_put(struct evbuffer *b, const struct rows *r, const struct rows *history,
    const char *column, const char *title, bool bytes)
{
	const bool new = strcmp(column, "new") == 0;
	char buf[AMOUNT_LEN];
	double x;

	begin(b, title);
	if (!page_rate(history, column, &x))
		html_put(b, "-");
	else if (bytes)
		html_put(b, amount_scaled((uint64_t)MIN(x, 1e18), buf));
	else
		html_printf(b, "%.*f", x < 9.95 ? 1 : 0, x);
	html_put(b, "</dd>");
	small_put(b, r, new ? "sessions_total" : column, "in all", bytes);
	html_put(b, "</div>\n");
}

static void
small_put(struct evbuffer *b, const struct rows *r, const char *column,
    const char *words, bool bytes)
{
	char buf[AMOUNT_LEN];
	uint64_t n;

	if (!rows_number(r, 0, column, &n))
		return;
	html_put(b, "<dd>");
	html_data(b, rows_cell(r, 0, column), bytes ? amount_scaled(n, buf) :
	    amount_count(n, buf));
	html_printf(b, " %s</dd>", words);
}

static void
begin(struct evbuffer *b, const char *title)
{
	html_printf(b, "<div><dt>%s</dt><dd>", title);
}
