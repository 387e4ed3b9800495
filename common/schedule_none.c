#include "compat.h"

#include "schedule.h"

void
schedule_batch(bool batch)
{
	(void)batch;
}
