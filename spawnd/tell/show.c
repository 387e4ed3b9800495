#include "compat.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <time.h>

#include "accept/handoff.h"
#include "accept/listener.h"
#include "accept/overload.h"
#include "board.h"
#include "conf/conf.h"
#include "ev.h"
#include "ktls.h"
#include "ledger.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/history.h"
#include "proc/load.h"
#include "proc/reload.h"
#include "proc/totals.h"
#include "proc/worker.h"
#include "sandbox.h"
#include "tell/config.h"
#include "tell/ends.h"
#include "tell/events.h"
#include "tell/filters.h"
#include "tell/history.h"
#include "tell/listeners.h"
#include "tell/places.h"
#include "tell/show.h"
#include "tell/table.h"
#include "tell/times.h"
#include "tell/tls.h"

static const struct view *find(const char *);
static void	show_summary(struct table *);
static void	show_counts(struct table *);
static size_t	descriptors(void);
static void	show_reload(struct table *);
static void	show_workers(struct table *);
static void	show_generations(struct table *);
static void	show_ended(struct table *, const struct ledger_generation *);
static void	show_generation(struct table *, const struct generation *);

static const struct column summary_cols[] = {
	{ "version", true }, { "pid", false }, { "uptime_seconds", false },
	{ "generation", false }, { "mechanism", true }, { "workers", false },
	{ "draining", false }, { "sessions", false },
	{ "sessions_total", false }, { "accepted", false },
	{ "refused", false }, { "denied", false }, { "limited", false },
	{ "waiting", false }, { "kept", false }, { "overload", true },
	{ "users_max_total", false }, { "bytes_in", false },
	{ "bytes_out", false }, { "last_reload", true },
	{ "reload_state", true }, { "reload_seconds", false },
	{ "dropped_logs", false }, { "sandbox", true },
	{ "kernel_tls", true }, { "start_time", false },
	{ "failed", false }, { "reloads_ok", false },
	{ "reloads_failed", false }, { "workers_started", false },
	{ "workers_died", false }, { "aborted", false },
	{ "pauses_descriptors", false }, { "pauses_memory", false },
	{ "pauses_other", false }, { "descriptors", false },
	{ "descriptors_max", false }, { "config_time", false }
};
static const struct column worker_cols[] = {
	{ "pid", false }, { "generation", false }, { "state", true },
	{ "sessions", false }, { "taken", false }, { "closed", false },
	{ "bytes_in", false }, { "bytes_out", false },
	{ "age_seconds", false }
};
static const struct column generation_cols[] = {
	{ "generation", false }, { "state", true }, { "workers", false },
	{ "sessions", false }, { "age_seconds", false }, { "why", true },
	{ "sessions_total", false }, { "workers_died", false },
	{ "ended_seconds", false }
};

static const struct view {
	const char		*name;
	const struct column	*cols;		/* NULL: it is no table */
	size_t			 ncols;
	bool			 one;		/* one row: an object */
	void			(*fill)(struct table *);
} views[] = {
	{ "summary", summary_cols, nitems_of(summary_cols), true,
	    show_summary },
	{ "workers", worker_cols, nitems_of(worker_cols), false,
	    show_workers },
	{ "generations", generation_cols, nitems_of(generation_cols), false,
	    show_generations },
	{ "listeners", listeners_cols, LISTENERS_COLS, false,
	    listeners_fill },
	{ "remotes", places_cols, PLACES_COLS, false, places_fill },
	{ "times", times_cols, TIMES_COLS, false, times_fill },
	{ "ends", ends_cols, ENDS_COLS, false, ends_fill },
	{ "history", history_cols, HISTORY_COLS, false, history_fill },
	{ "filters", filters_cols, FILTERS_COLS, false, filters_fill },
	{ "errors", events_cols, EVENTS_COLS, false, events_fill },
	{ "tls", tls_cols, TLS_COLS, false, tls_fill },
	{ "config", NULL, 0, true, NULL },
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

	if (v->fill == NULL) {
		config_print(f, json);
		return;
	}
	v->fill(&t);
	table_print(f, &t, json, v->one);
}

static void
show_summary(struct table *t)
{
	const struct conf *c = master.gen->conf;
	const struct totals sum = totals_sum();

	table_cell(t, "%s", PACKAGE_VERSION);
	table_cell(t, "%ld", (long)getpid());
	table_number(t, (ev_now() - master.started) / 1000);
	table_cell(t, "%u", master.gen->number);
	table_cell(t, "%s", ev_mechanism());
	table_cell(t, "%u", sum.workers);
	table_cell(t, "%u", sum.draining);
	table_number(t, sum.open);
	table_number(t, sum.sessions);
	table_number(t, board_get(&ledger->accepted));
	table_number(t, board_get(&ledger->denied) +
	    board_get(&ledger->limited));
	table_number(t, board_get(&ledger->denied));
	table_number(t, board_get(&ledger->limited));
	table_number(t, history_waiting());
	table_cell(t, "%u", handoff_kept());
	table_cell(t, "%s", overload_on() ? "yes" : "no");
	table_number(t, (uint64_t)c->users_max * c->servers_max);
	table_number(t, sum.bytes_in);
	table_number(t, sum.bytes_out);
	table_cell(t, "%s", reload_last());
	show_reload(t);
	table_number(t, sum.log_dropped);
	table_cell(t, "%s", sandbox_describe(c->sandbox != CONF_SANDBOX_OFF));
	table_cell(t, "%s", ktls_here() ? "yes" : "no");
	table_number(t, (uint64_t)master.started_wall);
	table_number(t, sum.failed);
	show_counts(t);
}

static void
show_counts(struct table *t)
{
	struct rlimit rl;
	size_t i;

	table_number(t, board_get(&ledger->reloads[0]));
	table_number(t, board_get(&ledger->reloads[1]));
	table_number(t, board_get(&ledger->started));
	table_number(t, board_get(&ledger->died));
	table_number(t, board_get(&ledger->aborted));
	for (i = 0; i < LEDGER_PAUSES; i++)
		table_number(t, board_get(&ledger->pauses[i]));
	if ((i = descriptors()) == 0)
		table_cell(t, "-");
	else
		table_number(t, i);
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    rl.rlim_cur == RLIM_INFINITY)
		table_cell(t, "-");
	else
		table_number(t, rl.rlim_cur);
	table_number(t, board_get(&ledger->config_at) != 0 ?
	    board_get(&ledger->config_at) : (uint64_t)master.started_wall);
}

/* That this process has open; 0: it is not told. The folder has them as its
 * size in newer kernels, else they are counted. */
static size_t
descriptors(void)
{
	struct stat sb;
	size_t n = 0;
	DIR *dir;

	if (stat("/proc/self/fd", &sb) == 0 && sb.st_size > 0)
		return (size_t)sb.st_size;
	if ((dir = opendir("/proc/self/fd")) == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n <= 3 ? 0 : n - 3;	/* ".", "..", and the folder */
}

/* How, and how long ago: over an upgrade, too. */
static void
show_reload(struct table *t)
{
	static const char * const names[] = { [LEDGER_NEVER] = "never",
		[LEDGER_OK] = "ok", [LEDGER_FAILED] = "failed" };
	struct ledger_state r;

	ledger_reload(ledger, &r);
	table_cell(t, "%s", r.state < nitems_of(names) ? names[r.state] :
	    "-");
	if (r.at == 0)
		table_cell(t, "-");
	else
		table_number(t, (uint64_t)MAX(0, (int64_t)time(NULL) -
		    r.at / 1000));
}

static void
show_workers(struct table *t)
{
	const struct board_worker *b;
	const struct generation *g;
	const struct worker *w;
	struct board_done done;

	TAILQ_FOREACH(g, &master.gens, entry) {
		TAILQ_FOREACH(w, &g->workers, entry) {
			b = board_slot(&g->board, w->slot);
			table_cell(t, "%ld", (long)w->child.pid);
			table_cell(t, "%u", g->number);
			table_cell(t, "%s", worker_state_name(w->state));
			table_number(t, worker_users(w));
			table_number(t, board_get(&b->taken));
			table_number(t, board_get(&b->closed));
			board_done(&g->board, b, &done);
			table_number(t, done.bytes_in);
			table_number(t, done.bytes_out);
			table_number(t, (ev_now() - w->started) / 1000);
		}
	}
}

/* Those that have ended come first. Why an old one still lives is what its
 * workers still hold. */
static void
show_generations(struct table *t)
{
	const struct generation *g;
	uint64_t n = ledger->ngenerations, i;

	for (i = n - MIN(n, LEDGER_GENERATIONS); i < n; i++)
		show_ended(t, &ledger->generations[i % LEDGER_GENERATIONS]);
	TAILQ_FOREACH(g, &master.gens, entry)
		show_generation(t, g);
}

static void
show_ended(struct table *t, const struct ledger_generation *g)
{
	const int64_t now = (int64_t)time(NULL);

	table_cell(t, "%u", g->number);
	table_cell(t, "ended");
	table_cell(t, "0");
	table_cell(t, "0");
	table_number(t, (uint64_t)MAX(0, now - g->began));
	table_cell(t, "-");
	table_number(t, g->sessions);
	table_cell(t, "%u", g->died);
	table_number(t, (uint64_t)MAX(0, now - g->ended));
}

static void
show_generation(struct table *t, const struct generation *g)
{
	const struct totals sum = totals_of(g);

	table_cell(t, "%u", g->number);
	table_cell(t, "%s", g == master.gen ? "current" :
	    g->old ? "draining" : "starting");
	table_cell(t, "%u", g->nworkers);
	table_number(t, sum.open);
	table_number(t, (ev_now() - g->started) / 1000);
	table_cell(t, "%s", !g->old ? "-" :
	    sum.stuck != 0 ? "a worker is stuck" :
	    sum.open != 0 ? "sessions are open" : "workers are ending");
	table_number(t, g->past + sum.sessions);
	table_cell(t, "%u", g->died);
	table_cell(t, "-");
}
