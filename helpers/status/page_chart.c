#include "compat.h"

#include <stdlib.h>

#include "amount.h"
#include "html.h"
#include "page_chart.h"
#include "rows.h"

#define STEP	10		/* s, between two rows of history */
#define HOUR	3600		/* s */
#define HIGH	100		/* which it is high */
#define BARS	32		/* of a spread, at most */
#define BAR	5		/* how wide one is, with what is beside it */
#define BAR_HIGH 20

struct line {
	const char	*name;		/* NULL: there is none */
	const char	*column;
};

struct chart {
	const char	*id, *title;
	bool		 rate;		/* of what came within STEP, a second */
	bool		 bytes;
	struct line	 lines[2];
};

static void	 chart_put(struct evbuffer *, const struct chart *,
		    const struct rows *);
static void	 caption_put(struct evbuffer *, const struct chart *,
		    const struct rows *);
static void	 plot_put(struct evbuffer *, const struct chart *,
		    const struct rows *);
static void	 label_put(struct evbuffer *, const struct chart *,
		    const struct rows *);
static void	 line_put(struct evbuffer *, const struct chart *,
		    const struct rows *, const struct line *, double);
static void	 area_put(struct evbuffer *, const struct chart *,
		    const struct rows *, double);
static void	 points_put(struct evbuffer *, const struct chart *,
		    const struct rows *, const struct line *, double, bool);
static double	 value(const struct chart *, const struct rows *,
		    const struct line *, size_t);
static double	 most(const struct chart *, const struct rows *,
		    const struct line *);
static double	 top_of(const struct chart *, const struct rows *);
static int	 when(const struct rows *, size_t);
static unsigned	 span(const struct rows *);
static const char *shown(const struct chart *, double, char [AMOUNT_LEN]);
static size_t	 bars_read(const char *, double [BARS]);

static const struct chart charts[] = {
	{ "sessions", "Sessions", false, false,
	    { { "open", "sessions" }, { "waiting", "waiting" } } },
	{ "new", "Sessions/s", true, false,
	    { { "new", "new" }, { "failed", "failed" } } },
	{ "bytes", "Bytes/s", true, true,
	    { { "in", "bytes_in" }, { "out", "bytes_out" } } },
};

void
page_charts(struct evbuffer *b, const struct rows *r)
{
	size_t i;

	html_put(b, "<section id=\"hour\" aria-labelledby=\"h-hour\">\n"
	    "<h2 id=\"h-hour\">The last hour</h2>\n"
	    "<div class=\"live charts\" id=\"live-hour\">\n");
	if (r == NULL || r->nrows == 0)
		html_put(b, "<p class=\"none\">Not known yet.</p>\n");
	else
		for (i = 0; i < nitems_of(charts); i++)
			chart_put(b, &charts[i], r);
	html_put(b, "</div></section>\n");
}

static void
chart_put(struct evbuffer *b, const struct chart *c, const struct rows *r)
{
	html_printf(b, "<figure id=\"chart-%s\">\n", c->id);
	caption_put(b, c, r);
	plot_put(b, c, r);
	html_printf(b, "<div class=\"axis\" aria-hidden=\"true\">"
	    "<span>%u minutes ago</span><span>now</span></div></figure>\n",
	    span(r) / 60);
}

static void
caption_put(struct evbuffer *b, const struct chart *c, const struct rows *r)
{
	char buf[AMOUNT_LEN];
	size_t i;

	html_printf(b, "<figcaption><b>%s</b>", c->title);
	for (i = 0; i < nitems_of(c->lines); i++)
		html_printf(b, " <span class=\"key line%zu\">%s %s</span>", i,
		    c->lines[i].name,
		    shown(c, value(c, r, &c->lines[i], r->nrows - 1), buf));
	html_put(b, "</figcaption>\n");
}

/* The drawing is as wide as there is room; so what is written stands beside
 * it. */
static void
plot_put(struct evbuffer *b, const struct chart *c, const struct rows *r)
{
	const double top = top_of(c, r);
	const unsigned wide = span(r);
	char buf[AMOUNT_LEN];
	size_t i;

	html_printf(b, "<div class=\"plot\"><span class=\"top\""
	    " aria-hidden=\"true\">%s</span>\n", shown(c, top, buf));
	html_printf(b, "<svg viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\""
	    " role=\"img\" aria-label=\"", wide, HIGH);
	label_put(b, c, r);
	html_printf(b, "\">\n<path class=\"grid\" d=\"M0 .5H%uM0 %uH%u",
	    wide, HIGH / 2, wide);
	for (i = 1; i < 4; i++)
		html_printf(b, "M%zu 0V%u", i * wide / 4, HIGH);
	html_put(b, "\"/>\n");
	area_put(b, c, r, top);
	for (i = nitems_of(c->lines); i > 0; i--)
		line_put(b, c, r, &c->lines[i - 1], top);
	html_put(b, "</svg></div>\n");
}

static void
label_put(struct evbuffer *b, const struct chart *c, const struct rows *r)
{
	const size_t last = r->nrows - 1;
	char now[AMOUNT_LEN], high[AMOUNT_LEN];
	size_t i;

	html_printf(b, "%s in the last hour", c->title);
	for (i = 0; i < nitems_of(c->lines); i++)
		html_printf(b, "%s %s: %s now, %s at most", i == 0 ? "." : ";",
		    c->lines[i].name,
		    shown(c, value(c, r, &c->lines[i], last), now),
		    shown(c, most(c, r, &c->lines[i]), high));
}

static void
line_put(struct evbuffer *b, const struct chart *c, const struct rows *r,
    const struct line *l, double top)
{
	html_printf(b, "<path class=\"line%u\" d=\"",
	    (unsigned)(l - c->lines));
	points_put(b, c, r, l, top, false);
	html_put(b, "\"/>\n");
}

static void
area_put(struct evbuffer *b, const struct chart *c, const struct rows *r,
    double top)
{
	html_put(b, "<path class=\"area\" d=\"");
	points_put(b, c, r, &c->lines[0], top, true);
	html_put(b, "\"/>\n");
}

/* Where nothing was written down for a while there is a gap. */
static void
points_put(struct evbuffer *b, const struct chart *c, const struct rows *r,
    const struct line *l, double top, bool down)
{
	const size_t n = r->nrows;
	int x, before = -HOUR;
	size_t row;
	double y;

	for (row = 0; row < n; row++) {
		if ((x = when(r, row)) < 0)
			continue;
		y = HIGH - value(c, r, l, row) / top * HIGH;
		if (x - before <= 2 * STEP)
			html_printf(b, "L%d %.1f", x, y);
		else if (!down)
			html_printf(b, "M%d %.1fh1", x, y);
		else
			html_printf(b, "%sM%d %uV%.1f",
			    before < 0 ? "" : "Z", x, HIGH, y);
		before = x;
		if (down && (row + 1 == n ||
		    when(r, row + 1) - x > 2 * STEP))
			html_printf(b, "V%u", HIGH);
	}
}

static double
value(const struct chart *c, const struct rows *r, const struct line *l,
    size_t row)
{
	uint64_t n;

	if (!rows_number(r, row, l->column, &n))
		return 0;
	return c->rate ? (double)n / STEP : (double)n;
}

static double
most(const struct chart *c, const struct rows *r, const struct line *l)
{
	double high = 0;
	size_t row;

	for (row = 0; row < r->nrows; row++)
		high = MAX(high, value(c, r, l, row));
	return high;
}

/* A round number that none is above. */
static double
top_of(const struct chart *c, const struct rows *r)
{
	const double high = MAX(most(c, r, &c->lines[0]),
	    most(c, r, &c->lines[1]));
	static const double steps[] = { 2, 2.5, 2 };
	double top = 1;
	size_t i;

	for (i = 0; top < high; i++)
		top *= steps[i % nitems_of(steps)];
	return top;
}

/* Where a row stands, from the left; negative: too long ago. */
static int
when(const struct rows *r, size_t row)
{
	uint64_t at, last;

	if (!rows_number(r, row, "time", &at) ||
	    !rows_number(r, r->nrows - 1, "time", &last) || at > last ||
	    last - at > span(r))
		return -1;
	return (int)(span(r) - (last - at));
}

/* How many seconds a drawing is wide: an hour, or less if less is known. */
static unsigned
span(const struct rows *r)
{
	uint64_t first, last, known = HOUR;
	unsigned wide = HOUR / 12;

	if (rows_number(r, 0, "time", &first) &&
	    rows_number(r, r->nrows - 1, "time", &last) && first <= last)
		known = last - first;
	while (wide < known && wide < HOUR)
		wide = MIN(HOUR, wide * 2);
	return wide;
}

static const char *
shown(const struct chart *c, double x, char buf[AMOUNT_LEN])
{
	if (c->rate && !c->bytes && x < 9.95) {
		snprintf(buf, AMOUNT_LEN, "%.1f", x);
		return buf;
	}
	x = MIN(x, 1e18);
	return c->bytes ? amount_scaled((uint64_t)x, buf) :
	    amount_count((uint64_t)(x + 0.5), buf);
}

bool
page_rate(const struct rows *r, const char *column, double *rate)
{
	uint64_t n;

	if (r == NULL || r->nrows == 0 ||
	    !rows_number(r, r->nrows - 1, column, &n))
		return false;
	*rate = (double)n / STEP;
	return true;
}

/* The highest bar is as high as there is room. */
void
page_spread(struct evbuffer *b, const struct rows *r, size_t row)
{
	const char *cell = rows_cell(r, row, "buckets");
	double bars[BARS], high = 0;
	const size_t n = bars_read(cell != NULL ? cell : "", bars);
	size_t i;

	for (i = 0; i < n; i++)
		high = MAX(high, bars[i]);
	html_printf(b, "<svg class=\"spread\" viewBox=\"0 0 %zu %u\""
	    " preserveAspectRatio=\"none\" aria-hidden=\"true\">", n * BAR,
	    BAR_HIGH);
	for (i = 0; i < n; i++)
		if (bars[i] > 0)
			html_printf(b, "<path d=\"M%zu %uv-%.1fh%uV%uz\"/>",
			    i * BAR, BAR_HIGH,
			    MAX(1, bars[i] / high * BAR_HIGH), BAR - 1,
			    BAR_HIGH);
	html_put(b, "</svg>");
}

/* What each has more than the one before. Returns how many there are. */
static size_t
bars_read(const char *s, double bars[BARS])
{
	double before = 0, sum;
	size_t n = 0;
	char *end;

	for (; n < BARS; s = end, before = sum) {
		sum = strtod(s, &end);
		if (end == s)
			break;
		bars[n++] = MAX(0, sum - before);
	}
	return n;
}
