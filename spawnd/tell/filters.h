/*
 * filters.h - the view of filters: a line for each that a listener or a relay
 * section uses, in each generation.
 */
#ifndef FILTERS_H
#define FILTERS_H

#include "tell/table.h"

#define FILTERS_COLS	9

extern const struct column filters_cols[FILTERS_COLS];

void	 filters_fill(struct table *);

#endif
