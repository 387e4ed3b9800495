#include "compat.h"

#include "top/term.h"

int
term_open(bool colours, const char **errp)
{
	(void)colours;
	*errp = "spawnctl was built without ncurses (configure finds "
	    "ncursesw); \"spawnctl top -n 1\" prints once";
	return -1;
}

void
term_close(void)
{
}

void
term_size(unsigned *rows, unsigned *cols)
{
	*rows = *cols = 0;
}

void
term_show(const struct canvas *c)
{
	(void)c;
}

int
term_key(void)
{
	return TERM_NONE;
}

bool
term_signals(bool *again)
{
	*again = false;
	return true;
}
