/*
 * sticky.h - the worker that a source had last, for a listener whose sources
 * keep theirs.
 */
#ifndef STICKY_H
#define STICKY_H

#include "accept/sources.h"
#include "conf/conf.h"

/* For a listener that asks for it. NULL with errno. */
struct sources	*sticky_new(const struct conf_listen *);
/* Sets the pointer to NULL; that may have been NULL. */
void		 sticky_free(struct sources **);
/* The worker, or 0: none is known any more. */
pid_t		 sticky_worker(struct sources *, const struct conf_listen *,
		    const struct source *);
/* It has that one now, and from now on for sticky-period. */
void		 sticky_set(struct sources *, const struct conf_listen *,
		    const struct source *, pid_t);

#endif
