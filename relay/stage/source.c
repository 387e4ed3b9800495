#include "compat.h"

#include "claim.h"
#include "path.h"
#include "session.h"
#include "stage/source.h"

static enum step	 source_answered(struct sess *);

bool
source_wanted(const struct path *p)
{
	const struct conf_listen *l = p->listen;

	return p->proxy_from != NULL &&
	    (l->source_sessions != 0 || l->source_rate != 0);
}

/* A header that names nobody is of who speaks for others. */
enum step
source_enter(struct sess *s)
{
	struct extra *x = s->extra;

	if (x == NULL || !x->proxied)
		return STEP_NEXT;
	if ((x->claim = claim_make(s)) != NULL)
		return STEP_WAIT;
	sess_warn(s, "limits of its source", errno);
	return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
}

enum step
source_event(struct sess *s, struct end *e)
{
	if (e->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	return s->extra->claim->answered ? source_answered(s) : STEP_WAIT;
}

static enum step
source_answered(struct sess *s)
{
	const bool permitted = s->extra->claim->permitted;

	claim_forget(&s->extra->claim);
	if (permitted)
		return STEP_NEXT;
	return sess_end(s, WHO_RELAY, WHY_LIMIT,
	    s->path->listen->over_limit == OVER_CLOSE ? CUT_NONE : CUT_RESET);
}
