/*
 * mark.h - what has changed this turn. A module that learns of something
 * marks it and is done: what follows from it is settled at the end of the turn
 * (settle.c), once, and always in the same order.
 */
#ifndef MARK_H
#define MARK_H

#include "ev.h"

enum {
	MARK_ACCEPT = 1,	/* a listener is ready, or there may be room */
	MARK_SEND = 2,		/* a worker is to be sent something */
	MARK_WORKERS = 4,	/* one was started, is ready, leaves, is lost */
	MARK_GROW = 8,		/* one more worker is wanted */
	MARK_PENDING = 16,	/* a reload or an upgrade may go on */
};

/* Settling takes place at the end of this turn; during settling, at the end of
 * the next turn, which then does not wait for events. */
void		 mark(unsigned what);
/* Who settles. Called once, before anything is marked. */
void		 mark_begin(void (*settle)(struct ev_task *));
/* What was marked since the last call. */
unsigned	 mark_take(void);

#endif
