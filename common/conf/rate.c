#include "compat.h"

#include "conf/row.h"

static const struct conf_word pers[] = {
	{ "session", CONF_PER_SESSION },
	{ "source", CONF_PER_SOURCE },
	{ "listener", CONF_PER_LISTENER },
	{ "relay", CONF_PER_RELAY },
	{ NULL, 0 }
};

static const struct conf_opt rate_opts[] = {
	{ SIZE("bytes", conf_rate, bytes, 1, 1024 * K * K * K, "1m"),
	    .required = true },
	{ SIZE("burst", conf_rate, burst, 1, K * K * K, "64k") },
	{ WORD("per", conf_rate, per, pers, "session") },
	{ WORD("direction", conf_rate, direction, conf_ways, "both") },
	END
};

const struct conf_section conf_spec_rate = { .name = "rate",
	.size = sizeof(struct conf_rate), .opts = rate_opts };
