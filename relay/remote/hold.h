/*
 * hold.h - remotes that have failed are left alone for a while; when it is
 * over, one session tries.
 */
#ifndef HOLD_H
#define HOLD_H

#include "remotes.h"

/* The heap, and the key there, of a remote that may not be used; NULL: it
 * may. */
struct heap	*hold_place(struct remote *, uint64_t *key);
/* Whether it is to be left alone now. */
bool		 hold_is(const struct remote *);
/* Gives back those whose time is over. */
void		 hold_over(struct remotes *);
/* It is over at once for all that are held; who fails again is held for longer
 * all the same. */
void		 hold_waive(struct remotes *);
/* The one that is due soonest; NULL: there is none. */
struct remote	*hold_soonest(const struct remotes *);
/* A failure. Returns the ms that the remote is held for; 0: it was held
 * already, as sessions that were under way do not lengthen it. */
uint64_t	 hold_failed(struct remote *);
/* A success: it is not held any more. */
void		 hold_ok(struct remote *);
/* What another worker knows. That it has failed is believed: at worst, others
 * are chosen. That it is back is not, or one that lies could have a dead
 * remote tried over and over again. */
void		 hold_learn(struct remote *, uint64_t outcome);

#endif
