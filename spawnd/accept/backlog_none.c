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

uint32_t
backlog_waited(int fd)
{
	(void)fd;
	return 0;
}

void
backlog_shut(int fd)
{
	(void)fd;
}
