/*
 * history.h - the last hour as a view: by the ledger.
 */
#ifndef TELL_HISTORY_H
#define TELL_HISTORY_H

#include "tell/table.h"

#define HISTORY_COLS	7
extern const struct column history_cols[HISTORY_COLS];

/* A row every LEDGER_STEP seconds, the latest last. */
void	 history_fill(struct table *);

#endif
