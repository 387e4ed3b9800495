/*
 * backlog_linux.c - how many connections wait at a listener: tcp(7) says it of
 * a listening socket where it tells of unacknowledged segments otherwise. To
 * accept(2) in vain costs about ten times as much as to ask, as it makes a
 * socket and a file first.
 */
#include "compat.h"

#include <linux/filter.h>
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

/* A filter of packets, which start with the header of TCP: no SYN. What it
 * accepts meanwhile inherits the filter, which harms no connection. */
void
backlog_shut(int fd)
{
	struct sock_filter no_syn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),		/* the flags */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)
	};
	const struct sock_fprog program = { nitems_of(no_syn), no_syn };

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
}
