#include "compat.h"

#include <time.h>

#include "logger.h"

#define SHARE	(16 * 1024 * 1024)	/* bytes a second and process */
#define PLACES	256

/* Processes whose numbers end in the same bits have one share together. */
bool
share_allows(pid_t pid, size_t n)
{
	static size_t taken[PLACES];
	static time_t second;
	size_t *mine = &taken[(unsigned)pid % PLACES];
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (ts.tv_sec != second) {
		second = ts.tv_sec;
		memset(taken, 0, sizeof(taken));
	}
	*mine += n;
	return *mine <= SHARE;
}
