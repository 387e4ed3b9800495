#include "compat.h"

#include <time.h>

#include "board.h"
#include "conf/conf.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/shakes.h"
#include "tell/tls.h"

#define DAY	86400	/* s */

static void	 tls_row(struct table *, const struct conf_listen *,
		    const struct conf_cert *, const struct shakes *);
static void	 tls_expires(struct table *, uint64_t);

const struct column tls_cols[TLS_COLS] = {
	{ "listener", true }, { "tls", true }, { "name", true },
	{ "certificate", true }, { "expires", true }, { "expires_at", false },
	{ "days", false }, { "handshakes", false }, { "resumed", false },
	{ "tls12", false }, { "tls12_resumed", false }, { "tls13", false },
	{ "tls13_resumed", false }, { "failed", false },
	{ "failed_closed", false }, { "failed_timeout", false },
	{ "failed_name", false }, { "failed_protocol", false },
	{ "failed_certificate", false }, { "failed_refused", false },
	{ "failed_other", false }
};

void
tls_fill(struct table *t)
{
	const struct conf *c = master.gen->conf;
	const struct conf_listen *l;
	const struct conf_tls *tls;
	unsigned i, n = 0;

	shakes_sum();
	for (l = c->listens; l < c->listens + c->nlistens; l++) {
		if (l->tls == CONF_NOREF)
			continue;
		tls = &c->tlss[l->tls];
		for (i = 0; i < tls->ncerts; i++)
			tls_row(t, l, &tls->certs[i],
			    master.gen->shakes[n++]);
	}
}

static void
tls_row(struct table *t, const struct conf_listen *l,
    const struct conf_cert *cert, const struct shakes *s)
{
	const uint64_t *n = s->sum;
	const uint64_t old = n[SHAKE_TLS12] + n[SHAKE_RESUMED12];
	const uint64_t young = n[SHAKE_TLS13] + n[SHAKE_RESUMED13];
	uint64_t failed = 0;
	unsigned i;

	for (i = SHAKE_CLOSED; i < SHAKES; i++)
		failed += n[i];
	table_cell(t, "%s", l->name);
	table_cell(t, "%s", master.gen->conf->tlss[l->tls].name);
	table_cell(t, "%s", *cert->name == '\0' ? "-" : cert->name);
	table_cell(t, "%s", cert->file);
	tls_expires(t, cert->until);
	table_number(t, old + young);
	table_number(t, n[SHAKE_RESUMED12] + n[SHAKE_RESUMED13]);
	table_number(t, old);
	table_number(t, n[SHAKE_RESUMED12]);
	table_number(t, young);
	table_number(t, n[SHAKE_RESUMED13]);
	table_number(t, failed);
	for (i = SHAKE_CLOSED; i < SHAKES; i++)
		table_number(t, n[i]);
}

/* The whole days that are left, or -1 and less. */
static void
tls_expires(struct table *t, uint64_t until)
{
	const time_t at = (time_t)until;
	const long long left = (long long)until - (long long)time(NULL);
	char day[32];
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strlcpy(day, "-", sizeof(day));
	table_cell(t, "%s", day);
	table_number(t, until);
	table_cell(t, "%lld", (left - (left < 0 ? DAY - 1 : 0)) / DAY);
}
