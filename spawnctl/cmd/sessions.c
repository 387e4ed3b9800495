#include "compat.h"

#include "cmd.h"
#include "list.h"
#include "most.h"
#include "out.h"
#include "sight.h"

static bool	 sessions_own(const char *, const char *);
static uint64_t	 sessions_key(const struct rec *);
static void	 sessions_keep(const struct rec *);
static void	 sessions_print(void);

static struct {
	const char	*sort;		/* or NULL */
	struct most	 most;
} sessions;

int
cmd_sessions(const struct cmd *c, int argc, char **argv)
{
	char line[LIST_LINE] = "list";
	int status;

	(void)c;
	list_words(line, argc - 1, argv + 1, sessions_own);
	/* What is in no order need not be kept. */
	if (ctl.json && sessions.sort == NULL && sessions.most.limit == 0)
		return list_run(line, sight_json, NULL);
	status = list_run(line, sessions_keep, NULL);
	sessions_print();
	return status;
}

static bool
sessions_own(const char *word, const char *value)
{
	static const char *const orders[3] = { "rate", "bytes", "age" };

	return list_order(word, value, &sessions.most.limit, &sessions.sort,
	    orders);
}

/* Without an order those that came first. */
static uint64_t
sessions_key(const struct rec *r)
{
	static uint64_t serial = UINT64_MAX;

	if (sessions.sort == NULL)
		return serial--;
	if (strcmp(sessions.sort, "age") == 0)
		return rec_number(r, "age_ms");
	if (strcmp(sessions.sort, "rate") == 0)
		return sight_rate(r);
	return rec_number(r, "in") + rec_number(r, "out");
}

static void
sessions_keep(const struct rec *r)
{
	most_take(&sessions.most, r, sessions_key(r));
}

static void
sessions_print(void)
{
	struct out_table t = { .cols = sight_cols(),
	    .ncols = sight_ncols() };
	struct rec r;
	size_t i;

	most_sort(&sessions.most);
	for (i = 0; i < sessions.most.n; i++) {
		rec_parse(sessions.most.all[i].line, &r);
		if (ctl.json)
			sight_json(&r);
		else
			sight_row(&t, &r);
	}
	if (!ctl.json)
		out_columns(&t);
	out_free(&t);
	most_free(&sessions.most);
}
