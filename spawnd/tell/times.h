/*
 * times.h - the view "times" of spawnctl show: how long things took, a line for
 * each measure and what it is of.
 */
#ifndef TELL_TIMES_H
#define TELL_TIMES_H

#include "tell/table.h"

#define TIMES_COLS	10
extern const struct column times_cols[TIMES_COLS];

void	 times_fill(struct table *);

#endif
