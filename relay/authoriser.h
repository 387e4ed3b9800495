/*
 * authoriser.h - who is asked whether a session may be: the connections to the
 * programs or the daemon of each auth section, the questions that are under
 * way, and what came of them. The master makes the connections, and others in
 * the place of those that break.
 *
 * A question waits for a connection, and for its answer, no longer than the
 * timeout of its section. What a connection that breaks was asked is asked once
 * more.
 */
#ifndef AUTHORISER_H
#define AUTHORISER_H

#include "parse/authline.h"
#include "proto.h"

struct sess;

#define AUTHORISER_MOST	10000	/* questions of a section under way */

/* Of one session: a row of its section's table and of its list. */
struct question {
	TAILQ_ENTRY(question)	 entry;		/* of all, the oldest first */
	TAILQ_ENTRY(question)	 turn;		/* of its section's, or of who
						   was asked */
	struct asking		*section;
	struct authoriser	*to;		/* NULL: nobody yet */
	struct sess		*sess;
	char			*text;
	uint64_t		 id;
	uint64_t		 until;		/* ms */
	unsigned		 tries;
	bool			 answered;
	struct reply		 reply;		/* then; never ANSWER_UNKNOWN */
};

/* Makes the sections of this process's configuration. answered comes at the
 * end of the question's way, not before authoriser_ask() has returned; broken
 * asks the master for another connection, and returns false if that cannot be
 * said now. Returns 0, or -1 with errno. */
int		 authoriser_start(void (*answered)(struct sess *),
		    bool (*broken)(const struct proto_auth *));
/* A connection, or one in the place of another; the descriptor is taken. */
void		 authoriser_connect(const struct proto_auth *, int fd);
/* Asks about a session with words of authline.h, which are taken. NULL with
 * errno: ENOBUFS there are too many. */
struct question	*authoriser_ask(unsigned section, struct sess *,
		    struct authline *);
/* Forgets it, answered or not; the pointer becomes NULL, and may have been. */
void		 authoriser_forget(struct question **);
/* One session more, or less, is on its way to be asked about. */
void		 authoriser_expect(unsigned section, int);
/* No more sessions come: connections are closed when nothing is asked any
 * more, and nobody is on the way. */
void		 authoriser_drain(void);

#endif
