#include "compat.h"

#include "board.h"
#include "conf/conf.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/totals.h"
#include "tell/filters.h"

static void	 filter_row(struct table *, const struct generation *,
		    unsigned);
static bool	 filter_is_used(const struct conf *, const char *);
static bool	 filter_is_in(const char *, const char **, unsigned);
static void	 filter_set(struct table *, const struct conf *,
		    const struct conf_filter *);

const struct column filters_cols[FILTERS_COLS] = {
	{ "generation", false }, { "name", true }, { "kind", true },
	{ "sessions", false }, { "sessions_total", false },
	{ "bytes_in", false }, { "bytes_out", false }, { "hits", false },
	{ "set", true }
};

void
filters_fill(struct table *t)
{
	const struct generation *g;
	unsigned i;

	TAILQ_FOREACH(g, &master.gens, entry)
		for (i = 0; i < conf_nfilters(g->conf); i++)
			filter_row(t, g, i);
}

static void
filter_row(struct table *t, const struct generation *g, unsigned number)
{
	const struct conf_filter f = conf_filter_at(g->conf, number);
	const char *name = conf_filter_name(g->conf, &f);
	struct filter_totals sum;

	if (!filter_is_used(g->conf, name))
		return;
	totals_filter(g, number, &sum);
	table_cell(t, "%u", g->number);
	table_cell(t, "%s", name);
	table_cell(t, "%s", conf_filter_kind_name(f.kind));
	table_number(t, sum.active);
	table_number(t, sum.sessions);
	table_number(t, sum.bytes_in);
	table_number(t, sum.bytes_out);
	table_number(t, sum.hits);
	filter_set(t, g->conf, &f);
}

static bool
filter_is_used(const struct conf *c, const char *name)
{
	const struct conf_listen *l;
	const struct conf_relay *r;

	for (l = c->listens; l < c->listens + c->nlistens; l++)
		if (filter_is_in(name, l->filters, l->nfilters))
			return true;
	for (r = c->relays; r < c->relays + c->nrelays; r++)
		if (filter_is_in(name, r->filters, r->nfilters))
			return true;
	return false;
}

static bool
filter_is_in(const char *name, const char **names, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void
filter_set(struct table *t, const struct conf *c, const struct conf_filter *f)
{
	size_t len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);
	int done = out == NULL ? -1 : conf_print_filter(c, f, out);

	if (out == NULL || fclose(out) == EOF || done == -1)
		t->failed = true;
	else
		table_cell(t, "%s", text);
	free(text);
}
