/*
 * backlog_linux.c - how many connections wait at a listener: tcp(7) says it of
 * a listening socket where it tells of unacknowledged segments otherwise. To
 * accept(2) in vain costs about ten times as much as to ask, as it makes a
 * socket and a file first.
 */
#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "accept/backlog.h"

int
backlog_waiting(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    info.tcpi_state != TCP_LISTEN || info.tcpi_unacked > INT32_MAX)
		return BACKLOG_UNKNOWN;
	return (int)info.tcpi_unacked;
}
