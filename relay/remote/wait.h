/*
 * wait.h - sessions that wait until one of their relay section's remotes, which
 * all have as many as they may (max-sessions), has room: in the order in which
 * they came.
 */
#ifndef WAIT_H
#define WAIT_H

#include "remotes.h"
#include "sess.h"

/* Says who is to ask the master for news of the other workers, as long as
 * anybody waits; false: not now, once more. */
void		 wait_init(bool (*ask)(void));
/* The session has found no place: may there be room at one that it has not
 * tried? */
bool		 wait_helps(const struct remotes *, const struct sess *);
/* It waits from now on. When there is room, or it helps no more, it is resumed:
 * wait_called() is true then. Returns 0, or -1 without memory. */
int		 wait_begin(struct sess *);
/* It does not wait (any more), nor was it called; for every session. */
void		 wait_end(struct sess *);
/* It has waited: s->chosen is what it got, or NULL. wait_end() is to follow. */
bool		 wait_called(const struct sess *);
/* Gives what room there is to those who wait. */
void		 wait_look(struct remotes *);

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
