/*
 * load.h - the places by relay, remote and address, over all workers and
 * generations: what was done there, how many sessions are open, which do not
 * answer. What one worker knows of that the others are told.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdio.h>

#include "proc/place.h"

struct generation;
struct worker;

/* Finds the places of a generation by their names. Returns 0, or -1 with
 * errno; load_generation_free() is to follow in both cases. */
int	 load_generation(struct generation *);
void	 load_generation_free(struct generation *);
/* A worker's slot is there: from now on it counts, and it is told all that is
 * known. Returns 0, or -1 with errno. */
int	 load_worker(struct worker *);
/* It has been reaped: what it has done stays on record. */
void	 load_worker_gone(struct worker *);
/*
 * Tells the workers of what has changed elsewhere; to be called before
 * sessions are handed over. It does so once a millisecond: at a rate where that
 * matters, the sessions since then are a small part.
 */
void	 load_tell(void);

/* Sessions of a worker wait for news of the others, or for leases: from now on
 * all are told regularly, as long as there are such. */
void		 load_watch(void);
/* The operator has set that of a remote, in all its places: every worker of
 * every generation is told before this returns. */
void		 load_admin(const char *relay, const char *remote,
		    uint32_t admin);
/* The address of a place has become another one, if the checker says so: what
 * its workers have counted there goes with the place. */
void		 load_targets(struct generation *);

/* Adds what a worker has done at a place, which stays on record by itself once
 * the worker's counted is NULL. */
void	 load_deeds(struct deeds *, const struct worker *, unsigned place);

/* For an upgrade: writes a line for each name; takes one up. False for a line
 * that is not understood. */
void	 load_save(FILE *);
bool	 load_take(const char *line);

#endif
