/*
 * totals.h - what all workers have done: those that live, by their part of the
 * board, and those that have been.
 */
#ifndef TOTALS_H
#define TOTALS_H

#include "compat.h"

struct generation;
struct worker;

/* Of all generations, and of those that have ended. */
struct totals {
	unsigned	workers, draining, stuck;	/* now */
	uint64_t	open;			/* sessions now */
	uint64_t	sessions, failed, bytes_in, bytes_out, log_dropped;
};

/* Of a filter of a generation. */
struct filter_totals {
	uint64_t	active;			/* sessions now */
	uint64_t	sessions, bytes_in, bytes_out, hits;
};

/* For a new generation: its filters have done nothing yet. Returns 0, or -1
 * with errno. */
int		 totals_generation(struct generation *);
struct totals	 totals_sum(void);
/* The same of the living of one generation. */
struct totals	 totals_of(const struct generation *);
/* Of the filter at that place (conf_filter_at()). */
void		 totals_filter(const struct generation *, unsigned,
		    struct filter_totals *);
/* What a dead worker has done stays on record (what it did at each remote:
 * load.h). */
void		 totals_fold(const struct worker *);

#endif
