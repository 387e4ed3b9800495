/*
 * ends.h - the view "ends" of spawnctl show: how sessions have ended, a line
 * for each listen section, who and why, by the words of the closing line.
 */
#ifndef ENDS_H
#define ENDS_H

#include "tell/table.h"

#define ENDS_COLS	4
extern const struct column ends_cols[ENDS_COLS];

/* Those that there have been. */
void	 ends_fill(struct table *);

#endif
