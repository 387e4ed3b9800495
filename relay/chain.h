/*
 * chain.h - the filters of one session: opened when it begins to relay, run
 * whenever something may move, closed with it.
 *
 *   read -> [queue, filter] -> [queue, filter] -> queue of the end -> write
 *
 * From the client to the remote in the order of the configuration, those of the
 * listener before those of the relay section; in the reverse order backwards.
 * Filters that need no bytes have no queue.
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "filter.h"

/* A filter of a session, and what was not yet taken by it, a queue a way. */
struct link {
	struct filt	*filt;
	struct queue	*in[2];
};

struct chain {
	unsigned	 n;		/* filters */
	bool		 bytes;		/* one of them needs bytes */
	enum verdict	 verdict;	/* why chain_run() has said so */
	const struct filt *by;		/* who has ended something; or NULL */
	struct way {
		size_t	 allowed;	/* bytes, by the last chain_allow() */
		bool	 waits;		/* that was 0, and is new */
		bool	 reset;		/* as FLOW_RESET */
		bool	 holds;		/* as FILTER_HOLD */
		bool	 no_splice;	/* nor when all have left */
		bool	 ended;		/* nothing more comes out */
		unsigned cut;		/* this link, counted from 1, lets
					   nothing more by; 0: none */
	}		 way[2];	/* from the client, from the remote */
	struct link	 links[];
};

/* Those of the session's path, which has some. Its struct extra is there.
 * Returns 0, or -1 with errno. */
int		 chain_open(struct sess *);
/* Tells them that it is over. */
void		 chain_close(struct sess *);
/* Drops what they hold, and the memory. */
void		 chain_free(struct chain **);

/*
 * Of an end that is filtered:
 */

/* How many bytes may be read now, at most want; 0: none, and a filter has said
 * when to ask again. chain_allowed() tells it again. */
size_t		 chain_allow(struct end *, size_t want);
size_t		 chain_allowed(const struct end *);
/* Was it none, and has it been asked since the last chain_run()? What it said
 * before that is old: a reset would drop what may be read by now. */
bool		 chain_waits(const struct end *);
/* What was read of it before there was a chain, if anything, goes through it as
 * the first. */
void		 chain_early(struct end *);
/* So many bytes were read, which filters do not see; or none, though they have
 * allowed some. */
void		 chain_passed(struct end *, size_t);
/* Where to read what filters see, of which *room is left at most; NULL: none of
 * them does, or there is no memory, and it is read elsewhere. */
char		*chain_buffer(const struct end *, size_t *room);
/* So many bytes were read. Returns 1: the chain has them, or nothing more may
 * pass; 0: no filter needs them; -1 with errno. */
int		 chain_take(struct end *, const char *, size_t);
/* Has the filters move what they can. Returns 0, or -1 if the session is to
 * end: chain.verdict says how, by is who has said so, and end says which
 * direction. */
int		 chain_run(struct end *);
/* What filters hold: bytes, and one more if it is the end. */
size_t		 chain_held(const struct end *);
/* Is the last byte of the direction in the queue of the end? */
bool		 chain_over(const struct end *);
/* The end has failed: what is held for a time is dropped, now and from now on.
 */
void		 chain_fail(struct end *);

/*
 * Of a session that has a chain or not:
 */

/* Tells the filter of that section that its settings are others. False: it has
 * none. */
bool		 chain_changed(struct sess *, const struct filter_section *);
/* Forgets the times that have come. */
void		 chain_tick(struct sess *);
/* When the chain is to be run again, ms; 0: when something happens. */
uint64_t	 chain_due(const struct sess *);
/* Do filters hold something for a time? Then the session is not idle. */
bool		 chain_busy(const struct sess *);
/* Who has ended a direction, so that it is not the client or the remote; or
 * NULL. */
const struct filt *chain_ended_by(const struct sess *);
/* The names of its filters, with commas; returns buf. */
char		*chain_str(const struct chain *, char *buf, size_t);

#endif
