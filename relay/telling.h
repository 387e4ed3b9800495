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

/* What happens to a session. */
struct told {
	const char		*event;	/* a word */
	const struct remote	*at;	/* or NULL */
	const char		*what;	/* more of it, or NULL */
};

/* Is there room for one more line? */
bool	 telling_room(const struct telling *);
/* A session's line; verbose: with what the system says of its sockets. */
void	 telling_session(struct telling *, const struct sess *, bool verbose);
/* A line of what has happened to it; lost, or 0, is how many there was no room
 * for before. */
void	 telling_event(struct telling *, const struct sess *,
	    const struct told *, uint64_t lost);
/* The last line: so many sessions were told of, or ended. */
void	 telling_end(struct telling *, uint64_t n);
/* Instead of all that: nothing is told now. */
void	 telling_busy(int fd);

#endif
