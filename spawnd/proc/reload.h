/*
 * reload.h - from one configuration to the next, while it runs.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "compat.h"

struct generation;

/* Reads the file and starts the first generation; the master ends if that
 * fails. */
void		 reload_first(void);
/* Once a reload is pending: reads the file again and changes over to it. What
 * is asked for while one is under way is done after it, all at once. */
void		 reload_step(void);
/* A worker of the generation being tried is ready, or has died. */
void		 reload_worker_ready(struct generation *);
void		 reload_worker_died(struct generation *);
/* Gives up what is under way, for the end. */
void		 reload_cancel(void);
/* Nothing is under way. */
bool		 reload_idle(void);
/* The last outcome: "never", "ok", or "failed: why". */
const char	*reload_last(void);

#endif
