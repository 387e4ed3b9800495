/*
 * listeners.h - the view "listeners" of spawnctl show: a line an address.
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include "tell/table.h"

#define LISTENERS_COLS	18
extern const struct column listeners_cols[LISTENERS_COLS];

void	 listeners_fill(struct table *);

#endif
