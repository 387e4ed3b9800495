/*
 * packet.h - packets between two processes, over a pair of sockets of the type
 * SOCK_SEQPACKET that does not block: what is sent at once comes at once.
 *
 * POSIX has a record end at MSG_EOR. Most systems end one with each call, but
 * FreeBSD 15 does not, and there a socket that is almost full takes a part.
 */
#ifndef PACKET_H
#define PACKET_H

#include "compat.h"

#include <sys/socket.h>

/* What each send(2) and sendmsg(2) of a packet says. */
#define PACKET_FLAGS	(MSG_NOSIGNAL | MSG_DONTWAIT | MSG_EOR)

/* What a call means that was to send a packet of so many bytes and has returned
 * n: 0, or -1 with errno. EPROTO: a part was taken, so that the pair is of no
 * use any more; what comes next would be read as the rest. */
int	 packet_sent(ssize_t n, size_t len);
/* Sends a packet; likewise. */
int	 packet_send(int fd, const void *, size_t len);

#endif
