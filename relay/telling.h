/*
 * telling.h - what is written of a session for who lists them: the packets of
 * LIST (proto.h).
 */
#ifndef TELLING_H
#define TELLING_H

#include "sess.h"

#define TELLING_PACKET	8192	/* most of a packet */
#define TELLING_LINE	2048	/* most of a line */

struct telling {
	size_t	 len;
	char	 text[TELLING_PACKET];
};

/* Is there room for one more line? */
bool	 telling_room(const struct telling *);
/* A session's line; verbose: with what the system says of its sockets. */
void	 telling_session(struct telling *, const struct sess *, bool verbose);
/* The last line: so many sessions were told of, or ended. */
void	 telling_end(struct telling *, uint64_t n);
/* Instead of all that: nothing is told now. */
void	 telling_busy(int fd);

#endif
