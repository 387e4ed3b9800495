#include "compat.h"

#include "proc/account.h"
#include "tell/ends.h"
#include "why.h"

static void	 row(struct table *, const char *, const char *, const char *,
		    uint64_t);

const struct column ends_cols[ENDS_COLS] = {
	{ "listener", true }, { "end", true }, { "why", true },
	{ "sessions", false }
};

void
ends_fill(struct table *t)
{
	const struct account *c = NULL;
	const struct account_listener *l;
	unsigned who, why;

	account_look();
	while ((c = account_next(c)) != NULL) {
		if (*c->relay != '\0')
			continue;
		l = &c->now.listener;
		for (who = 0; who < WHOS; who++)
			for (why = 0; why < WHYS; why++)
				row(t, c->what, why_who(who), why_name(why),
				    l->ends[who][why]);
		row(t, c->what, why_who(WHO_RELAY), "worker-died", l->lost);
	}
}

static void
row(struct table *t, const char *listener, const char *end, const char *why,
    uint64_t n)
{
	if (n == 0)
		return;
	table_cell(t, "%s", listener);
	table_cell(t, "%s", end);
	table_cell(t, "%s", why);
	table_number(t, n);
}
