#include "compat.h"

#include "balance.h"
#include "ev.h"
#include "rise.h"

void
rise_from(struct remote *r, uint64_t ms)
{
	if (r->conf->slow_start == 0)
		return;
	r->up = ms;
	if (r->rise == RISE_FULL)
		r->of->nrising++;
	r->rise = 0;
	rise_step(r);
}

bool
rise_step(struct remote *r)
{
	const uint64_t age = ev_now() - MIN(r->up, ev_now());
	uint8_t rise = RISE_FULL;

	if (age < r->conf->slow_start)
		rise = (uint8_t)(1 + age * (RISE_FULL - 1) /
		    r->conf->slow_start);
	if (rise == r->rise)
		return false;
	r->rise = rise;
	if (rise == RISE_FULL)
		r->of->nrising--;
	balance_weigh(r);
	return true;
}
