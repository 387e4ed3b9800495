#include "compat.h"

#include <time.h>

#include "cmd.h"
#include "conf/conf.h"
#include "conf/int.h"
#include "link.h"
#include "list.h"
#include "most.h"
#include "out.h"
#include "past.h"
#include "sight.h"

static int	 sessions_run(const char *, void (*)(const struct rec *));
static void	 sessions_feed(const struct rec *);
static const struct rec *sessions_now(const struct rec *);
static void	 sessions_json(const struct rec *);
static bool	 sessions_own(const char *, const char *);
static uint64_t	 sessions_key(const struct rec *);
static void	 sessions_keep(const struct rec *);
static void	 sessions_print(void);

static struct {
	const char	*sort;		/* or NULL */
	uint64_t	 over;		/* ms that a rate is of; 0: all */
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
		return sessions_run(line, sessions_json);
	status = sessions_run(line, sessions_keep);
	sessions_print();
	return status;
}

/* A rate of the last time is had by looking twice. */
static int
sessions_run(const char *line, void (*take)(const struct rec *))
{
	const struct timespec ts = { (time_t)(sessions.over / 1000),
	    (long)(sessions.over % 1000) * 1000000 };
	int status;

	if (sessions.over != 0) {
		if ((status = list_run(line, sessions_feed, NULL)) != 0)
			return status;
		past_next(true);
		nanosleep(&ts, NULL);
	}
	return list_run(line, take, NULL);
}

static void
sessions_feed(const struct rec *r)
{
	sessions_now(r);
}

/* The same with its rate of the last time; who has come since then has no other
 * than that of all. */
static const struct rec *
sessions_now(const struct rec *r)
{
	static char number[OUT_NUMBER];
	static struct rec now;
	const char *id = rec_get(r, "session");
	uint64_t rate;

	if (sessions.over == 0 || id == NULL || r->n == REC_FIELDS ||
	    !past_rate('s', id, rec_number(r, "in") + rec_number(r, "out"),
	    link_now(), &rate))
		return r;
	now = *r;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)rate);
	now.fields[now.n].name = "rate";
	now.fields[now.n++].value = number;
	return &now;
}

static void
sessions_json(const struct rec *r)
{
	sight_json(sessions_now(r));
}

static bool
sessions_own(const char *word, const char *value)
{
	static const char *const orders[3] = { "rate", "bytes", "age" };
	const char *why;

	if (strcmp(word, "over") == 0) {
		if (conf_duration_of(value, &sessions.over, &why) == -1)
			cmd_wrong("over: %s", why);
		if (sessions.over < 100)
			cmd_wrong("over: 100ms at least");
		return true;
	}
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
	r = sessions_now(r);
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
