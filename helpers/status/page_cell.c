#include "compat.h"

#include "html.h"
#include "page_cell.h"
#include "rows.h"

#define WIDE	100		/* of a bar, so that it is in percent */
#define HIGH	8

static uint64_t	 sum(const struct rows *, size_t, const char *, bool);
static bool	 is_up(const struct rows *, size_t);
static uint64_t	 number(const struct rows *, size_t, const char *);
static unsigned	 percent(uint64_t, uint64_t);
static const char *cell(const struct rows *, size_t, const char *);

void
page_share(struct evbuffer *b, const struct rows *r, size_t row)
{
	const unsigned part = percent(number(r, row, "active"),
	    sum(r, row, "active", false));
	const unsigned fair = !is_up(r, row) ? 0 :
	    percent(number(r, row, "weight"), sum(r, row, "weight", true));

	html_printf(b, "<svg class=\"share\" viewBox=\"0 0 %u %u\""
	    " preserveAspectRatio=\"none\" role=\"img\""
	    " aria-label=\"%u %% of %u %%\"><title>%u %%; by weight %u %%"
	    "</title>\n", WIDE + 1, HIGH, part, fair, part, fair);
	html_printf(b, "<rect class=\"track\" width=\"%u\" height=\"%u\"/>"
	    "<rect class=\"part\" width=\"%u\" height=\"%u\"/>",
	    WIDE + 1, HIGH, part, HIGH);
	if (fair != 0)
		html_printf(b, "<rect class=\"mark\" x=\"%u\" width=\"1\""
		    " height=\"%u\"/>", fair, HIGH);
	html_put(b, "</svg>");
}

/* Over the remotes of the same relay section. */
static uint64_t
sum(const struct rows *r, size_t row, const char *column, bool up)
{
	const char *relay = rows_cell(r, row, "relay"), *other;
	uint64_t n = 0;
	size_t i;

	for (i = 0; relay != NULL && i < r->nrows; i++) {
		other = rows_cell(r, i, "relay");
		if (strcmp(other, relay) == 0 && (!up || is_up(r, i)))
			n += number(r, i, column);
	}
	return n;
}

static bool
is_up(const struct rows *r, size_t row)
{
	const char *state = rows_cell(r, row, "state");

	return state != NULL && strcmp(state, "up") == 0;
}

static uint64_t
number(const struct rows *r, size_t row, const char *column)
{
	uint64_t n;

	return rows_number(r, row, column, &n) ? n : 0;
}

static unsigned
percent(uint64_t part, uint64_t all)
{
	return all == 0 ? 0 : (unsigned)(part * 100 / all);
}

bool
page_unmeasured(const struct rows *r, size_t row)
{
	return strcmp(cell(r, row, "count"), "0") == 0;
}

void
page_whose(struct evbuffer *b, const struct rows *r, size_t row)
{
	const char *listener = cell(r, row, "listener");

	if (strcmp(listener, "-") != 0) {
		html_text(b, listener);
		return;
	}
	html_text(b, cell(r, row, "relay"));
	html_put(b, "/");
	html_text(b, cell(r, row, "remote"));
}

static const char *
cell(const struct rows *r, size_t row, const char *name)
{
	const char *text = rows_cell(r, row, name);

	return text != NULL ? text : "-";
}

/* 2026-12-01T01:39:09.123Z */
void
page_when(struct evbuffer *b, const struct rows *r, size_t row)
{
	const char *text = cell(r, row, "time"), *hour = strchr(text, 'T');

	html_put(b, "<time datetime=\"");
	html_text(b, text);
	html_put(b, "\">");
	if (hour != NULL) {
		html_printf(b, "<span class=\"wide\">%.*s </span>",
		    (int)strcspn(text, "T<>&\"'"), text);
		html_printf(b, "%.*s", (int)strcspn(hour + 1, ".Z<>&\"'"),
		    hour + 1);
	} else {
		html_text(b, text);
	}
	html_put(b, "</time>");
}
