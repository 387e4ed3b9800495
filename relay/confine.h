/*
 * confine.h - the sandbox of a worker, as its configuration asks for it.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include "conf/conf.h"

/* While the worker still has the privileges it was started with. */
void	 confine_early(const struct conf *);
/* The last step of the start. The worker ends if what the configuration
 * requires cannot be had. */
void	 confine(const struct conf *);

#endif
