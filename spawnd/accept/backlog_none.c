#include "compat.h"

#include "accept/backlog.h"

int
backlog_waiting(int fd)
{
	(void)fd;
	return BACKLOG_UNKNOWN;
}

int
backlog_count(int fd)
{
	(void)fd;
	return BACKLOG_UNKNOWN;
}

void
backlog_shut(int fd)
{
	(void)fd;
}
