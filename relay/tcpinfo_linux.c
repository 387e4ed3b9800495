#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tcpinfo.h"

/* Up to the last that is asked for: a system may tell less than there is. */
#define TOLD	(offsetof(struct tcp_info, tcpi_total_retrans) + \
		    sizeof(uint32_t))

int
tcpinfo_get(int fd, struct tcpinfo *t)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return -1;
	if (len < TOLD) {
		errno = EPROTO;
		return -1;
	}
	t->rtt_us = info.tcpi_rtt;
	t->retransmits = info.tcpi_total_retrans;
	t->cwnd = info.tcpi_snd_cwnd;
	return 0;
}
