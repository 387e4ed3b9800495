#include "compat.h"

#include "carry.h"
#include "end.h"
#include "pump.h"
#include "session.h"
#include "sockopt.h"
#include "stage/relay.h"
#include "unsent.h"

static enum sess_why	 why_of(int);
static enum step	 relay_both(struct sess *, struct end *);
static enum step	 relay_filter(struct sess *);
static enum step	 relay_cut(struct sess *, struct end *);
static bool		 relay_is_over(const struct sess *);
static bool		 nothing_to_do(const struct end *);
static void		 relay_half(struct sess *);
static int		 relay_unheard(const struct end *);
static bool		 relay_acknowledged(struct sess *);

enum step
relay_enter(struct sess *s)
{
	enum step step = s->path->nfilters == 0 ? STEP_WAIT : relay_filter(s);

	if (step != STEP_WAIT)
		return step;
	carry_init(s);
	sess_settled(s);
	return relay_both(s, &s->client);
}

static enum step
relay_filter(struct sess *s)
{
	if (sess_extra(s) != NULL && chain_open(s) == 0) {
		if (s->client.filtered)
			chain_early(&s->client);
		return STEP_WAIT;
	}
	return sess_end(s, WHO_RELAY, errno == ENOMEM ? WHY_MEMORY :
	    WHY_ERROR, CUT_RESET);
}

enum step
relay_event(struct sess *s, struct end *e)
{
	/* Nobody reads from it now, so nobody else would see the error. */
	if (e->error && (e->eof || !far_of(e)->writable ||
	    (e->filtered && chain_waits(e))))
		return sess_fail(e, why_of(sockopt_error(e->io.fd)));
	return relay_both(s, e);
}

static enum sess_why
why_of(int err)
{
	return err == 0 || err == ECONNRESET || err == EPIPE ? WHY_RESET :
	    WHY_ERROR;
}

/*
 * Moves what can be moved both ways, beginning with what comes from first.
 * The order matters only for the bytes that arrive in the same turn.
 */
static enum step
relay_both(struct sess *s, struct end *first)
{
	struct end *broken = NULL;
	enum moved a, b = MOVED_ALL;

	if ((a = pump(first, &broken)) >= MOVED_BROKEN ||
	    (!nothing_to_do(far_of(first)) &&
	    (b = pump(far_of(first), &broken)) >= MOVED_BROKEN))
		return broken != NULL ? sess_fail(broken, why_of(errno)) :
		    relay_cut(s, a == MOVED_CUT ? first : far_of(first));
	if (s->client.eof || s->remote.eof ||
	    (s->client.filtered && chain_ended_by(s) != NULL)) {
		relay_half(s);
		if (relay_is_over(s))
			return sess_end(s, s->who, s->who == WHO_RELAY ?
			    s->why : WHY_FIN, CUT_NONE);
	}
	if (a == MOVED_MORE || b == MOVED_MORE)
		sess_resume(s);
	if (s->client.filtered)
		sess_look_due(s);
	return STEP_WAIT;
}

static bool
relay_is_over(const struct sess *s)
{
	return s->client.eof && s->remote.eof &&
	    sess_stored(&s->client) == 0 && sess_stored(&s->remote) == 0 &&
	    end_held(&s->client) == 0 && end_held(&s->remote) == 0;
}

/* As a filter says of what comes from that end. */
static enum step
relay_cut(struct sess *s, struct end *from)
{
	const struct chain *c = s->extra->chain;
	enum step step = sess_end(s, WHO_RELAY, c->verdict == FILTER_NOMEM ?
	    WHY_MEMORY : c->by->section->ops->why, CUT_RESET);

	if (c->verdict != FILTER_RST)
		return step;
	from->failed = true;
	return STEP_ABORT;
}

/* Most events are of one direction only. */
static bool
nothing_to_do(const struct end *from)
{
	return !from->readable && !from->eof && from->queue == NULL &&
	    from->splicer == NULL && !from->filtered;
}

/* One side has ended: from now on another limit runs. */
static void
relay_half(struct sess *s)
{
	const struct filt *by = chain_ended_by(s);

	if (by != NULL) {
		s->who = WHO_RELAY;
		s->why = (uint8_t)by->section->ops->why;
	}
	if (s->limit == LIMIT_HALF_CLOSE)
		return;
	s->limit = LIMIT_HALF_CLOSE;
	if (by == NULL)
		s->who = s->client.eof ? WHO_CLIENT : WHO_REMOTE;
	sess_touch(s);
	sess_arm(s);
}

enum step
relay_timeout(struct sess *s)
{
	int err;

	if ((err = relay_unheard(&s->client)) != 0)
		return sess_fail(&s->client, why_of(err));
	if ((err = relay_unheard(&s->remote)) != 0)
		return sess_fail(&s->remote, why_of(err));
	chain_tick(s);
	carry_look(&s->client);
	carry_look(&s->remote);
	if (chain_busy(s))
		sess_touch(s);
	if (!sess_is_late(s) || relay_acknowledged(s))
		return relay_both(s, &s->client);
	return sess_end(s, WHO_RELAY, s->limit == LIMIT_HALF_CLOSE ?
	    WHY_HALF_CLOSE : WHY_IDLE, CUT_UNLESS_CLEAN);
}

/* The error of an end that filters have not read from, and that no event will
 * tell; or 0. */
static int
relay_unheard(const struct end *e)
{
	return e->filtered && !ev_has_edges() && chain_waits(e) ?
	    sockopt_error(e->io.fd) : 0;
}

/*
 * No event tells that one side takes what the kernel has for it: at the limit
 * it is looked at, and once more after a quarter of it. Then that was progress,
 * or the session is over.
 */
static bool
relay_acknowledged(struct sess *s)
{
	int32_t before = s->unsent;
	int n = unsent(s->client.io.fd, s->client.fin) +
	    unsent(s->remote.io.fd, s->remote.fin);

	s->unsent = n;
	if (n == 0 || n == before)
		return false;
	sess_touch(s);
	if (before == 0)
		s->last -= s->path->limit[s->limit] / 4 * 3;
	return true;
}
