/*
 * authline.h - a question about a session and the answer to it, as lines of
 * spawnd-auth(7). Nothing that somebody else has said can make another word or
 * line of a question.
 */
#ifndef AUTHLINE_H
#define AUTHLINE_H

#include "conf/conf.h"

#define AUTHLINE_VALUE	256	/* bytes of a value, most */
#define AUTHLINE_ANSWER	512	/* of an answer with its newline, most */

/* Begins empty. */
struct authline {
	char	*text;		/* " name=value name=value", or NULL */
	size_t	 len, size;
	bool	 failed;	/* there was no memory */
};

enum answer { ANSWER_PERMIT, ANSWER_DENY, ANSWER_RELAY, ANSWER_UNKNOWN };

struct reply {
	uint64_t	 id;
	enum answer	 answer;
	char		 relay[CONF_NAME];	/* with ANSWER_RELAY */
};

/* Adds a word; what is not plain in the value is written as %XX. NULL and what
 * is too long, which could be taken for another value, are left out. */
void	 authline_add(struct authline *, const char *name, const char *value);
/* The same for a number. */
void	 authline_number(struct authline *, const char *name, unsigned);
/*
 * A line without its newline. Returns 0, or -1 if it is no answer to anything.
 * One that has a number and says something else is ANSWER_UNKNOWN.
 */
int	 authline_reply(const char *, size_t, struct reply *);

#endif
