/*
 * refill.h - how many workers there are: starts what is missing, when back-off
 * allows, and lets go what is not needed. Who is decided in accept/pool.h.
 */
#ifndef REFILL_H
#define REFILL_H

#include "accept/pool.h"

struct generation;
struct worker;

/* Starts what is missing to servers min, for a generation that is tried.
 * Returns 0, or -1 if one could not be started. */
int		 refill_start(struct generation *);
/* Is there no worker at all, and are there not the descriptors to start one? */
bool		 refill_starved(const struct generation *);
/* As refill_start() for the current one, and one more if that was asked for
 * (grow) and is still wanted; then lets go who may go. */
void		 refill_step(struct generation *, bool grow);
/* One more worker is wanted. True if it will be started when this turn is
 * settled (MARK_GROW); else back-off forbids it, and MARK_WORKERS and
 * MARK_ACCEPT tell when it is over. */
bool		 refill_ask(struct generation *);
/* What the configuration of a generation says for pool.h; without wake and
 * slack. */
struct pool_limits refill_limits(const struct generation *);
/* A worker has died: does back-off begin, or end? */
void		 refill_died(const struct worker *);

#endif
