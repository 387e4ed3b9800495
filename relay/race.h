/*
 * race.h - connects to other places of a remote, beside the one that a session
 * has under way: whichever is connected first is used (RFC 8305, "Happy
 * Eyeballs").
 */
#ifndef RACE_H
#define RACE_H

#include "sess.h"

#define RACE_LEAD	250	/* ms, of one before the next: RFC 8305, 5 */

/* One of them, which counts the session as active at its place. */
struct racer {
	struct ev_io	 io;
	struct ev_task	 task;		/* free */
	struct sess	*sess;
	struct remote	*place;
	uint64_t	 since;		/* ms */
	uint8_t		 version;	/* of the address */
	int		 error;		/* of the connect, if it is known */
	bool		 known;		/* what has become of it */
	SLIST_ENTRY(racer) entry;	/* the latest one first */
};

/* At most so many in all sessions: they must not take the descriptors that
 * others need. */
void		 race_limit(unsigned);
/* Whether there may be one more: few of a session, and not too many in all. */
bool		 race_room(const struct sess *);
/* Adds a socket that connects to a place, at that version of its address. As
 * soon as it is known what has become of it, the session's task is called.
 * Returns 0, or -1 with errno: both are still the caller's. */
int		 race_add(struct sess *, struct remote *, uint8_t version,
		    int fd);
/* The one that it is known of; NULL: there is none. */
struct racer	*race_known(const struct sess *);
/* The first and the latest one; NULL: there is none. */
struct racer	*race_first(const struct sess *);
struct racer	*race_latest(const struct sess *);
/* Takes one out; what it had is the caller's. Returns the descriptor, which is
 * not watched any more. */
int		 race_take(struct racer *);
/* Closes all, and says that they no longer use their places. */
void		 race_close(struct sess *);

#endif
