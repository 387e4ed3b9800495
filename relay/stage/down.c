#include "compat.h"

#include "filter/fault.h"
#include "session.h"
#include "stage/down.h"

bool
down_wanted(const struct path *p)
{
	return fault_may_refuse(p->filters, p->nfilters);
}

enum step
down_enter(struct sess *s)
{
	return fault_refuses(s) ? sess_end(s, WHO_RELAY, WHY_FAULT,
	    CUT_RESET) : STEP_NEXT;
}
