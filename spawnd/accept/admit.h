/*
 * admit.h - accepts, asks the access rules and for room.
 */
#ifndef ADMIT_H
#define ADMIT_H

#include "ev.h"

struct listener;

/* The listener's callback: it is accepted from when the turn is settled. */
void		 admit_event(struct ev_io *, int what);
/* Accepts at all listeners that are ready, a burst at each, as far as there is
 * room. */
void		 admit_ready(void);
/* Accepts all that waits now at a listener that is about to go, whatever the
 * limits: what finds no room is kept. */
void		 admit_all(struct listener *);
/* Are those that it accepts for the status process? */
bool		 admit_is_status(const struct listener *);
/* Does anybody wait at a listener that has all that it may have? */
bool		 admit_held(void);
/* The listener goes. */
void		 admit_forget(struct listener *);

#endif
