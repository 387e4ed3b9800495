/*
 * pace.h - when a probe is made: so often, and not all at the same time.
 */
#ifndef PACE_H
#define PACE_H

#include "conf/conf.h"

/* Milliseconds until the first probe: so many that the machine is not asked for
 * more than one a millisecond by n that begin together, and no more than an
 * interval. random is any number. */
uint64_t	 pace_first(const struct conf_probe *, size_t n,
		    uint32_t random);
/* From the begin of one to that of the next: the interval, more or less by its
 * jitter. */
uint64_t	 pace_next(const struct conf_probe *, uint32_t random);

#endif
