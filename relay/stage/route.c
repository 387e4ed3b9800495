#include "compat.h"

#include "remote/remotes.h"
#include "router.h"
#include "self.h"
#include "session.h"
#include "stage/route.h"

bool
route_wanted(const struct path *p)
{
	return p->router != NULL;
}

/* Never waits, so it has no events. */
enum step
route_enter(struct sess *s)
{
	const struct extra *x = s->extra;
	const struct asked asked = { .name = x == NULL ? NULL : x->name,
	    .alpn = x == NULL ? NULL : x->alpn, .source = &s->source,
	    .target = x == NULL ? NULL : x->dest };
	int i = router_find(s->path->router, &asked);

	if (i != -1)
		s->path = &s->path->routed[i];
	else if (s->path->relay == NULL)
		return sess_end(s, WHO_RELAY, WHY_NO_REMOTE, CUT_RESET);
	if (remotes_count(s->path->remotes))
		self.retire = true;
	return STEP_NEXT;
}
