/*
 * limit.h - how many sessions a listener and a source have and may have, over
 * all workers and generations.
 *
 * What a session is counted in is its tally: that of its listener, or that of
 * its source there, which is counted in the listener's. Who has a tally gives
 * it back once, by limit_end().
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdio.h>

#include "accept/sources.h"
#include "conf/conf.h"

/* Which limit it was. */
enum limit { LIMIT_NONE, LIMIT_OVERLOAD, LIMIT_RESERVE, LIMIT_SESSIONS,
	LIMIT_SOURCE_SESSIONS, LIMIT_SOURCE_RATE, LIMIT_MEMORY };

struct tally {
	uint32_t	 open;		/* sessions */
	uint32_t	 number;	/* in the state of an upgrade */
	struct tally	*of;		/* the listener's, or NULL */
};

/* What is counted of a listener. By its name, as long as a generation has that
 * or it has sessions. */
struct quota {
	LIST_ENTRY(quota)	 entry;
	struct tally		 tally;
	char			 name[CONF_NAME];
	unsigned		 number;	/* no other quota had it */
	unsigned		 gates;		/* generations that have it */
};

const char	*limit_name(enum limit);

/* The quota of a listener, for a generation. NULL with errno. */
struct quota	*limit_quota(const struct conf_listen *);
/* That is over with; sets the pointer to NULL, which it may have been. */
void		 limit_quota_over(struct quota **);

/* Has the listener all sessions that it may have? */
bool		 limit_full(const struct quota *, const struct conf_listen *);
/* One more session of the listener, whether full or not. */
struct tally	*limit_begin(struct quota *);
/* Its client is this one. LIMIT_NONE, and the tally is now that of the source
 * if the listener asks for that; else which limit the source is over, and the
 * tally stays. */
enum limit	 limit_source(struct tally **, const struct conf_listen *,
		    const struct source *);
/* The session has ended; NULL: it was not counted. */
void		 limit_end(struct tally *);
/* The same of one that nobody has room for: it has not begun, and so does not
 * count for the rate of its source either. In the turn of limit_source(). */
void		 limit_undo(struct tally *, const struct conf_listen *);

/* For an upgrade: writes the lines of what is counted; takes up one. False for
 * a line that is not understood. A tally is passed on as its number, and once
 * more counted by limit_again(); 0: none. */
void		 limit_save(FILE *);
bool		 limit_take(const char *line);
uint32_t	 limit_number(const struct tally *);
/* False: there is no such number. */
bool		 limit_again(uint32_t number, struct tally **);
/* All have been taken up. */
void		 limit_taken(void);

#endif
