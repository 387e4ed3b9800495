#include "compat.h"

#include "ledger.h"
#include "tell/history.h"

const struct column history_cols[HISTORY_COLS] = {
	{ "time", false }, { "sessions", false }, { "waiting", false },
	{ "new", false }, { "failed", false }, { "bytes_in", false },
	{ "bytes_out", false }
};

void
history_fill(struct table *t)
{
	const struct ledger_sample *s;
	uint64_t n = ledger->nsamples, i;

	for (i = n - MIN(n, LEDGER_SAMPLES); i < n; i++) {
		s = &ledger->samples[i % LEDGER_SAMPLES];
		table_number(t, (uint64_t)MAX(0, s->at));
		table_number(t, s->sessions);
		table_number(t, s->waiting);
		table_number(t, s->new);
		table_number(t, s->failed);
		table_number(t, s->bytes_in);
		table_number(t, s->bytes_out);
	}
}
