/*
 * pcapng.h - packets as a capture would have them, in the form that Wireshark
 * reads (draft-ietf-opsawg-pcapng): the data is what a session carries, the
 * headers of IP and TCP around it are made up.
 */
#ifndef PCAPNG_H
#define PCAPNG_H

#include "addr.h"

#define PCAPNG_SEGMENT	65000		/* bytes of data of a packet, most */
#define PCAPNG_COMMENT	512		/* of a comment, most */
#define PCAPNG_MOST	(PCAPNG_SEGMENT + PCAPNG_COMMENT + 256) /* a block */
#define PCAPNG_HEAD	1024		/* bytes of a file's head, most */

/* RFC 9293. */
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct packet {
	unsigned		 interface;	/* 0, or 1 if there are two */
	uint64_t		 us;		/* since 1970 */
	const struct source	*from, *to;	/* of the same family, and that
						   AF_INET or AF_INET6 */
	uint32_t		 seq, ack;
	uint8_t			 flags;		/* TCP_* */
	uint32_t		 len;		/* of its data, at most
						   PCAPNG_SEGMENT */
	uint32_t		 kept;		/* of these, in the file */
	const char		*comment;	/* UTF-8; or NULL */
};

/* The head of a file: what made it, and one or two interfaces by those names.
 * Returns its bytes. */
size_t		 pcapng_head(unsigned char out[PCAPNG_HEAD],
		    const char *const *names, unsigned n);
/* How many bytes a packet takes. */
size_t		 pcapng_size(const struct packet *);
/* Writes it; where the kept bytes of its data belong is returned, for the
 * caller to put them there. */
unsigned char	*pcapng_packet(unsigned char *out, const struct packet *);

#endif
