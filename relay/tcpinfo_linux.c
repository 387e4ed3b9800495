#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tcpinfo.h"

int
tcpinfo_get(int fd, struct tcpinfo *t)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return -1;
	t->rtt_us = info.tcpi_rtt;
	t->retransmits = info.tcpi_total_retrans;
	t->cwnd = info.tcpi_snd_cwnd;
	return 0;
}
