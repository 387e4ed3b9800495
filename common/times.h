/*
 * times.h - how long things took: how many took no longer than each of some
 * bounds, and what can be told by that.
 */
#ifndef TIMES_H
#define TIMES_H

#include "compat.h"

/* In microseconds, what takes longer than the last has a bucket of its own:
 * from what a connect takes in one machine to how long a session is kept. */
#define TIMES_BOUNDS	{ 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, \
    250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000, \
    300000000, 3600000000 }
#define TIMES_N		18		/* of them */

extern const uint64_t times_bounds[TIMES_N];

/* The bucket of a time in microseconds: 0 to TIMES_N. */
static inline unsigned
times_bucket(uint64_t us)
{
	unsigned i = 0;

	while (i < TIMES_N && us > times_bounds[i])
		i++;
	return i;
}

/*
 * The time, in microseconds, that a share of all took no longer than (0.5: the
 * median), by how many are in each bucket: as if those of one were spread
 * evenly in it. Of what is beyond the last bound it is that bound. -1: there
 * are none.
 */
double	 times_share(const uint64_t n[TIMES_N + 1], double share);

#endif
