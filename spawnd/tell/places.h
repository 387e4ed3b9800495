/*
 * places.h - the view "remotes" of spawnctl show: a line a place.
 */
#ifndef PLACES_H
#define PLACES_H

#include "tell/table.h"

#define PLACES_COLS	19
extern const struct column places_cols[PLACES_COLS];

void	 places_fill(struct table *);

#endif
