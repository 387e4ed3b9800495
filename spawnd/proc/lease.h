/*
 * lease.h - leases of places with max-sessions: over all workers and
 * generations no more are out than the newest generation allows. They are
 * counted in the boards (board.h), so that none is lost, also over an upgrade;
 * messages only say that there is something to see.
 */
#ifndef LEASE_H
#define LEASE_H

#include "compat.h"

struct place;
struct total;
struct worker;

/* A worker's slot is there, of a new one or of one that was taken up: what it
 * has is counted. Returns 0, or -1 with errno. */
int	 lease_worker(struct worker *);
/* It has been reaped: what it had is back. */
void	 lease_worker_gone(struct worker *);
/* It says that its claim on a place has changed. */
void	 lease_claim(struct worker *, uint32_t place);
/* Looks whether those who want some can have them now, who may have missed a
 * message. Returns whether anybody still wants some. */
bool	 lease_look(void);
/* A place goes to another name, with what is out of it; it is in the list of
 * that name already. */
void	 lease_move(struct place *, struct total *from);

#endif
