/*
 * reload.h - from one configuration to the next, while it runs.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "compat.h"

struct conf;
struct generation;

/* Called with the outcome, once: NULL for success, else a sentence. */
struct reload_waiter {
	TAILQ_ENTRY(reload_waiter) entry;
	void	(*cb)(struct reload_waiter *, const char *error);
};

/* Starts the first generation; the master ends if that fails. */
void		 reload_first(struct conf *);
/* Reads the file again and changes over to it. A call while one is under way
 * is done after it, all such calls at once. w may be NULL. */
void		 reload_request(struct reload_waiter *);
void		 reload_forget(struct reload_waiter *);
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
