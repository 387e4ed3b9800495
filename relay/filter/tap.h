/*
 * tap.h - what the filters record and dump have in common: they tell the
 * recorder what flows, over the feed of this worker (feed.h), and change
 * nothing.
 */
#ifndef TAP_H
#define TAP_H

#include "feed.h"
#include "filter.h"

/* A session at one such section. */
struct tap {
	struct filt	 filt;
	struct feed_open open;		/* as it is now */
	uint32_t	 number;	/* no other open one has it */
	uint32_t	 told;		/* to which recorder; 0: to none yet */
	uint64_t	 lost[2];	/* bytes from client, remote, behind
					   those that were told */
	bool		 ended[2], reset[2];
};

/* What a section has told. */
struct tap_how {
	size_t		 snap;		/* bytes of what is read at once; 0:
					   all */
	uint64_t	 limit;		/* bytes of a direction; 0: all */
	enum conf_way	 way;
	bool		 wait;		/* for room, for a while */
	bool		 off;		/* nothing now */
};

/* For a filter: its start, the tail of its open, its data and close. */
int		 tap_start(struct filter_section *);
int		 tap_open(struct tap *, enum feed_section, bool hidden);
enum verdict	 tap_data(struct tap *, const struct tap_how *, struct end *,
		    struct queue **, struct queue **, enum flow);
void		 tap_close(struct filt *);

#endif
