#include "compat.h"

#include <stdarg.h>

#include "accept/backlog.h"
#include "accept/handoff.h"
#include "accept/listener.h"
#include "accept/overload.h"
#include "board.h"
#include "conf/conf.h"
#include "ev.h"
#include "ktls.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/load.h"
#include "proc/reload.h"
#include "proc/totals.h"
#include "proc/worker.h"
#include "sandbox.h"
#include "tell/show.h"
#include "utf8.h"

#define COLUMNS	24	/* most of any view */

/* A table: the same cells print as columns or as JSON, where a number that is
 * "-" is null. */
struct column {
	const char	*name;
	bool		 text;		/* a string in JSON */
};

struct table {
	const struct column	*cols;
	size_t			 ncols;
	char			**cells;
	size_t			 ncells, room;
	bool			 failed;	/* out of memory */
};

static const struct view *find(const char *);
static void	cell(struct table *, const char *, ...) printf_like(2, 3);
static void	json_string(FILE *, const char *);
static void	json_number(FILE *, const char *);
static void	json_row(FILE *, const struct table *, size_t);
static int	column_width(const struct table *, size_t);
static void	print_columns(FILE *, const struct table *);
static void	print_pairs(FILE *, const struct table *);
static void	print(FILE *, struct table *, bool, bool);
static void	show_summary(struct table *);
static void	show_workers(struct table *);
static void	show_generations(struct table *);
static void	show_listeners(struct table *);
static bool	show_is_first(const struct listener *);
static bool	show_is_same(const struct listener *, const struct listener *);
static void	show_listener(struct table *, const struct listener *);
static int	show_waiting(int, int);
static void	show_address(struct table *, const struct listener *, bool);
static void	show_options(struct table *, const struct conf_listen *);
static uint64_t	backlog_sum(void);
static void	waiting_cell(struct table *, int);
static void	show_remotes(struct table *);
static void	show_place(struct table *, const struct conf_relay *,
		    const struct conf_remote *, unsigned);

static const struct column summary_cols[] = {
	{ "version", true }, { "pid", false }, { "uptime_seconds", false },
	{ "generation", false }, { "mechanism", true }, { "workers", false },
	{ "draining", false }, { "sessions", false },
	{ "sessions_total", false }, { "accepted", false },
	{ "refused", false }, { "denied", false }, { "limited", false },
	{ "waiting", false }, { "kept", false }, { "overload", true },
	{ "users_max_total", false }, { "bytes_in", false },
	{ "bytes_out", false }, { "last_reload", true },
	{ "dropped_logs", false }, { "sandbox", true },
	{ "kernel_tls", true }
};
static const struct column worker_cols[] = {
	{ "pid", false }, { "generation", false }, { "state", true },
	{ "sessions", false }, { "taken", false }, { "closed", false },
	{ "bytes_in", false }, { "bytes_out", false },
	{ "age_seconds", false }
};
static const struct column generation_cols[] = {
	{ "generation", false }, { "state", true }, { "workers", false },
	{ "sessions", false }, { "age_seconds", false }, { "why", true }
};
static const struct column listener_cols[] = {
	{ "name", true }, { "address", true }, { "relay", true },
	{ "tls", true }, { "tag", true }, { "accepted", false },
	{ "refused", false }, { "denied", false }, { "limited", false },
	{ "waiting", false }, { "overload", true }, { "backlog", false },
	{ "options", true }
};
static const struct column remote_cols[] = {
	{ "relay", true }, { "name", true }, { "address", true },
	{ "weight", false }, { "active", false }, { "sessions", false },
	{ "failed", false }, { "held", false }, { "bytes_in", false },
	{ "bytes_out", false }
};

_Static_assert(nitems_of(summary_cols) <= COLUMNS, "COLUMNS is too small");

static const struct view {
	const char		*name;
	const struct column	*cols;
	size_t			 ncols;
	bool			 one;		/* one row: pairs, an object */
	void			(*fill)(struct table *);
} views[] = {
	{ "summary", summary_cols, nitems_of(summary_cols), true,
	    show_summary },
	{ "workers", worker_cols, nitems_of(worker_cols), false,
	    show_workers },
	{ "generations", generation_cols, nitems_of(generation_cols), false,
	    show_generations },
	{ "listeners", listener_cols, nitems_of(listener_cols), false,
	    show_listeners },
	{ "remotes", remote_cols, nitems_of(remote_cols), false,
	    show_remotes },
};

static const struct view *
find(const char *name)
{
	size_t i;

	for (i = 0; i < nitems_of(views); i++)
		if (strcmp(name, views[i].name) == 0)
			return &views[i];
	return NULL;
}

bool
show_known(const char *name)
{
	return find(name) != NULL;
}

void
show_write(FILE *f, const char *name, bool json)
{
	const struct view *v = find(name);
	struct table t = { .cols = v->cols, .ncols = v->ncols };
	size_t i;

	v->fill(&t);
	print(f, &t, json, v->one);
	for (i = 0; i < t.ncells; i++)
		free(t.cells[i]);
	free(t.cells);
}

static void
cell(struct table *t, const char *fmt, ...)
{
	char **cells, *text;
	va_list ap;
	int n;

	if (t->ncells == t->room) {
		t->room = t->room == 0 ? 64 : t->room * 2;
		cells = realloc(t->cells, t->room * sizeof(*cells));
		if (cells == NULL) {
			t->failed = true;
			t->room = t->ncells;
			return;
		}
		t->cells = cells;
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		t->failed = true;
	else
		t->cells[t->ncells++] = text;
}

/* A path may be anything; what is no UTF-8 is replaced by U+FFFD. */
static void
json_string(FILE *f, const char *s)
{
	size_t left = strlen(s), len;

	fputc('"', f);
	for (; left > 0; s += len, left -= len) {
		if ((len = utf8_len(s, left)) == 0) {
			fputs("\\ufffd", f);
			len = 1;
		} else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < ' ')
			fprintf(f, "\\u%04x", (unsigned char)*s);
		else
			fwrite(s, 1, len, f);
	}
	fputc('"', f);
}

static void
json_number(FILE *f, const char *s)
{
	fputs(strcmp(s, "-") == 0 ? "null" : s, f);
}

static void
json_row(FILE *f, const struct table *t, size_t row)
{
	size_t i;

	fputc('{', f);
	for (i = 0; i < t->ncols; i++) {
		fprintf(f, "%s\"%s\": ", i == 0 ? "" : ", ", t->cols[i].name);
		if (t->cols[i].text)
			json_string(f, t->cells[row * t->ncols + i]);
		else
			json_number(f, t->cells[row * t->ncols + i]);
	}
	fputc('}', f);
}

static int
column_width(const struct table *t, size_t col)
{
	size_t i, width = strlen(t->cols[col].name);

	for (i = col; i < t->ncells; i += t->ncols)
		if (strlen(t->cells[i]) > width)
			width = strlen(t->cells[i]);
	return (int)width;
}

/* Words to the left, numbers to the right; row 0 is the heading. */
static void
print_columns(FILE *f, const struct table *t)
{
	size_t col, row, rows = t->ncells / t->ncols;
	int width[COLUMNS];
	const char *s;

	for (col = 0; col < t->ncols; col++)
		width[col] = column_width(t, col);
	for (row = 0; row <= rows; row++) {
		for (col = 0; col < t->ncols; col++) {
			s = row == 0 ? t->cols[col].name :
			    t->cells[(row - 1) * t->ncols + col];
			fprintf(f, "%s%*s", col == 0 ? "" : "  ",
			    t->cols[col].text ? -width[col] : width[col], s);
		}
		fputc('\n', f);
	}
}

static void
print_pairs(FILE *f, const struct table *t)
{
	size_t i;

	for (i = 0; i < t->ncells; i++)
		fprintf(f, "%-16s %s\n", t->cols[i].name, t->cells[i]);
}

static void
print(FILE *f, struct table *t, bool json, bool one)
{
	size_t i, rows = t->ncells / t->ncols;

	if (t->failed) {
		fprintf(f, "out of memory\n");
		return;
	}
	if (!json) {
		for (i = 0; i < t->ncells; i++)
			utf8_clean(t->cells[i], strlen(t->cells[i]));
		if (one)
			print_pairs(f, t);
		else
			print_columns(f, t);
		return;
	}
	if (!one)
		fputc('[', f);
	for (i = 0; i < rows; i++) {
		if (i != 0)
			fputs(",\n ", f);
		json_row(f, t, i);
	}
	fputs(one ? "\n" : "]\n", f);
}

#define NUMBER(t, n)	cell(t, "%llu", (unsigned long long)(n))

static void
show_summary(struct table *t)
{
	const struct conf *c = master.gen->conf;
	const struct totals sum = totals_sum();

	cell(t, "%s", PACKAGE_VERSION);
	cell(t, "%ld", (long)getpid());
	NUMBER(t, (ev_now() - master.started) / 1000);
	cell(t, "%u", master.gen->number);
	cell(t, "%s", ev_mechanism());
	cell(t, "%u", sum.workers);
	cell(t, "%u", sum.draining);
	NUMBER(t, sum.open);
	NUMBER(t, sum.sessions);
	NUMBER(t, master.accepted);
	NUMBER(t, master.denied + master.limited);
	NUMBER(t, master.denied);
	NUMBER(t, master.limited);
	NUMBER(t, handoff_kept() + backlog_sum());
	cell(t, "%u", handoff_kept());
	cell(t, "%s", overload_on() ? "yes" : "no");
	NUMBER(t, (uint64_t)c->users_max * c->servers_max);
	NUMBER(t, sum.bytes_in);
	NUMBER(t, sum.bytes_out);
	cell(t, "%s", reload_last());
	NUMBER(t, sum.log_dropped);
	cell(t, "%s", sandbox_describe(c->sandbox != CONF_SANDBOX_OFF));
	cell(t, "%s", ktls_here() ? "yes" : "no");
}

static void
show_workers(struct table *t)
{
	const struct board_worker *b;
	const struct generation *g;
	const struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry) {
		TAILQ_FOREACH(w, &g->workers, entry) {
			b = board_slot(&g->board, w->slot);
			cell(t, "%ld", (long)w->child.pid);
			cell(t, "%u", g->number);
			cell(t, "%s", worker_state_name(w->state));
			NUMBER(t, worker_users(w));
			NUMBER(t, board_get(&b->taken));
			NUMBER(t, board_get(&b->closed));
			NUMBER(t, board_get(&b->bytes_in));
			NUMBER(t, board_get(&b->bytes_out));
			NUMBER(t, (ev_now() - w->started) / 1000);
		}
	}
}

/* Why an old one still lives is what its workers still hold. */
static void
show_generations(struct table *t)
{
	const struct generation *g;
	struct totals sum;

	TAILQ_FOREACH(g, &master.gens, entry) {
		sum = totals_of(g);
		cell(t, "%u", g->number);
		cell(t, "%s", g == master.gen ? "current" :
		    g->old ? "draining" : "starting");
		cell(t, "%u", g->nworkers);
		NUMBER(t, sum.open);
		NUMBER(t, (ev_now() - g->started) / 1000);
		cell(t, "%s", !g->old ? "-" :
		    sum.stuck != 0 ? "a worker is stuck" :
		    sum.open != 0 ? "sessions are open" : "workers are ending");
	}
}

static void
show_listeners(struct table *t)
{
	const struct listener *l;

	TAILQ_FOREACH(l, &master.listeners, entry)
		if (!l->fresh && show_is_first(l))
			show_listener(t, l);
}

/* The ports of a range are one line. */
static bool
show_is_first(const struct listener *l)
{
	const struct conf_listen *c = &master.gen->conf->listens[l->index];
	const struct listener *other;

	if (!conf_listen_ranges(c))
		return true;
	other = TAILQ_FIRST(&master.listeners);
	while (other != l && !show_is_same(other, l))
		other = TAILQ_NEXT(other, entry);
	return other == l;
}

/* But for the port. */
static bool
show_is_same(const struct listener *a, const struct listener *b)
{
	struct addr at = a->addr;

	addr_set_port(&at, addr_get_port(&b->addr));
	return a->index == b->index && !a->fresh &&
	    addr_cmp(&at, &b->addr) == 0;
}

static void
show_listener(struct table *t, const struct listener *first)
{
	const struct conf *c = master.gen->conf;
	const struct conf_listen *conf = &c->listens[first->index];
	const bool ranges = conf_listen_ranges(conf);
	uint64_t accepted = 0, denied = 0, limited = 0;
	const struct listener *l;
	int waiting = 0;

	for (l = first; l != NULL; l = ranges ? TAILQ_NEXT(l, entry) : NULL) {
		if (l != first && !show_is_same(l, first))
			continue;
		accepted += l->accepted;
		denied += l->denied;
		limited += l->limited;
		waiting = show_waiting(waiting, backlog_count(l->io.fd));
	}
	cell(t, "%s", first->name);
	show_address(t, first, ranges);
	cell(t, "%s", conf_relay_name(c, conf));
	cell(t, "%s", conf->tls == CONF_NOREF ? "-" : c->tlss[conf->tls].name);
	cell(t, "%s", conf->tag == NULL ? "-" : conf->tag);
	NUMBER(t, accepted);
	NUMBER(t, denied + limited);
	NUMBER(t, denied);
	NUMBER(t, limited);
	waiting_cell(t, waiting);
	cell(t, "%s", conf_overload_name(c->overload));
	cell(t, "%u", first->backlog);
	show_options(t, conf);
}

static int
show_waiting(int sum, int n)
{
	return sum == BACKLOG_UNKNOWN || n == BACKLOG_UNKNOWN ?
	    BACKLOG_UNKNOWN : sum + n;
}

static void
show_address(struct table *t, const struct listener *first, bool ranges)
{
	const struct listener *l = first;
	struct addr low = first->addr;
	unsigned high = addr_get_port(&low);
	char text[ADDR_STRLEN];

	for (; ranges && l != NULL; l = TAILQ_NEXT(l, entry))
		if (show_is_same(l, first)) {
			addr_set_port(&low, MIN(addr_get_port(&low),
			    addr_get_port(&l->addr)));
			high = MAX(high, addr_get_port(&l->addr));
		}
	addr_str(&low, text);
	if (high == addr_get_port(&low))
		cell(t, "%s", text);
	else
		cell(t, "%s-%u", text, high);
}

static void
show_options(struct table *t, const struct conf_listen *c)
{
	size_t len;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);
	int done = f == NULL ? -1 : conf_print_socket(c, f);

	if (f == NULL || fclose(f) == EOF || done == -1)
		t->failed = true;
	else
		cell(t, "%s", text);
	free(text);
}

/* Over the listeners whose backlog the kernel tells. */
static uint64_t
backlog_sum(void)
{
	const struct listener *l;
	uint64_t sum = 0;
	int n;

	TAILQ_FOREACH(l, &master.listeners, entry)
		if (!l->fresh && (n = backlog_count(l->io.fd)) > 0)
			sum += (unsigned)n;
	return sum;
}

static void
waiting_cell(struct table *t, int n)
{
	if (n == BACKLOG_UNKNOWN)
		cell(t, "-");
	else
		cell(t, "%d", n);
}

static void
show_remotes(struct table *t)
{
	const struct conf *c = master.gen->conf;
	const struct conf_relay *r;
	unsigned i, k, place = 0;

	for (r = c->relays; r < c->relays + c->nrelays; r++)
		for (i = 0; i < r->nremotes; i++)
			for (k = 0; k < conf_places(r, &r->remotes[i]); k++)
				show_place(t, r, &r->remotes[i], place++);
}

/* Over all generations, by name; "held" counts the workers that hold it. */
static void
show_place(struct table *t, const struct conf_relay *r,
    const struct conf_remote *remote, unsigned place)
{
	const struct total *past = master.gen->places[place].total;
	const struct board_place *b;
	const struct place *p;
	const struct worker *w;
	struct total sum = *past;
	uint64_t active = 0, held = 0;

	LIST_FOREACH(p, &past->places, entry) {
		TAILQ_FOREACH(w, &p->gen->workers, entry) {
			b = &board_slot(&p->gen->board,
			    w->slot)->places[p - p->gen->places];
			sum.sessions += board_get(&b->sessions);
			sum.failed += board_get(&b->failed);
			sum.bytes_in += board_get(&b->bytes_in);
			sum.bytes_out += board_get(&b->bytes_out);
			active += atomic_load(&b->active);
			held += p->gen == master.gen &&
			    (board_get(&b->outcome) & 0xff) != 0;
		}
	}
	cell(t, "%s", r->name);
	cell(t, "%s", remote->name);
	cell(t, "%s", past->addr);
	cell(t, "%u", remote->weight);
	NUMBER(t, active);
	NUMBER(t, sum.sessions);
	NUMBER(t, sum.failed);
	NUMBER(t, held);
	NUMBER(t, sum.bytes_in);
	NUMBER(t, sum.bytes_out);
}
