/*
 * history.h - the last hour: what was open, what came, every few seconds, in
 * the ledger.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "compat.h"
#include "ledger.h"

/* From now on; after an upgrade it goes on where it was. */
void	 history_begin(void);
/* Connections that wait: in the backlogs, as far as the kernel tells, and
 * accepted ones. */
uint64_t history_waiting(void);

#endif
