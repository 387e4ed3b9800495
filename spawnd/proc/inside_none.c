#include "proc/inside.h"

bool
inside_can(void)
{
	return false;
}

bool
inside_free(void)
{
	return false;
}

int
inside_start(unsigned generation, unsigned slot, const int fds[PROTO_FD_END],
    void (*ended)(void), const char **errp)
{
	(void)generation;
	(void)slot;
	(void)fds;
	(void)ended;
	*errp = "relay is another program";
	return -1;
}

void
inside_end(void)
{
}
