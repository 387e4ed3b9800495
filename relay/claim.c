#include "compat.h"

#include "claim.h"
#include "ev.h"
#include "sess.h"

#define AGAIN	50	/* ms until it is told once more */

static bool	claim_tell(struct claim *);
static void	claim_again(struct ev_timer *);

static TAILQ_HEAD(, claim) claims = TAILQ_HEAD_INITIALIZER(claims);
static struct ev_timer	 again_timer = EV_TIMER(claim_again);
static void		(*answered)(struct sess *);
static bool		(*tell)(const struct proto_named *);

void
claim_start(void (*answered_cb)(struct sess *),
    bool (*tell_cb)(const struct proto_named *))
{
	answered = answered_cb;
	tell = tell_cb;
}

struct claim *
claim_make(struct sess *s)
{
	struct claim *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->sess = s;
	TAILQ_INSERT_TAIL(&claims, c, entry);
	if (!claim_tell(c))
		ev_timer_set(&again_timer, AGAIN);
	return c;
}

static bool
claim_tell(struct claim *c)
{
	struct proto_named n;

	memset(&n, 0, sizeof(n));
	n.seat = c->sess->seat;
	n.client = c->sess->source;
	c->told = tell(&n);
	return c->told;
}

/* No event tells when a full channel has room. */
static void
claim_again(struct ev_timer *t)
{
	struct claim *c;

	TAILQ_FOREACH(c, &claims, entry)
		if (!c->told && !claim_tell(c)) {
			ev_timer_set(t, AGAIN);
			return;
		}
}

/* Answers come in the order of what was told: it is among the first. */
void
claim_answer(const struct proto_verdict *v)
{
	struct claim *c;

	TAILQ_FOREACH(c, &claims, entry)
		if (c->sess->seat == v->seat)
			break;
	if (c == NULL)
		return;
	c->answered = true;
	c->permitted = v->permitted != 0;
	TAILQ_REMOVE(&claims, c, entry);
	answered(c->sess);
}

void
claim_forget(struct claim **cp)
{
	struct claim *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (!c->answered)
		TAILQ_REMOVE(&claims, c, entry);
	free(c);
}
