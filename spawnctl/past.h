/*
 * past.h - what has been added a second to figures that only grow, by two looks
 * at them.
 */
#ifndef PAST_H
#define PAST_H

#include "compat.h"

/* From here on figures are those of the next look. complete: all that the last
 * one has not seen are forgotten, or else what it has seen. */
void	 past_next(bool complete);
/* Of the figure of that kind and name, which is now so large at that time (ms,
 * monotonic). False if the last look has not seen it, or nothing like it: then
 * there is no saying. */
bool	 past_rate(char kind, const char *name, uint64_t now, uint64_t at,
	    uint64_t *a_second);
/* The figures are no longer those of the same daemon. */
void	 past_forget(void);

#endif
