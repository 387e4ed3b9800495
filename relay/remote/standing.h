/*
 * standing.h - what others say of a place: the checker, whether it is there and
 * well; the operator, whether it is to be used.
 */
#ifndef STANDING_H
#define STANDING_H

#include "remotes.h"

/* Takes up what is said of a place now: its standing, weight and address.
 * remote_place() is to follow. True if it has another address, or has got or
 * lost one. */
bool		 standing_learn(struct remote *);
/* The heap, and the key there, of a place that is only used when no other one
 * may be: a backup, one that is down, one that is drained. NULL: it is none. */
struct heap	*standing_place(struct remote *, uint64_t *key);
/* The last session of this worker has left the place. */
void		 standing_left(struct remote *);

#endif
