#include "compat.h"

#include "tcpinfo.h"

int
tcpinfo_get(int fd, struct tcpinfo *t)
{
	(void)fd;
	(void)t;
	errno = ENOPROTOOPT;
	return -1;
}
