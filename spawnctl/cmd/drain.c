#include "compat.h"

#include "ask.h"
#include "cmd.h"

int
cmd_drain(const struct cmd *c, int argc, char **argv)
{
	const char *why = NULL;

	(void)c;
	if (argc == 2)
		strtonum(argv[1], 1, INT32_MAX, &why);
	if (argc != 2 || why != NULL)
		cmd_wrong("drain needs the process id of a worker; "
		    "\"spawnctl show workers\" lists them");
	return ask_print(ask(false, "drain %s", argv[1]));
}
