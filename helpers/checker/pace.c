#include "compat.h"

#include "pace.h"

uint64_t
pace_first(const struct conf_probe *p, size_t n, uint32_t random)
{
	return random % (MIN((uint64_t)n, p->interval) + 1);
}

uint64_t
pace_next(const struct conf_probe *p, uint32_t random)
{
	const uint64_t part = p->interval / 100 * p->jitter +
	    p->interval % 100 * p->jitter / 100;

	return p->interval - part + random % (2 * part + 1);
}
