#include "compat.h"

#include "authoriser.h"
#include "log.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"
#include "stage/auth.h"
#include "words.h"

static enum step	 auth_not(struct sess *);
static enum step	 auth_answered(struct sess *, const struct reply *);
static enum step	 auth_relay(struct sess *, const char *);
static bool		 auth_permits(const struct sess *, const char *);
static enum step	 auth_denied(struct sess *);

bool
auth_wanted(const struct path *p)
{
	return p->listen->auth != CONF_NOREF;
}

enum step
auth_enter(struct sess *s)
{
	struct authline words = { .text = NULL };
	struct extra *x = sess_extra(s);
	enum step step;

	/* It is not late because its client was waited for in vain. */
	if (sess_is_late(s))
		sess_touch(s);
	words_of(s, &words);
	if (x != NULL)
		x->question = authoriser_ask(s->path->listen->auth, s,
		    &words);
	free(words.text);
	step = x != NULL && x->question != NULL ? STEP_WAIT : auth_not(s);
	authoriser_expect(s->path->listen->auth, -1);
	return step;
}

static enum step
auth_not(struct sess *s)
{
	sess_warn(s, "asking about a session", errno);
	return sess_end(s, WHO_RELAY, errno == ENOBUFS ? WHY_DENIED :
	    WHY_ERROR, CUT_RESET);
}

enum step
auth_event(struct sess *s, struct end *e)
{
	const struct question *q = s->extra->question;

	if (e->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	return q->answered ? auth_answered(s, &q->reply) : STEP_WAIT;
}

enum step
auth_timeout(struct sess *s)
{
	if (!sess_is_late(s))
		return auth_event(s, &s->client);
	return sess_end(s, WHO_RELAY, WHY_HANDSHAKE_TIMEOUT, CUT_RESET);
}

static enum step
auth_answered(struct sess *s, const struct reply *r)
{
	enum step step;

	if (r->answer == ANSWER_DENY)
		return auth_denied(s);
	step = r->answer == ANSWER_RELAY ? auth_relay(s, r->relay) : STEP_NEXT;
	authoriser_forget(&s->extra->question);
	/* With routes the next stage counts it. */
	if (step == STEP_NEXT && s->path->router == NULL &&
	    remotes_count(s->path->remotes))
		self.retire = true;
	return step;
}

static enum step
auth_denied(struct sess *s)
{
	return sess_end(s, WHO_RELAY, WHY_DENIED, CUT_RESET);
}

static enum step
auth_relay(struct sess *s, const char *name)
{
	const struct path *p = path_named(s->path, name);

	if (p != NULL) {
		s->path = p;
		return STEP_NEXT;
	}
	if (errno != ENOENT) {
		sess_warn(s, "relay that was answered", errno);
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	}
	return auth_permits(s, name) ? STEP_NEXT : auth_denied(s);
}

/* As any other answer that is not understood. */
static bool
auth_permits(const struct sess *s, const char *name)
{
	static struct log_limit limit;
	const struct conf_auth *a = &self.conf->auths[s->path->listen->auth];
	const bool permit = a->fail == CONF_FAIL_PERMIT;
	unsigned skipped;

	if (log_allow(&limit, ev_now(), &skipped))
		log_warnx("auth %s: there is no relay \"%s\": %s; %u others "
		    "before", a->name, name, permit ? "permitted" : "denied",
		    skipped);
	return permit;
}
