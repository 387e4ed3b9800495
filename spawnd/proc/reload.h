/*
 * reload.h - from one configuration to the next, while it runs.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "compat.h"

/*
 * Once a reload is pending: reads the file (again) and changes over to it, when
 * the workers of the new generation are ready. What is asked for while one is
 * under way is done after it, all at once.
 */
void		 reload_step(void);
/* What the operator has set of remotes outlasts the next one, which nobody has
 * asked for. */
void		 reload_keep(void);
/* Gives up what is under way, for the end. */
void		 reload_cancel(void);
/* Nothing is under way. */
bool		 reload_idle(void);
/* The last outcome: "never", "ok", or "failed: why". */
const char	*reload_last(void);
/* Why the last one has failed; NULL if it has not. */
const char	*reload_failure(void);

#endif
