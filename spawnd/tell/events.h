/*
 * events.h - what has happened, as a view: by the ledger.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "tell/table.h"

#define EVENTS_COLS	4
extern const struct column events_cols[EVENTS_COLS];

/* A row each, the latest last. */
void	 events_fill(struct table *);

#endif
