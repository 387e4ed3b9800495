/*
 * tcpinfo.h - what the system knows of a connection of TCP.
 */
#ifndef TCPINFO_H
#define TCPINFO_H

#include "compat.h"

struct tcpinfo {
	uint64_t	rtt_us;		/* smoothed */
	uint64_t	retransmits;	/* segments, so far */
	uint64_t	cwnd;		/* segments */
};

/* Returns 0, or -1 with errno: it is none, or the system does not tell. */
int	 tcpinfo_get(int fd, struct tcpinfo *);

#endif
