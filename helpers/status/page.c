#include "compat.h"

#include <time.h>

#include <event2/buffer.h>

#include "amount.h"
#include "html.h"
#include "page.h"
#include "page_cell.h"
#include "page_chart.h"
#include "page_files.h"
#include "page_problem.h"
#include "page_table.h"
#include "page_tiles.h"
#include "rows.h"
#include "sight.h"

#define AGAIN	10		/* s; page.js has its own time */
#define EVENTS	20		/* of the last ones */

static void	 head_put(struct evbuffer *, const struct sight *, size_t,
		    const char *);
static void	 title_put(struct evbuffer *, const struct rows *, size_t);
static void	 file_put(struct evbuffer *, const char * const *);
static void	 top_put(struct evbuffer *, const struct rows *);
static void	 who_put(struct evbuffer *, const struct rows *);
static const char *cell(const struct rows *, const char *);
static void	 now_put(struct evbuffer *);
static void	 nav_put(struct evbuffer *);
static void	 state_put(struct evbuffer *, struct evbuffer *, size_t,
		    const struct sight *);

static const struct page_col listener_cols[] = {
	{ .name = "name", .kind = PAGE_NAME },
	{ .name = "address", .kind = PAGE_TEXT, .wide = true },
	{ .name = "relay", .kind = PAGE_TEXT, .wide = true },
	{ .name = "tls", .kind = PAGE_TEXT, .wide = true },
	{ .name = "sessions", .kind = PAGE_COUNT },
	{ .name = "accepted", .kind = PAGE_COUNT },
	{ .name = "denied", .kind = PAGE_COUNT, .wide = true },
	{ .name = "limited", .kind = PAGE_COUNT, .wide = true },
	{ .name = "waiting", .kind = PAGE_COUNT },
	{ .name = "backlog", .kind = PAGE_COUNT, .wide = true },
	{ .name = "overload", .kind = PAGE_TEXT, .wide = true },
	{ .name = "bytes_in", .kind = PAGE_BYTES, .wide = true },
	{ .name = "bytes_out", .kind = PAGE_BYTES, .wide = true },
};
static const struct page_col remote_cols[] = {
	{ .name = "relay", .kind = PAGE_TEXT },
	{ .name = "name", .kind = PAGE_NAME },
	{ .name = "address", .kind = PAGE_TEXT, .wide = true },
	{ .name = "state", .kind = PAGE_STATE },
	{ .name = "active", .kind = PAGE_COUNT },
	{ .name = "share", .kind = PAGE_TEXT, .draw = page_share },
	{ .name = "sessions", .kind = PAGE_COUNT, .wide = true },
	{ .name = "failed", .kind = PAGE_COUNT },
	{ .name = "queue", .kind = PAGE_COUNT, .wide = true },
	{ .name = "bytes_in", .kind = PAGE_BYTES, .wide = true },
	{ .name = "bytes_out", .kind = PAGE_BYTES, .wide = true },
	{ .name = "since", .kind = PAGE_AGE, .wide = true },
	{ .name = "check_error", .kind = PAGE_TEXT, .wide = true,
	    .breaks = true },
};
static const struct page_col times_cols[] = {
	{ .name = "measure", .kind = PAGE_NAME },
	{ .name = "of", .kind = PAGE_TEXT, .draw = page_whose },
	{ .name = "count", .kind = PAGE_COUNT, .wide = true },
	{ .name = "p50", .kind = PAGE_SPAN },
	{ .name = "p90", .kind = PAGE_SPAN, .wide = true },
	{ .name = "p99", .kind = PAGE_SPAN },
	{ .name = "spread", .kind = PAGE_TEXT, .draw = page_spread },
};
static const struct page_col generation_cols[] = {
	{ .name = "generation", .kind = PAGE_NAME },
	{ .name = "state", .kind = PAGE_STATE },
	{ .name = "workers", .kind = PAGE_COUNT },
	{ .name = "sessions", .kind = PAGE_COUNT },
	{ .name = "age_seconds", .kind = PAGE_AGE },
	{ .name = "why", .kind = PAGE_TEXT, .breaks = true },
};
static const struct page_col worker_cols[] = {
	{ .name = "pid", .kind = PAGE_NAME },
	{ .name = "generation", .kind = PAGE_PLAIN },
	{ .name = "state", .kind = PAGE_STATE },
	{ .name = "sessions", .kind = PAGE_COUNT },
	{ .name = "taken", .kind = PAGE_COUNT, .wide = true },
	{ .name = "closed", .kind = PAGE_COUNT, .wide = true },
	{ .name = "bytes_in", .kind = PAGE_BYTES, .wide = true },
	{ .name = "bytes_out", .kind = PAGE_BYTES, .wide = true },
	{ .name = "age_seconds", .kind = PAGE_AGE },
};
static const struct page_col tls_cols[] = {
	{ .name = "listener", .kind = PAGE_NAME },
	{ .name = "tls", .kind = PAGE_TEXT, .wide = true },
	{ .name = "name", .kind = PAGE_TEXT },
	{ .name = "certificate", .kind = PAGE_TEXT, .wide = true },
	{ .name = "expires", .kind = PAGE_TEXT, .wide = true },
	{ .name = "days", .kind = PAGE_PLAIN },
	{ .name = "handshakes", .kind = PAGE_COUNT, .wide = true },
	{ .name = "resumed", .kind = PAGE_COUNT, .wide = true },
	{ .name = "failed", .kind = PAGE_COUNT },
};
static const struct page_col ends_cols[] = {
	{ .name = "listener", .kind = PAGE_NAME },
	{ .name = "end", .kind = PAGE_TEXT },
	{ .name = "why", .kind = PAGE_TEXT },
	{ .name = "sessions", .kind = PAGE_COUNT },
};
static const struct page_col event_cols[] = {
	{ .name = "time", .kind = PAGE_NAME, .draw = page_when },
	{ .name = "level", .kind = PAGE_STATE },
	{ .name = "process", .kind = PAGE_TEXT, .wide = true },
	{ .name = "message", .kind = PAGE_TEXT, .breaks = true },
};

#define COLS(c)	.cols = (c), .ncols = nitems_of(c)

/* In the order of the page; the view has the name of the id. */
static const struct page_table tables[] = {
	{ .id = "listeners", .title = "Listeners", COLS(listener_cols),
	    .caption = "Where clients connect to. Waiting are those that the"
	    " kernel holds until there is room.",
	    .none = "There are none." },
	{ .id = "remotes", .title = "Remotes", COLS(remote_cols),
	    .caption = "Where sessions go. Share is of the open sessions of"
	    " the relay; the mark is where its weight would have it.",
	    .none = "There are none.", .first = page_remote_bad },
	{ .id = "times", .title = "Times", COLS(times_cols),
	    .caption = "How long things took: half of all within p50, 99 of"
	    " 100 within p99. Spread is from half a millisecond to an hour.",
	    .none = "Nothing was measured yet.", .skip = page_unmeasured },
	{ .id = "generations", .title = "Generations", COLS(generation_cols),
	    .caption = "A reload begins one; the one before drains until its"
	    " sessions have ended.", .none = "There are none." },
	{ .id = "workers", .title = "Workers", COLS(worker_cols),
	    .caption = "The processes that serve sessions.",
	    .none = "There are none." },
	{ .id = "tls", .title = "Certificates", COLS(tls_cols),
	    .caption = "What clients are shown, and how handshakes went.",
	    .none = "No listener has one.", .first = page_tls_bad },
	{ .id = "ends", .title = "Ends of sessions", COLS(ends_cols),
	    .caption = "Who has ended sessions, and why.",
	    .none = "None has ended yet." },
	{ .id = "errors", .title = "Events", COLS(event_cols),
	    .caption = "What the log has had to say besides sessions, the last"
	    " first.", .none = "There were none.", .last = EVENTS },
};

void
page_write(struct evbuffer *b, const struct sight *s, const char *nonce)
{
	struct evbuffer *problems = evbuffer_new();
	const size_t n = problems == NULL ? 0 : page_problems(problems, s);
	size_t i;

	head_put(b, s, n, nonce);
	top_put(b, sight_rows(s, "summary"));
	nav_put(b);
	html_put(b, "<main id=\"main\">\n");
	state_put(b, problems, n, s);
	page_charts(b, sight_rows(s, "history"));
	for (i = 0; i < nitems_of(tables); i++)
		page_table(b, &tables[i], sight_rows(s, tables[i].id));
	html_put(b, "</main>\n<footer><a href=\"/status.json\">status.json</a>"
	    " &middot; <a href=\"/metrics\">metrics</a></footer>\n");
	html_printf(b, "<script nonce=\"%s\">\n", nonce);
	file_put(b, page_script);
	html_put(b, "</script>\n</body></html>\n");
	if (problems != NULL)
		evbuffer_free(problems);
}

static void
head_put(struct evbuffer *b, const struct sight *s, size_t problems,
    const char *nonce)
{
	html_put(b, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\">\n<meta name=\"viewport\""
	    " content=\"width=device-width, initial-scale=1\">\n");
	title_put(b, sight_rows(s, "summary"), problems);
	html_printf(b, "<noscript><meta http-equiv=\"refresh\" content=\"%u\">"
	    "</noscript>\n<link rel=\"icon\" href=\"data:,\">\n"
	    "<style nonce=\"%s\">\n", AGAIN, nonce);
	file_put(b, page_style);
	html_put(b, "</style></head>\n<body>\n"
	    "<a class=\"skip\" href=\"#main\">To the figures</a>\n");
}

static void
title_put(struct evbuffer *b, const struct rows *r, size_t problems)
{
	char buf[AMOUNT_LEN];
	uint64_t n;

	html_put(b, "<title>");
	if (problems != 0)
		html_printf(b, "(%zu!) ", problems);
	if (r != NULL && rows_number(r, 0, "sessions", &n))
		html_printf(b, "%s sessions &middot; ", amount_count(n, buf));
	html_put(b, "spawnd</title>\n");
}

static void
file_put(struct evbuffer *b, const char * const *lines)
{
	for (; *lines != NULL; lines++) {
		html_put(b, *lines);
		html_put(b, "\n");
	}
}

static void
top_put(struct evbuffer *b, const struct rows *r)
{
	html_put(b, "<header><h1>spawnd</h1>\n"
	    "<p class=\"live\" id=\"live-top\">");
	if (r != NULL && r->nrows != 0)
		who_put(b, r);
	html_put(b, "</p>\n<p class=\"fresh\"><span class=\"live\""
	    " id=\"live-now\">");
	now_put(b);
	html_put(b, "</span> <span id=\"note\" role=\"status\"></span>"
	    "<button id=\"pause\" type=\"button\" aria-pressed=\"false\""
	    " hidden>Pause</button></p></header>\n");
}

static void
who_put(struct evbuffer *b, const struct rows *r)
{
	char buf[AMOUNT_LEN];
	uint64_t n;

	html_text(b, cell(r, "version"));
	html_put(b, ", process ");
	html_text(b, cell(r, "pid"));
	if (rows_number(r, 0, "uptime_seconds", &n))
		html_printf(b, ", up %s", amount_time(n, buf));
	html_put(b, ", generation ");
	html_text(b, cell(r, "generation"));
	html_put(b, ", reload ");
	html_text(b, cell(r, "reload_state"));
	if (rows_number(r, 0, "reload_seconds", &n))
		html_printf(b, " %s ago", amount_time(n, buf));
}

static const char *
cell(const struct rows *r, const char *name)
{
	const char *text = rows_cell(r, 0, name);

	return text != NULL ? text : "-";
}

static void
now_put(struct evbuffer *b)
{
	const time_t now = time(NULL);
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	html_printf(b, "<time datetime=\"%s\">%.8s UTC</time>", text,
	    text + strlen("2026-12-01T"));
}

static void
nav_put(struct evbuffer *b)
{
	size_t i;

	html_put(b, "<nav aria-label=\"Sections\"><ul>\n"
	    "<li><a href=\"#hour\">The last hour</a></li>\n");
	for (i = 0; i < nitems_of(tables); i++)
		html_printf(b, "<li><a href=\"#%s\">%s</a></li>\n",
		    tables[i].id, tables[i].title);
	html_put(b, "</ul></nav>\n");
}

static void
state_put(struct evbuffer *b, struct evbuffer *problems, size_t n,
    const struct sight *s)
{
	html_put(b, "<section id=\"state\" aria-labelledby=\"h-state\">\n"
	    "<h2 id=\"h-state\">Now</h2>\n"
	    "<div class=\"live\" id=\"live-state\"><ul class=\"problems\">\n");
	if (n != 0)
		evbuffer_add_buffer(b, problems);
	else
		html_put(b, "<li class=\"good\">Nothing is wrong.</li>\n");
	html_put(b, "</ul>\n<dl class=\"tiles\">\n");
	page_tiles(b, sight_rows(s, "summary"), sight_rows(s, "history"));
	html_put(b, "</dl></div></section>\n");
}
