#include "compat.h"

#include <inttypes.h>

#include "proc/account.h"
#include "tell/times.h"

static void	 row(struct table *, const char *, const struct account *,
		    const struct account_times *);
static void	 share(struct table *, const struct account_times *, double);
static void	 buckets(struct table *, const struct account_times *);

const struct column times_cols[TIMES_COLS] = {
	{ "measure", true }, { "listener", true }, { "relay", true },
	{ "remote", true }, { "count", false }, { "sum", false },
	{ "p50", false }, { "p90", false }, { "p99", false },
	{ "buckets", true }
};

/* Handshakes where there have been any. */
void
times_fill(struct table *t)
{
	const struct account *c = NULL;

	account_look();
	while ((c = account_next(c)) != NULL) {
		if (*c->relay != '\0') {
			row(t, "connect", c, &c->now.remote.connect);
			continue;
		}
		row(t, "queue", c, &c->now.listener.queue);
		if (account_count(&c->now.listener.handshake) != 0)
			row(t, "handshake", c, &c->now.listener.handshake);
		row(t, "session", c, &c->now.listener.session);
	}
}

static void
row(struct table *t, const char *measure, const struct account *c,
    const struct account_times *times)
{
	const bool remote = *c->relay != '\0';

	table_cell(t, "%s", measure);
	table_cell(t, "%s", remote ? "-" : c->what);
	table_cell(t, "%s", remote ? c->relay : "-");
	table_cell(t, "%s", remote ? c->what : "-");
	table_number(t, account_count(times));
	table_cell(t, "%" PRIu64 ".%06u", times->us / 1000000,
	    (unsigned)(times->us % 1000000));
	share(t, times, 0.5);
	share(t, times, 0.9);
	share(t, times, 0.99);
	buckets(t, times);
}

static void
share(struct table *t, const struct account_times *times, double part)
{
	const double us = times_share(times->n, part);

	if (us < 0)
		table_cell(t, "-");
	else
		table_cell(t, "%.6f", us / 1000000);
}

/* Those of each bound and below. */
static void
buckets(struct table *t, const struct account_times *times)
{
	char text[(TIMES_N + 1) * 21] = "";
	uint64_t sum = 0;
	size_t len = 0;
	unsigned i;

	for (i = 0; i <= TIMES_N; i++) {
		sum += times->n[i];
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    i == 0 ? "%" PRIu64 : " %" PRIu64, sum);
	}
	table_cell(t, "%s", text);
}
