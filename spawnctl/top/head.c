#include "compat.h"

#include <stdarg.h>
#include <time.h>

#include "amount.h"
#include "link.h"
#include "top/cells.h"
#include "top/look.h"
#include "past.h"
#include "top/top.h"

#define GAP	2		/* columns between items */
#define POINTS	360		/* of the last hour */
#define HEIGHTS	8

/* What is added a second, as show summary counts it. */
static const struct figure {
	const char	*name, *word;
	bool		 bytes;
} figures[] = {
	{ "sessions_total", "new", false }, { "bytes_in", "in", true },
	{ "bytes_out", "out", true }, { "denied", "denied", false },
	{ "limited", "limited", false }, { "dropped_logs", "log drops", false }
};
#define FIGURES	nitems_of(figures)

static struct {
	bool		 known;
	uint64_t	 a_second;
} rates[FIGURES];

/* Where the next item goes. */
struct place {
	struct canvas	*c;
	unsigned	 row, col, rows;
	bool		 one;		/* what has no room here has none */
};

static void	 head_item(struct place *, enum ink, const char *, ...)
		    printf_like(3, 4);
static void	 head_next(struct place *);
static void	 head_state(const struct top *, struct place *);
static void	 head_clock(struct place *);
static void	 head_reload(struct place *);
static void	 head_sessions(struct place *);
static void	 head_rate(struct place *, size_t);
static void	 head_workers(struct place *);
static void	 head_charts(struct place *);
static void	 head_chart(struct place *, const char *, unsigned, unsigned);
static void	 chart_draw(struct place *, const uint64_t *, unsigned,
		    uint64_t);
static uint64_t	 chart_points(const char *, uint64_t *, unsigned);

/* A figure that is looked at again is no other one. */
void
head_fill(void)
{
	const struct rows *r = look_rows(LOOK_SUMMARY);
	uint64_t now;
	size_t i;

	for (i = 0; i < FIGURES; i++)
		rates[i].known = rows_number(r, 0, figures[i].name, &now) &&
		    past_rate('h', figures[i].name, now,
		    look_when(LOOK_SUMMARY), &rates[i].a_second);
}

unsigned
head_draw(const struct top *top, struct canvas *c, unsigned rows)
{
	struct place p = { .c = c, .rows = rows, .one = true };
	size_t i;
	const bool charts = rows > 2 && look_rows(LOOK_HISTORY)->nrows > 1;

	if (look_rows(LOOK_SUMMARY)->nrows == 0) {
		head_item(&p, INK_DIM, "asking spawnd ...");
		return 1;
	}
	p.rows -= charts;
	head_state(top, &p);
	head_reload(&p);
	head_clock(&p);
	head_next(&p);
	p.one = false;
	head_sessions(&p);
	for (i = 1; i < FIGURES; i++)
		head_rate(&p, i);
	head_workers(&p);
	if (p.col != 0)
		head_next(&p);
	p.rows += charts;
	if (charts) {
		head_charts(&p);
		head_next(&p);
	}
	return MIN(p.row, rows);
}

/* On this line if there is room, or else on the next one, if there is one. */
static void
head_item(struct place *p, enum ink ink, const char *fmt, ...)
{
	char text[TOP_LINE];
	unsigned wide;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wide = canvas_wide(text);
	if (p->col != 0 && p->col + GAP + wide > p->c->cols) {
		if (p->one)
			return;
		head_next(p);
	}
	if (p->row >= p->rows)
		return;
	if (p->col != 0)
		p->col += GAP;
	p->col += canvas_put(p->c, p->row, p->col, p->c->cols, ink, text);
}

static void
head_next(struct place *p)
{
	p->row++;
	p->col = 0;
}

static void
head_state(const struct top *top, struct place *p)
{
	const struct rows *r = look_rows(LOOK_SUMMARY);
	char text[AMOUNT_LEN];

	head_item(p, INK_BOLD, "spawnd %s", cell_text(r, 0, "version"));
	if (top->lost != 0)
		head_item(p, INK_WRONG, "LOST %s ago",
		    amount_time((link_now() - top->lost) / 1000, text));
	else if (top->paused)
		head_item(p, INK_LOOK, "PAUSED");
	head_item(p, INK_PLAIN, "up %s",
	    amount_time(cell_number(r, 0, "uptime_seconds"), text));
	head_item(p, INK_PLAIN, "generation %s",
	    cell_text(r, 0, "generation"));
	head_item(p, INK_PLAIN, "pid %s", cell_text(r, 0, "pid"));
}

static void
head_reload(struct place *p)
{
	const struct rows *r = look_rows(LOOK_SUMMARY);
	const char *state = cell_text(r, 0, "reload_state");
	char ago[AMOUNT_LEN];

	if (strcmp(state, "ok") != 0 && strcmp(state, "failed") != 0)
		return;
	head_item(p, *state == 'o' ? INK_WELL : INK_WRONG, "reload %s %s ago",
	    state, amount_time(cell_number(r, 0, "reload_seconds"), ago));
}

/* At the end of the first line, if there is room. */
static void
head_clock(struct place *p)
{
	const time_t now = time(NULL);
	char text[16];
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(text, sizeof(text), "%H:%M:%S UTC", &tm) == 0)
		return;
	if (p->row == 0 && p->col + GAP + strlen(text) <= p->c->cols)
		canvas_put(p->c, 0, p->c->cols - (unsigned)strlen(text),
		    p->c->cols, INK_DIM, text);
}

/* How many there are, and how many there may be. */
static void
head_sessions(struct place *p)
{
	const struct rows *r = look_rows(LOOK_SUMMARY);
	const uint64_t n = cell_number(r, 0, "sessions");
	const uint64_t most = cell_number(r, 0, "users_max_total");
	const unsigned part = most == 0 ? 0 : (unsigned)(MIN(n, most) * 100 /
	    most);

	head_item(p, INK_BOLD, "sessions %llu", (unsigned long long)n);
	head_item(p, part >= 90 ? INK_WRONG : part >= 70 ? INK_LOOK :
	    INK_PLAIN, "[%-10.*s] %u%% of %llu", (int)(part + 9) / 10,
	    "##########", part, (unsigned long long)most);
	head_rate(p, 0);
	head_item(p, cell_number(r, 0, "waiting") != 0 ? INK_LOOK : INK_PLAIN,
	    "waiting %s", cell_text(r, 0, "waiting"));
}

static void
head_rate(struct place *p, size_t i)
{
	char number[OUT_NUMBER];

	head_item(p, INK_PLAIN, "%s %s/s", figures[i].word, !rates[i].known ?
	    "-" : out_number(figures[i].bytes ? OUT_BYTES : OUT_PLAIN,
	    rates[i].a_second, number));
}

static void
head_workers(struct place *p)
{
	const struct rows *r = look_rows(LOOK_SUMMARY);

	head_item(p, INK_PLAIN, "workers %s", cell_text(r, 0, "workers"));
	if (cell_number(r, 0, "draining") != 0)
		head_item(p, INK_LOOK, "draining %s",
		    cell_text(r, 0, "draining"));
}

/* --- the last hour --- */

static void
head_charts(struct place *p)
{
	static const struct {
		const char	*name, *word;
		unsigned	 seconds;	/* that a point is the sum of */
	} charts[] = { { "sessions", "sessions", 1 }, { "new", "new/s", 10 },
		{ "waiting", "waiting", 1 }, { "failed", "failed/s", 10 } };
	const unsigned n = MAX(1, MIN(p->c->cols / 38, nitems_of(charts)));
	const unsigned room = p->c->cols / n;
	unsigned i;

	for (i = 0; i < n; i++) {
		p->col = i * room;
		p->col += canvas_put(p->c, p->row, p->col, room, INK_DIM,
		    i == 0 ? "hour: " : "");
		p->col += canvas_put(p->c, p->row, p->col, room, INK_DIM,
		    charts[i].word) + 1;
		head_chart(p, charts[i].name, charts[i].seconds,
		    (i + 1) * room);
	}
}

/* As far as column end, with the greatest value behind it. */
static void
head_chart(struct place *p, const char *name, unsigned seconds, unsigned end)
{
	uint64_t points[POINTS] = { 0 }, most;
	char number[AMOUNT_LEN];
	unsigned n = end > p->col + 8 ? end - p->col - 8 : 0;

	n = MIN(n, POINTS);
	most = chart_points(name, points, n);
	chart_draw(p, points, n, most);
	canvas_put(p->c, p->row, p->col + n + 1, 6, INK_DIM,
	    amount_scaled(most / seconds + (most % seconds != 0), number));
}

/* The greatest value of each part; returns that of all. */
static uint64_t
chart_points(const char *name, uint64_t *points, unsigned n)
{
	const struct rows *r = look_rows(LOOK_HISTORY);
	uint64_t most = 0, value;
	size_t i, at;

	for (i = 0; i < r->nrows && n != 0; i++) {
		value = cell_number(r, i, name);
		/* The latest is at the end, whatever there is before. */
		at = r->nrows <= n ? n - r->nrows + i : i * n / r->nrows;
		points[at] = MAX(points[at], value);
		most = MAX(most, value);
	}
	return most;
}

static void
chart_draw(struct place *p, const uint64_t *points, unsigned n, uint64_t most)
{
	static const char * const bars[HEIGHTS + 1] = { " ", "\u2581",
		"\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587",
		"\u2588" };
	static const char * const plain[HEIGHTS + 1] = { " ", ".", ":", "-",
		"=", "+", "*", "%", "#" };
	unsigned i, high;

	for (i = 0; i < n; i++) {
		high = most == 0 ? 0 : (unsigned)(((double)points[i] * HEIGHTS
		    + (double)most - 1) / (double)most);
		canvas_put(p->c, p->row, p->col + i, 1, INK_WELL, p->c->utf8 ?
		    bars[MIN(high, HEIGHTS)] : plain[MIN(high, HEIGHTS)]);
	}
}
