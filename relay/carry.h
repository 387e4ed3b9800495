/*
 * carry.h - when a direction moves by zero copy, and when no longer.
 */
#ifndef CARRY_H
#define CARRY_H

#include "session.h"

#define CARRY_ON	4	/* a score from which on it is zero copy */

/* At the start of stage RELAY: zero copy from the first byte if that is asked
 * for; never from a layer, and to one only if the kernel has its keys. */
void		 carry_init(struct sess *);
/* So many bytes have come from the end at once. */
void		 carry_note(struct end *from, uint64_t);
/* Begins zero copy of what comes from an end, of which nothing is stored.
 * False: it is copied. */
bool		 carry_begin(struct end *from);
/* Ends it, and counts what it has moved; what is in a pipe is lost. */
void		 carry_end(struct end *from);
/* It goes on only if there is need: an empty pipe is for others, and what the
 * kernel does by itself is looked at now and then. */
void		 carry_rest(struct end *from);
/* That look: no event tells of bytes that the kernel moves by itself. */
void		 carry_look(struct end *from);

/* A kernel that goes on by itself moves what comes from the end, or did so
 * until now; an error found there may be that of the other socket. */
static inline bool
carry_by_kernel(const struct end *from)
{
	return from->splicer != NULL && splice_by_itself();
}

/* Is what comes from the end to be moved by zero copy? */
static inline bool
carry_wanted(const struct end *from)
{
	/* splice(2) does not get past urgent data, and a kernel that goes on
	 * by itself has nothing more to do at the end of the file. */
	return from->score >= CARRY_ON && !from->urgent && !from->no_splice &&
	    splice_works() && !(from->hup && splice_by_itself());
}

#endif
