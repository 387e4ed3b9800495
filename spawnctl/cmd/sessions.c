#include "compat.h"

#include <err.h>

#include "cmd.h"
#include "list.h"
#include "out.h"
#include "sight.h"

static bool	 sessions_own(const char *, const char *);
static uint64_t	 sessions_key(const struct rec *);
static void	 sessions_keep(const struct rec *);
static void	 sessions_add(const struct rec *, uint64_t);
static void	 sessions_replace(const struct rec *, uint64_t);
static void	 sessions_sink(size_t);
static void	 sessions_print(void);
static int	 sessions_by_key(const void *, const void *);

struct kept {
	uint64_t	 key;		/* the greatest comes first */
	char		*line;
};

/* As many as the limit are a heap, with the least at its root. */
static struct {
	const char	*sort;		/* or NULL */
	uint64_t	 limit;		/* 0: all */
	struct kept	*kept;
	size_t		 n, room;
} sessions;

int
cmd_sessions(const struct cmd *c, int argc, char **argv)
{
	char line[LIST_LINE] = "list";
	int status;

	(void)c;
	list_words(line, argc - 1, argv + 1, sessions_own);
	/* What is in no order need not be kept. */
	if (ctl.json && sessions.sort == NULL && sessions.limit == 0)
		return list_run(line, sight_json, NULL);
	status = list_run(line, sessions_keep, NULL);
	sessions_print();
	return status;
}

static bool
sessions_own(const char *word, const char *value)
{
	static const char *const orders[3] = { "rate", "bytes", "age" };

	return list_order(word, value, &sessions.limit, &sessions.sort, orders);
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
	const uint64_t key = sessions_key(r);

	if (sessions.limit == 0 || sessions.n < sessions.limit)
		sessions_add(r, key);
	else if (key > sessions.kept[0].key)
		sessions_replace(r, key);
}

static void
sessions_add(const struct rec *r, uint64_t key)
{
	size_t i;

	if (sessions.n == sessions.room) {
		sessions.room = MAX(64, sessions.room * 2);
		sessions.kept = reallocarray(sessions.kept, sessions.room,
		    sizeof(*sessions.kept));
		if (sessions.kept == NULL)
			err(1, "sessions");
	}
	sessions.kept[sessions.n].key = key;
	sessions.kept[sessions.n++].line = rec_line(r);
	if (sessions.n == sessions.limit)
		for (i = sessions.n / 2; i-- > 0;)
			sessions_sink(i);
}

static void
sessions_replace(const struct rec *r, uint64_t key)
{
	free(sessions.kept[0].line);
	sessions.kept[0].key = key;
	sessions.kept[0].line = rec_line(r);
	sessions_sink(0);
}

static void
sessions_sink(size_t i)
{
	const struct kept it = sessions.kept[i];
	size_t child;

	for (; (child = 2 * i + 1) < sessions.n; i = child) {
		if (child + 1 < sessions.n && sessions.kept[child + 1].key <
		    sessions.kept[child].key)
			child++;
		if (sessions.kept[child].key >= it.key)
			break;
		sessions.kept[i] = sessions.kept[child];
	}
	sessions.kept[i] = it;
}

static int
sessions_by_key(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->key < y->key ? 1 : x->key > y->key ? -1 : 0;
}

static void
sessions_print(void)
{
	struct out_table t = { .cols = sight_cols(),
	    .ncols = sight_ncols() };
	struct rec r;
	size_t i;

	if (sessions.n != 0)
		qsort(sessions.kept, sessions.n, sizeof(*sessions.kept),
		    sessions_by_key);
	for (i = 0; i < sessions.n; i++) {
		rec_parse(sessions.kept[i].line, &r);
		if (ctl.json)
			sight_json(&r);
		else
			sight_row(&t, &r);
		free(sessions.kept[i].line);
	}
	if (!ctl.json)
		out_columns(&t);
	out_free(&t);
	free(sessions.kept);
}
