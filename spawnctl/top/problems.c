#include "compat.h"

#include <stdarg.h>
#include <time.h>

#include "amount.h"
#include "top/cells.h"
#include "top/look.h"
#include "past.h"
#include "top/top.h"

#define RECENT	120		/* s that a line of the log is shown */
#define LINES	20		/* of the log, at most */

static void	 problem(struct pane *, const char *, const char *, ...)
		    printf_like(3, 4);
static void	 problems_of(struct pane *, const char *);
static void	 problems_summary(struct pane *);
static void	 problems_drops(struct pane *);
static void	 problems_remotes(struct pane *);
static void	 problems_remote(struct pane *, const struct rows *, size_t,
		    const char *);
static void	 problems_workers(struct pane *);
static void	 problems_generations(struct pane *);
static void	 problems_log(struct pane *);
static bool	 problems_recent(const char *);

static const char wrong[] = "error", look[] = "warning";
static const char *level;	/* those that are told now */

static const struct out_col cols[] = { { "problem", OUT_TEXT, false, 99 } };

void
problems_begin(struct pane *p)
{
	*p = (struct pane){ .name = "problems", .cols = cols,
	    .ncols = nitems_of(cols), .nkey = 1, .sort = nitems_of(cols),
	    .problems = true };
}

void
problems_fill(struct top *top)
{
	struct pane *p = &top->panes[TOP_PROBLEMS];

	problems_of(p, wrong);
	problems_of(p, look);
}

static void
problems_of(struct pane *p, const char *which)
{
	level = which;
	/* Of remotes there may be many. */
	problems_summary(p);
	problems_workers(p);
	problems_generations(p);
	problems_remotes(p);
	problems_log(p);
}

static void
problem(struct pane *p, const char *which, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (strcmp(which, level) != 0)
		return;
	strlcpy(text, level == wrong ? "! " : "- ", sizeof(text));
	va_start(ap, fmt);
	vsnprintf(text + 2, sizeof(text) - 2, fmt, ap);
	va_end(ap);
	out_cell(&p->t, text);
	p->all++;
}

static void
problems_summary(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_SUMMARY);
	char ago[AMOUNT_LEN];

	if (strcmp(cell_text(r, 0, "overload"), "yes") == 0)
		problem(p, wrong, "overload: no worker has room, %s clients "
		    "wait", cell_text(r, 0, "waiting"));
	if (strcmp(cell_text(r, 0, "reload_state"), "failed") == 0)
		problem(p, wrong, "the last reload, %s ago: %s",
		    amount_time(cell_number(r, 0, "reload_seconds"), ago),
		    cell_text(r, 0, "last_reload"));
	problems_drops(p);
}

static void
problems_drops(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_SUMMARY);
	uint64_t now, rate;

	if (rows_number(r, 0, "dropped_logs", &now) && past_rate('p', "drops",
	    now, look_when(LOOK_SUMMARY), &rate) && rate != 0)
		problem(p, look, "%llu lines of the log are dropped a second",
		    (unsigned long long)rate);
}

static void
problems_remotes(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_REMOTES);
	const char *state;
	size_t i;

	for (i = 0; i < r->nrows; i++) {
		state = cell_text(r, i, "state");
		if (strcmp(state, "down") == 0 || strcmp(state, "held") == 0)
			problems_remote(p, r, i, state);
	}
}

static void
problems_remote(struct pane *p, const struct rows *r, size_t row,
    const char *state)
{
	char name[TOP_LINE], ago[AMOUNT_LEN];
	uint64_t since;

	snprintf(name, sizeof(name), "%s/%s (%s)", cell_text(r, row, "relay"),
	    cell_text(r, row, "name"), cell_text(r, row, "address"));
	if (*state == 'h')
		problem(p, look, "%s: connects fail, %s workers leave it alone",
		    name, cell_text(r, row, "held"));
	else if (rows_number(r, row, "since", &since))
		problem(p, wrong, "%s is down for %s: %s", name,
		    amount_time(since, ago), cell_text(r, row, "check_error"));
	else
		problem(p, wrong, "%s is down: %s", name,
		    cell_text(r, row, "check_error"));
}

static void
problems_workers(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_WORKERS);
	size_t i;

	for (i = 0; i < r->nrows; i++)
		if (strcmp(cell_text(r, i, "state"), "stuck") == 0)
			problem(p, wrong, "worker %s takes nothing from its "
			    "channel", cell_text(r, i, "pid"));
}

static void
problems_generations(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_GENERATIONS);
	char age[AMOUNT_LEN];
	size_t i;

	for (i = 0; i < r->nrows; i++)
		if (strcmp(cell_text(r, i, "state"), "draining") == 0)
			problem(p, look, "generation %s drains for %s: %s "
			    "sessions, %s workers",
			    cell_text(r, i, "generation"),
			    amount_time(cell_number(r, i, "age_seconds"), age),
			    cell_text(r, i, "sessions"),
			    cell_text(r, i, "workers"));
}

/* The latest first. */
static void
problems_log(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_ERRORS);
	const char *at;
	size_t i;
	unsigned n = 0;

	for (i = r->nrows; i-- > 0 && n < LINES;) {
		at = cell_text(r, i, "time");
		if (strcmp(cell_text(r, i, "level"), level) != 0 ||
		    !problems_recent(at))
			continue;
		problem(p, level, "%.8s %s: %s", strlen(at) > 11 ? at + 11 : at,
		    cell_text(r, i, "process"), cell_text(r, i, "message"));
		n++;
	}
}

/* "2026-12-01T09:15:00Z", perhaps with more digits. */
static bool
problems_recent(const char *text)
{
	struct tm tm = { .tm_isdst = 0 };

	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return false;
	return time(NULL) - timegm(&tm) <= RECENT;
}
