#include "compat.h"

#include "spawnd.h"

int
backlog_waiting(int fd)
{
	(void)fd;
	return BACKLOG_UNKNOWN;
}
