#include "compat.h"

#include "conf/row.h"

static const struct conf_word fails[] = {
	{ "close", CONF_PROGRAM_CLOSE },
	{ "pass", CONF_PROGRAM_PASS },
	{ NULL, 0 }
};

static const struct conf_opt program_opts[] = {
	{ TEXT("command", conf_program, command), .required = true },
	{ NUMBER("processes", conf_program, processes, 1, 64, "1") },
	{ USER("user", conf_program, user, uid) },
	{ WORD("direction", conf_program, direction, conf_ways, "both") },
	{ DURATION("timeout", conf_program, timeout, 1, "5s") },
	{ WORD("fail", conf_program, fail, fails, "close") },
	END
};

const struct conf_section conf_spec_program = { .name = "program",
	.size = sizeof(struct conf_program), .opts = program_opts };
