#include "compat.h"

#include <time.h>

#include "logger.h"

#define SHARE	(16 * 1024 * 1024)	/* bytes a second and writer */

bool
share_allows(struct writer *w, size_t n)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (ts.tv_sec != w->second) {
		w->second = ts.tv_sec;
		w->taken = 0;
	}
	w->taken += n;
	return w->taken <= SHARE;
}
