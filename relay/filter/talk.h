/*
 * talk.h - the connections to the programs of program sections, over which
 * their sessions speak in frames of spawnd-filter(7). The master makes them, as
 * well as others in the place of those that break.
 *
 * What waits to be written to one is bounded: a session says more only when
 * talk_room() lets it, each in its turn. What is heard is handed on at once, so
 * that no session holds up another.
 */
#ifndef TALK_H
#define TALK_H

#include "parse/filterframe.h"
#include "proto.h"

struct sess;
struct talk;
struct talker;

#define TALK_PIECE	16384	/* bytes of a session said at once, most */

/* What a session at a program does. Neither may call talk_...(). */
struct talk_ops {
	/* A frame for it. Returns NULL, or why nobody may say that: then the
	 * connection breaks. */
	const char	*(*heard)(struct talker *, const struct filterframe *);
	/* It may find a connection, or room, or has lost its own. */
	void		 (*changed)(struct talker *);
};

/* A session at a program; zeroed, but for ops and section. */
struct talker {
	TAILQ_ENTRY(talker)	 entry;		/* of its connection's */
	TAILQ_ENTRY(talker)	 turn;		/* who wait for one, or room */
	const struct talk_ops	*ops;
	unsigned		 section;	/* of conf.programs */
	struct talk		*talk;		/* NULL: none, or no more */
	uint64_t		 id;		/* there */
	bool			 waits;
};

/* Makes the sections of this process's configuration; resume has a session run
 * again, broken asks the master for another connection, and returns false if
 * that cannot be said now. Returns 0, or -1 with errno. */
int	 talk_start(void (*resume)(struct sess *),
	    bool (*broken)(const struct proto_auth *));
/* The session is run again, soon. */
void	 talk_resume(struct sess *);
/* A connection, or one in the place of another; the descriptor is taken. */
void	 talk_connect(const struct proto_auth *, int fd);

/* Gives it a connection. False: there is none that has room, or no memory; it
 * is told when there may be one. */
bool	 talk_join(struct talker *, uint64_t number);
/* It has none any more; who is there is told by CLOSE. */
void	 talk_leave(struct talker *);
/* May it say something now? Else it is told when it may. */
bool	 talk_room(struct talker *);
/* Says one, with contents or without. Returns 0, or -1 with errno. */
int	 talk_say(struct talker *, enum filterframe_type, unsigned way,
	    const void *, size_t);
/* It has waited so long in vain: a program that has been silent for as long
 * hangs. */
void	 talk_late(struct talker *, uint64_t ms);

#endif
