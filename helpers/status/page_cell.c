#include "compat.h"

#include "html.h"
#include "page_cell.h"
#include "rows.h"

#define WIDE	100		/* of a bar, so that it is in percent */
#define HIGH	8
#define MANY	100

/* Of the remotes of a relay section: sessions, and the weight of those up. */
struct whole {
	uint64_t	active, weight;
};

static bool	 whole_of(const struct rows *, size_t, struct whole *);
static bool	 is_up(const struct rows *, size_t);
static uint64_t	 number(const struct rows *, size_t, const char *);
static unsigned	 percent(uint64_t, uint64_t);
static const char *cell(const struct rows *, size_t, const char *);

/* Where there are very many none has a part that could be seen. */
void
page_share(struct evbuffer *b, const struct rows *r, size_t row)
{
	struct whole all;
	unsigned part, fair;

	if (!whole_of(r, row, &all))
		return;
	part = percent(number(r, row, "active"), all.active);
	fair = !is_up(r, row) ? 0 :
	    percent(number(r, row, "weight"), all.weight);
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

/* The remotes of a relay section stand together. */
static bool
whole_of(const struct rows *r, size_t row, struct whole *all)
{
	const char *relay = cell(r, row, "relay");
	size_t first = row, i;

	memset(all, 0, sizeof(*all));
	while (first > 0 && row - first <= MANY &&
	    strcmp(cell(r, first - 1, "relay"), relay) == 0)
		first--;
	for (i = first; i < r->nrows && i - first <= MANY &&
	    strcmp(cell(r, i, "relay"), relay) == 0; i++) {
		all->active += number(r, i, "active");
		if (is_up(r, i))
			all->weight += number(r, i, "weight");
	}
	return i - first <= MANY;
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
