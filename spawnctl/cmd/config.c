#include "compat.h"

#include "ask.h"
#include "cmd.h"

/* It is a text already, with tabs before its lines. */
int
cmd_config(const struct cmd *c, int argc, char **argv)
{
	cmd_most(c, argc, argv, 1);
	return ask_print(ask(false, "show config%s", ctl.json ? " json" : ""));
}
