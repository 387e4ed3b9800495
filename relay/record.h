/*
 * record.h - what is written of a session for who lists them: the packets of
 * LIST (proto.h).
 */
#ifndef RECORD_H
#define RECORD_H

#include "sess.h"

#define RECORD_PACKET	8192	/* most of a packet */
#define RECORD_LINE	2048	/* most of a line */

struct record {
	size_t	 len;
	char	 text[RECORD_PACKET];
};

/* Is there room for one more line? */
bool	 record_room(const struct record *);
/* A session's line; verbose: with what the system says of its sockets. */
void	 record_session(struct record *, const struct sess *, bool verbose);
/* The last line: so many sessions were told of, or ended. */
void	 record_end(struct record *, uint64_t n);
/* Instead of all that: nothing is told now. */
void	 record_busy(int fd);

#endif
