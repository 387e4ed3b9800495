#include "compat.h"

#include "conf/row.h"

#define WINDOW	1024	/* bytes, where none is given */

static const struct conf_word actions[] = {
	{ "log", CONF_MATCH_LOG },
	{ "count", CONF_MATCH_COUNT },
	{ "replace", CONF_MATCH_REPLACE },
	{ "close", CONF_MATCH_CLOSE },
	{ "reset", CONF_MATCH_RESET },
	{ NULL, 0 }
};

static const struct conf_word lengths[] = {
	{ "free", CONF_LENGTH_FREE },
	{ "keep", CONF_LENGTH_KEEP },
	{ NULL, 0 }
};

static const struct conf_opt match_opts[] = {
	{ TEXT("pattern", conf_match, pattern), .required = true },
	{ WORD("action", conf_match, action, actions, "log") },
	{ TEXT("with", conf_match, with) },
	{ WORD("length", conf_match, length, lengths, "free") },
	{ WORD("direction", conf_match, direction, conf_ways, "both") },
	{ SIZE("limit", conf_match, limit, 0, 1024 * K * K * K, "0") },
	{ SIZE("window", conf_match, window, 0, CONF_WINDOW_MAX, "0") },
	{ DURATION("hold", conf_match, hold, 1, "200ms") },
	END
};

const struct conf_section conf_spec_match = { .name = "match",
	.size = sizeof(struct conf_match), .opts = match_opts };

size_t
conf_match_window(const struct conf_match *m)
{
	return m->window == 0 ? WINDOW : (size_t)m->window;
}
