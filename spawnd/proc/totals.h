/*
 * totals.h - what all workers have done: those that live, by their part of the
 * board, and those that have been.
 */
#ifndef TOTALS_H
#define TOTALS_H

#include <stdio.h>

#include "conf/conf.h"

struct generation;
struct worker;

/* What the workers of the past have done at one remote; kept by name, over
 * reloads. */
struct total {
	TAILQ_ENTRY(total)	 entry;
	char			 relay[CONF_NAME];
	char			 remote[CONF_NAME];
	uint64_t		 sessions, failed, bytes_in, bytes_out;
};

/* Of all generations, and of those that have ended. */
struct totals {
	unsigned	workers, draining, stuck;	/* now */
	uint64_t	open;			/* sessions now */
	uint64_t	sessions, bytes_in, bytes_out, log_dropped;
};

struct totals	 totals_sum(void);
/* The same of the living of one generation. */
struct totals	 totals_of(const struct generation *);
/* Makes g->totals. Returns 0, or -1 with errno. */
int		 totals_find(struct generation *);
/* What a dead worker has done stays on record; its part of the board becomes
 * free. */
void		 totals_fold(const struct worker *);

/* For an upgrade: writes the lines; takes up one. False for a line that is not
 * understood. */
void		 totals_save(FILE *);
bool		 totals_take(const char *line);

#endif
