#include "compat.h"

#include <sched.h>

#include "schedule.h"

/* Whoever started us with another policy than these two meant it. */
void
schedule_batch(bool batch)
{
	const struct sched_param none = { .sched_priority = 0 };
	int now = sched_getscheduler(0);

	if (now == SCHED_OTHER || now == SCHED_BATCH)
		sched_setscheduler(0, batch ? SCHED_BATCH : SCHED_OTHER,
		    &none);
}
