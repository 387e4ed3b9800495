#include "compat.h"

#include "ask.h"
#include "cmd.h"

/* reload, reopen, upgrade, stop: the word is the request. What it says besides
 * is for people. */
int
cmd_plain(const struct cmd *c, int argc, char **argv)
{
	const bool lasts = strcmp(c->name, "reload") == 0 ||
	    strcmp(c->name, "upgrade") == 0;

	cmd_most(c, argc, argv, 1);
	return ask_print(ask(lasts, "%s", c->name));
}
