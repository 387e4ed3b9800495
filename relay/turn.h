/*
 * turn.h - work that takes long, such as a handshake: so much of it a turn of
 * the event loop that those who need little do not wait long for it.
 */
#ifndef TURN_H
#define TURN_H

#include "ev.h"

struct turn {
	TAILQ_ENTRY(turn)	 entry;
	void			(*cb)(struct turn *); /* NULL: does not wait */
};

/* Calls back, this turn or as soon as those who came before have had theirs. */
void	 turn_wait(struct turn *, void (*cb)(struct turn *));
/* No longer, if it waits. */
void	 turn_cancel(struct turn *);

#endif
