#include "compat.h"

#include "link.h"
#include "top/top.h"

#define MESSAGE	8000		/* ms that one is shown */

static unsigned	 draw_head_rows(unsigned);
static void	 draw_panes(struct top *, struct canvas *, unsigned, unsigned,
		    bool);
static unsigned	 draw_problems(const struct top *, unsigned);
static void	 draw_share(const struct top *, unsigned, unsigned [TOP_PANES]);
static unsigned	 draw_wants(const struct top *, size_t, unsigned);
static void	 draw_foot(const struct top *, struct canvas *);
static void	 draw_help(struct canvas *, unsigned);

/* From top to bottom; and who has a place first if there is little. */
static const enum top_pane order[] = { TOP_LISTENERS, TOP_REMOTES,
	TOP_WORKERS, TOP_CLIENTS, TOP_SESSIONS };
static const enum top_pane rank[] = { TOP_SESSIONS, TOP_REMOTES,
	TOP_LISTENERS, TOP_CLIENTS, TOP_WORKERS };

void
draw(struct top *top, struct canvas *c, bool keys)
{
	const unsigned head = head_draw(top, c, draw_head_rows(c->rows));
	const unsigned foot = c->rows - (keys && c->rows > head + 1);

	if (top->mode == TOP_HELPS)
		draw_help(c, head);
	else
		draw_panes(top, c, head, foot, keys);
	if (foot < c->rows)
		draw_foot(top, c);
}

static unsigned
draw_head_rows(unsigned rows)
{
	return rows >= 20 ? 4 : rows >= 12 ? 3 : rows >= 8 ? 2 : 1;
}

/* Into the lines from top to before bottom. */
static void
draw_panes(struct top *top, struct canvas *c, unsigned row, unsigned bottom,
    bool keys)
{
	unsigned share[TOP_PANES] = { 0 }, problems;
	size_t i;

	if (top->zoom) {
		pane_draw(&top->panes[top->focus], c, row, bottom - row, true);
		return;
	}
	problems = draw_problems(top, bottom - row);
	draw_share(top, bottom - row - problems, share);
	for (i = 0; i < nitems_of(order); i++) {
		pane_draw(&top->panes[order[i]], c, row, share[order[i]],
		    keys && order[i] == top->focus);
		row += share[order[i]];
	}
	pane_draw(&top->panes[TOP_PROBLEMS], c, bottom - problems, problems,
	    keys && top->focus == TOP_PROBLEMS);
}

/* A title, and a few of them, if there are any. */
static unsigned
draw_problems(const struct top *top, unsigned rows)
{
	const unsigned want = draw_wants(top, TOP_PROBLEMS, rows);
	const unsigned most = top->focus == TOP_PROBLEMS ? rows / 2 : rows / 5;

	return want <= 1 ? 0 : MIN(want, MAX(2, most));
}

/* Each two lines first, then one each in turn to who has more. */
static void
draw_share(const struct top *top, unsigned rows, unsigned share[TOP_PANES])
{
	unsigned i, least, left = rows;
	bool more = true;

	if (top->focus != TOP_PROBLEMS) {
		share[top->focus] = MIN(left, MIN(5,
		    draw_wants(top, top->focus, rows)));
		left -= share[top->focus];
	}
	for (i = 0; i < nitems_of(rank); i++) {
		least = MIN(2, draw_wants(top, rank[i], rows));
		if (rank[i] == top->focus || left < least)
			continue;
		share[rank[i]] = least;
		left -= least;
	}
	while (left > 0 && more) {
		more = false;
		for (i = 0; i < nitems_of(rank) && left > 0; i++)
			if (share[rank[i]] != 0 && share[rank[i]] <
			    draw_wants(top, rank[i], rows)) {
				share[rank[i]]++;
				left--;
				more = true;
			}
	}
}

static unsigned
draw_wants(const struct top *top, size_t pane, unsigned rows)
{
	return (unsigned)MIN(top->panes[pane].n, rows) + 1;
}

unsigned
draw_lines(const struct top *top, unsigned rows)
{
	unsigned i, sum = draw_head_rows(UINT32_MAX);

	for (i = 0; i < TOP_PANES; i++)
		sum += draw_wants(top, i, rows);
	return sum;
}

/* --- the last line --- */

static void
draw_foot(const struct top *top, struct canvas *c)
{
	/* The last place of all is not for every terminal. */
	const unsigned row = c->rows - 1, cols = c->cols - 1;
	char text[TOP_LINE + 16];

	if (top->mode == TOP_ASKS)
		canvas_put(c, row, 0, cols, INK_LOOK, top->question);
	else if (top->mode == TOP_FILTERS) {
		snprintf(text, sizeof(text), "filter: %s_", top->filter);
		canvas_put(c, row, 0, cols, INK_BOLD, text);
	} else if (top->lost != 0)
		canvas_put(c, row, 0, cols, INK_WRONG, top->why);
	else if (top->said != 0 && link_now() - top->said < MESSAGE)
		canvas_put(c, row, 0, cols, INK_BOLD, top->message);
	else if (top->filter[0] != '\0') {
		snprintf(text, sizeof(text), "filter: %s (Esc: none)",
		    top->filter);
		canvas_put(c, row, 0, cols, INK_LOOK, text);
	} else
		canvas_put(c, row, 0, cols, INK_DIM, cols < 77 ? "? help  "
		    "q quit  Tab pane  / filter" : "? help  q quit  Tab pane  "
		    "/ filter  < > sort  z zoom  p pause  k kill  d drain");
}

static void
draw_help(struct canvas *c, unsigned row)
{
	const char *line;
	unsigned i;
	size_t key;
	char text[16];

	for (i = 0; (line = keys_help(i)) != NULL && row + 1 < c->rows; i++) {
		key = strcspn(line, "\t");
		snprintf(text, sizeof(text), "%.*s", (int)key, line);
		canvas_put(c, row, 0, 12, INK_BOLD, text);
		canvas_put(c, row++, 13, c->cols, INK_PLAIN, line + key + 1);
	}
}
