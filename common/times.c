#include "compat.h"

#include "times.h"

const uint64_t times_bounds[TIMES_N] = TIMES_BOUNDS;

double
times_share(const uint64_t n[TIMES_N + 1], double share)
{
	double want, before = 0, from;
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i <= TIMES_N; i++)
		sum += n[i];
	if (sum == 0)
		return -1;
	want = share * (double)sum;
	for (i = 0; i < TIMES_N; before += (double)n[i++]) {
		if (n[i] == 0 || before + (double)n[i] < want)
			continue;
		from = i == 0 ? 0 : (double)times_bounds[i - 1];
		return from + ((double)times_bounds[i] - from) *
		    (want - before) / (double)n[i];
	}
	return (double)times_bounds[TIMES_N - 1];
}
