#include "compat.h"

#include "verdict.h"

bool
verdict_add(struct verdict *v, const struct conf_probe *p, bool good)
{
	const unsigned enough = good ? p->rise : p->fall;
	const bool first = !v->known;

	v->known = true;
	if (good == v->up) {
		v->row = 0;
		return false;
	}
	if (++v->row < enough && !first)
		return false;
	v->up = good;
	v->row = 0;
	return true;
}
