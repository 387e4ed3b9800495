/*
 * wait.h - sessions that wait for a lease of a place with max-sessions, or
 * until one of their relay section's remotes has room, which all have as many
 * as they may: in the order in which they came.
 */
#ifndef WAIT_H
#define WAIT_H

#include "remotes.h"
#include "sess.h"

/* The session has found no place: may there be room at one that it has not
 * tried? */
bool		 wait_helps(const struct remotes *, const struct sess *);
/* It waits from now on. When there is room, or it helps no more, it is resumed:
 * wait_called() is true then. Returns 0, or -1 without memory. */
int		 wait_begin(struct sess *);
/* The same for no other place than this one, which it has not tried. */
int		 wait_for(struct sess *, struct remote *);
/* It does not wait (any more), nor was it called; for every session. */
void		 wait_end(struct sess *);
/* It has waited: s->chosen is what it got, or NULL. wait_end() is to follow. */
bool		 wait_called(const struct sess *);
/* It waits, or did, by wait_for(). */
bool		 wait_bound(const struct sess *);
/* Gives what room there is to those who wait. */
void		 wait_look(struct remotes *);
/* The master has given leases: the same in all sections; what nobody needs goes
 * back. */
void		 wait_leases(void);

static inline bool
wait_is_on(const struct remotes *rs)
{
	return !TAILQ_EMPTY(&rs->waiting);
}

/* It waits, or was called. */
static inline bool
wait_has(const struct sess *s)
{
	return s->extra != NULL && s->extra->waiter != NULL;
}

#endif
