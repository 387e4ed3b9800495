/*
 * handoff.h - from the master to a worker: sends descriptors, keeps and
 * recovers those not taken.
 */
#ifndef HANDOFF_H
#define HANDOFF_H

#include <stdio.h>

#include "compat.h"

struct conf;
struct proto_conn;
struct tally;
struct worker;

enum handoff_room {
	HANDOFF_NONE,		/* nobody has room */
	HANDOFF_SOON,		/* a worker is started now and will have */
	HANDOFF_ROOM
};

/* The workers are to be looked at anew: what follows decides by what they are
 * and have now. */
void		 handoff_look(void);
/* Would handoff_give() find somebody? Asks for one more worker (refill.h) if
 * none of those that there are has room. */
enum handoff_room handoff_room(void);
/* For how many sessions there is room in the pool, if they are counted. */
uint64_t	 handoff_places(void);
/* Gives the connection, with what it is counted in or NULL, to whom pool.h
 * picks; false if nobody has room (fd and tally are then still the caller's).
 * It is sent by handoff_send(). */
bool		 handoff_give(int fd, const struct proto_conn *,
		    struct tally *);
/* Keeps a connection that must not be lost until somebody has room. */
void		 handoff_keep(int fd, const struct proto_conn *,
		    struct tally *);
/* Gives those that are kept, in their order, as far as there is room. */
void		 handoff_give_kept(void);
/* Sends what workers were given. */
void		 handoff_send(void);
/* Reads back what a dead or stuck worker has not taken, and keeps it. False if
 * descriptors are too few for all of it: to be called again. */
bool		 handoff_recover(struct worker *);
/* Closes n of those that are kept, the latest ones, so that there are
 * descriptors to start a worker with for the others. */
void		 handoff_give_up(unsigned n);
/* The current generation changes: what is kept follows its listener. */
void		 handoff_switch(const struct conf *from, const struct conf *to);
/* How many are kept. */
unsigned	 handoff_kept(void);
/* Closes them; for the end. */
void		 handoff_drop(void);

/* For an upgrade: writes the lines of what is kept; takes up one. False for a
 * line that is not understood. */
void		 handoff_save(FILE *);
bool		 handoff_take(const char *line);

#endif
