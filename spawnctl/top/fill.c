#include "compat.h"

#include "link.h"
#include "most.h"
#include "sight.h"
#include "top/cells.h"
#include "top/look.h"
#include "past.h"
#include "top/top.h"
#include "who.h"

#define FLOW	"flow"		/* bytes a second, as a field of a record */

static void	 fill_listeners(struct pane *);
static void	 fill_workers(struct pane *);
static void	 fill_clients(struct pane *);
static void	 fill_client(struct out_table *, const struct who *);
static int	 fill_order(const struct who *, const struct who *);
static void	 fill_sessions(struct pane *);
static void	 fill_row(struct out_table *, const struct rec *);
static uint64_t	 fill_key(const struct pane *, const struct rec *, uint64_t);
static uint64_t	 fill_flow(const struct rec *);
static bool	 fill_wanted(const struct rec *);

static const struct out_col listener_cols[] = {
	{ "listener", OUT_TEXT, false, 99 }, { "address", OUT_TEXT, false, 60 },
	{ "relay", OUT_TEXT, false, 30 }, { "sessions", OUT_PLAIN, false, 95 },
	{ "new/s", OUT_PLAIN, false, 98 }, { "waiting", OUT_PLAIN, false, 90 },
	{ "denied", OUT_PLAIN, false, 70 }, { "limited", OUT_PLAIN, false, 72 },
	{ "in/s", OUT_RATE, false, 80 }, { "out/s", OUT_RATE, false, 82 },
};
static const struct out_col worker_cols[] = {
	{ "worker", OUT_TEXT, false, 99 },
	{ "generation", OUT_PLAIN, false, 40 },
	{ "state", OUT_TEXT, false, 98 }, { "sessions", OUT_PLAIN, false, 95 },
	{ "new/s", OUT_PLAIN, false, 90 }, { "in/s", OUT_RATE, false, 80 },
	{ "out/s", OUT_RATE, false, 82 }, { "age", OUT_SECONDS, false, 70 },
};
static const struct out_col client_cols[] = {
	{ "client", OUT_TEXT, false, 99 }, { "sessions", OUT_PLAIN, false, 98 },
	{ "rate", OUT_RATE, false, 95 }, { "in", OUT_BYTES, false, 80 },
	{ "out", OUT_BYTES, false, 82 }, { "oldest", OUT_SECONDS, false, 70 },
};
static const struct out_col session_cols[] = {
	{ "session", OUT_TEXT, false, 97 }, { "client", OUT_TEXT, false, 99 },
	{ "listener", OUT_TEXT, false, 50 }, { "remote", OUT_TEXT, false, 85 },
	{ "state", OUT_TEXT, false, 60 }, { "rate", OUT_RATE, false, 95 },
	{ "in", OUT_BYTES, false, 70 }, { "out", OUT_BYTES, false, 72 },
	{ "age", OUT_SECONDS, false, 90 }, { "idle", OUT_SECONDS, false, 80 },
};

#define PANE(n, c, keys, by) (struct pane){ .name = n, .cols = c, \
	.ncols = nitems_of(c), .nkey = keys, .sort = by }

/* The sessions of the look that is under way, and of the last one. */
static struct {
	struct top	*top;
	struct most	 most;
	struct whos	 whos;
	uint64_t	 n;
	uint64_t	 at;		/* ms */
} now, last;

void
fill_begin(struct top *top)
{
	now.top = top;
	top->panes[TOP_LISTENERS] = PANE("listeners", listener_cols, 2, 3);
	top->panes[TOP_WORKERS] = PANE("workers", worker_cols, 1,
	    nitems_of(worker_cols));
	top->panes[TOP_CLIENTS] = PANE("clients", client_cols, 1, 1);
	top->panes[TOP_SESSIONS] = PANE("sessions", session_cols, 1, 5);
	remotes_begin(&top->panes[TOP_REMOTES]);
	problems_begin(&top->panes[TOP_PROBLEMS]);
	look_sessions(fill_session);
}

/* --- on their way --- */

void
fill_session(const struct rec *r)
{
	struct rec with;
	char flow[OUT_NUMBER];
	uint64_t rate;

	if (r == NULL) {
		most_free(&now.most);
		who_free(&now.whos);
		now.most.limit = PANE_ROWS;
		now.n = 0;
		now.at = link_now();
		return;
	}
	now.n++;
	rate = fill_flow(r);
	who_add(&now.whos, r)->rate += rate;
	if (!fill_wanted(r) || r->n == REC_FIELDS)
		return;
	snprintf(flow, sizeof(flow), "%llu", (unsigned long long)rate);
	with = *r;
	with.fields[with.n].name = FLOW;
	with.fields[with.n++].value = flow;
	most_take(&now.most, &with, fill_key(&now.top->panes[TOP_SESSIONS], r,
	    rate));
}

/* Since the last look; of a new one, since it has begun. */
static uint64_t
fill_flow(const struct rec *r)
{
	const char *session = rec_get(r, "session");
	uint64_t rate;

	return past_rate('s', session != NULL ? session : "-",
	    rec_number(r, "in") + rec_number(r, "out"), now.at, &rate) ?
	    rate : sight_rate(r);
}

/* What is to be kept if there are too many. */
static uint64_t
fill_key(const struct pane *p, const struct rec *r, uint64_t rate)
{
	const char *by = p->sort < p->ncols ? p->cols[p->sort].name : "rate";
	uint64_t key = strcmp(by, "age") == 0 ? rec_number(r, "age_ms") :
	    strcmp(by, "idle") == 0 ? rec_number(r, "idle_ms") :
	    strcmp(by, "in") == 0 || strcmp(by, "out") == 0 ?
	    rec_number(r, by) : rate;

	return p->turned ? UINT64_MAX - key : key;
}

static bool
fill_wanted(const struct rec *r)
{
	static const char * const names[] = { "session", "client", "listener",
		"relay", "remote", "state" };
	const char *text;
	size_t i;

	if (now.top->filter[0] == '\0')
		return true;
	for (i = 0; i < nitems_of(names); i++)
		if ((text = rec_get(r, names[i])) != NULL &&
		    strcasestr(text, now.top->filter) != NULL)
			return true;
	return false;
}

/* --- a look is complete --- */

void
fill_panes(struct top *top)
{
	size_t i;

	most_free(&last.most);
	who_free(&last.whos);
	last = now;
	now.most = (struct most){ .all = NULL };
	now.whos = (struct whos){ .all = NULL };
	most_sort(&last.most);
	for (i = 0; i < TOP_PANES; i++)
		pane_clear(&top->panes[i]);
	fill_listeners(&top->panes[TOP_LISTENERS]);
	remotes_fill(&top->panes[TOP_REMOTES]);
	fill_workers(&top->panes[TOP_WORKERS]);
	fill_clients(&top->panes[TOP_CLIENTS]);
	fill_sessions(&top->panes[TOP_SESSIONS]);
	problems_fill(top);
	head_fill();
	for (i = 0; i < TOP_PANES; i++)
		pane_arrange(&top->panes[i], top->filter);
}

void
fill_end(struct top *top)
{
	size_t i;

	most_free(&last.most);
	who_free(&last.whos);
	most_free(&now.most);
	who_free(&now.whos);
	for (i = 0; i < TOP_PANES; i++)
		pane_free(&top->panes[i]);
}

static void
fill_listeners(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_LISTENERS);
	const uint64_t at = look_when(LOOK_LISTENERS);
	char what[512];
	size_t i;

	p->all = r->nrows;
	for (i = 0; i < r->nrows; i++) {
		snprintf(what, sizeof(what), "%s %s", cell_text(r, i, "name"),
		    cell_text(r, i, "address"));
		cell_same(&p->t, r, i, "name");
		cell_same(&p->t, r, i, "address");
		cell_same(&p->t, r, i, "relay");
		cell_same(&p->t, r, i, "sessions");
		cell_rate(&p->t, r, i, "accepted", what, at);
		cell_same(&p->t, r, i, "waiting");
		cell_same(&p->t, r, i, "denied");
		cell_same(&p->t, r, i, "limited");
		cell_rate(&p->t, r, i, "bytes_in", what, at);
		cell_rate(&p->t, r, i, "bytes_out", what, at);
	}
}

static void
fill_workers(struct pane *p)
{
	const struct rows *r = look_rows(LOOK_WORKERS);
	const uint64_t at = look_when(LOOK_WORKERS);
	const char *pid;
	size_t i;

	p->all = r->nrows;
	for (i = 0; i < r->nrows; i++) {
		pid = cell_text(r, i, "pid");
		cell_same(&p->t, r, i, "pid");
		cell_same(&p->t, r, i, "generation");
		cell_same(&p->t, r, i, "state");
		cell_same(&p->t, r, i, "sessions");
		cell_rate(&p->t, r, i, "taken", pid, at);
		cell_rate(&p->t, r, i, "bytes_in", pid, at);
		cell_rate(&p->t, r, i, "bytes_out", pid, at);
		cell_same(&p->t, r, i, "age_seconds");
	}
}

static void
fill_clients(struct pane *p)
{
	size_t i;

	who_sort(&last.whos, fill_order);
	p->all = last.whos.n;
	for (i = 0; i < MIN(last.whos.n, PANE_ROWS); i++)
		fill_client(&p->t, &last.whos.all[i]);
}

/* Who is kept if there are too many; pane.c puts those in order. */
static int
fill_order(const struct who *a, const struct who *b)
{
	const struct pane *p = &last.top->panes[TOP_CLIENTS];
	const char *by = p->sort < p->ncols ? p->cols[p->sort].name :
	    "sessions";
	uint64_t x = a->sessions, y = b->sessions;

	if (strcmp(by, "rate") == 0) {
		x = a->rate;
		y = b->rate;
	} else if (strcmp(by, "in") == 0 || strcmp(by, "out") == 0) {
		x = *by == 'i' ? a->in : a->out;
		y = *by == 'i' ? b->in : b->out;
	} else if (strcmp(by, "oldest") == 0) {
		x = a->oldest_ms;
		y = b->oldest_ms;
	}
	return (x < y ? 1 : x > y ? -1 : 0) * (p->turned ? -1 : 1);
}

static void
fill_client(struct out_table *t, const struct who *w)
{
	out_cell(t, w->host);
	out_cell_number(t, w->sessions);
	out_cell_number(t, w->rate);
	out_cell_number(t, w->in);
	out_cell_number(t, w->out);
	out_cell_number(t, w->oldest_ms / 1000);
}

static void
fill_sessions(struct pane *p)
{
	struct rec r;
	size_t i;

	p->all = last.n;
	for (i = 0; i < last.most.n; i++)
		if (rec_parse(last.most.all[i].line, &r) == 0)
			fill_row(&p->t, &r);
	/* They have been taken apart. */
	most_free(&last.most);
}

static void
fill_row(struct out_table *t, const struct rec *r)
{
	static const char * const texts[] = { "session", "client", "listener" };
	const char *relay = rec_get(r, "relay"), *text = rec_get(r, "remote");
	char remote[256];
	size_t i;

	for (i = 0; i < nitems_of(texts); i++)
		out_cell(t, rec_get(r, texts[i]) != NULL ?
		    rec_get(r, texts[i]) : "-");
	snprintf(remote, sizeof(remote), "%s/%s", relay != NULL ? relay : "-",
	    text != NULL ? text : "-");
	out_cell(t, remote);
	out_cell(t, rec_get(r, "state") != NULL ? rec_get(r, "state") : "-");
	out_cell_number(t, rec_number(r, FLOW));
	out_cell_number(t, rec_number(r, "in"));
	out_cell_number(t, rec_number(r, "out"));
	out_cell_number(t, rec_number(r, "age_ms") / 1000);
	out_cell_number(t, rec_number(r, "idle_ms") / 1000);
}
