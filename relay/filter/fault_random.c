#include "compat.h"

#include <math.h>

#include "filter/fault_random.h"

#define STEP	UINT64_C(0x9e3779b97f4a7c15)
#define FAR	UINT64_C(0x3fffffffffffffff)	/* no direction is as long */

uint64_t
random_mix(uint64_t n)
{
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

uint64_t
random_next(uint64_t *state)
{
	*state += STEP;
	return random_mix(*state);
}

uint64_t
random_near(uint64_t *state, uint64_t middle, uint64_t spread)
{
	const uint64_t below = MIN(middle, spread);

	if (spread == 0)
		return middle;
	return middle - below + random_next(state) % (below + spread + 1);
}

uint64_t
random_gap(uint64_t *state, double chance)
{
	/* 1 to 2^53, so that it has a logarithm. */
	const double u = (double)((random_next(state) >> 11) + 1) * 0x1p-53;
	const double gap = log(u) / log1p(-chance);

	return gap < (double)FAR ? (uint64_t)gap : FAR;
}
