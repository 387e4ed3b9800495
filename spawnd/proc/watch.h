/*
 * watch.h - looks whether a worker lives: that it starts, takes what it is
 * sent, and ends its drain. One timer a worker for all of these limits.
 */
#ifndef WATCH_H
#define WATCH_H

#include "proc/worker.h"

/* A worker has been started, or taken up. */
void		 watch_begin(struct worker *);
/* It was sent something: from now on the watchdog looks. */
void		 watch_look(struct worker *);
/* It does not work: what it has not taken goes to others, another one takes its
 * place, and it is killed if it does not come back. */
void		 watch_lose(struct worker *);
/* False if its counts cannot be: more than it was sent, fewer than before. */
bool		 watch_counts(struct worker *);
/* Whether it has closed a session lately, as far as it was asked before; the
 * same for any worker. */
bool		 watch_closing(struct worker *);
bool		 watch_closing_any(void);
/* It was told to end now: it is killed if it does not. */
void		 watch_expire(struct worker *);

#endif
