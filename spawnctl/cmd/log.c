#include "compat.h"

#include "ask.h"
#include "cmd.h"
#include "log.h"

int
cmd_log(const struct cmd *c, int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], "level") != 0 ||
	    log_level_of(argv[2]) == -1)
		cmd_wrong("log needs level and one of error, warning, notice, "
		    "info and debug");
	cmd_most(c, argc, argv, 3);
	return ask_print(ask(false, "log level %s", argv[2]));
}
