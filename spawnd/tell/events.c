#include "compat.h"

#include <time.h>

#include "ledger.h"
#include "log.h"
#include "tell/events.h"

const struct column events_cols[EVENTS_COLS] = {
	{ "time", true }, { "level", true }, { "process", true },
	{ "message", true }
};

void
events_fill(struct table *t)
{
	const uint64_t n = board_get(&ledger->nevents);
	struct ledger_event e;
	char day[32];
	struct tm tm;
	time_t at;
	uint64_t i;

	for (i = n - MIN(n, LEDGER_EVENTS); i < n; i++) {
		if (!ledger_event(ledger, i, &e))
			continue;
		at = (time_t)(e.at / 1000);
		gmtime_r(&at, &tm);
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
		table_cell(t, "%s.%03dZ", day, (int)(e.at % 1000));
		table_cell(t, "%s", log_level_name((int)e.level));
		table_cell(t, "%s", e.who);
		table_cell(t, "%s", e.text);
	}
}
