#include "compat.h"

#include "authoriser.h"
#include "dest/dest.h"
#include "log.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"
#include "stage/auth.h"
#include "wish.h"

static enum step	 auth_not(struct sess *);
static void		 auth_words(const struct sess *, struct authline *);
static void		 auth_more(const struct extra *, struct authline *);
static void		 auth_dest(const struct extra *, struct authline *);
static void		 auth_source(struct authline *, const char *,
			    const char *, const struct source *);
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
	auth_words(s, &words);
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

static void
auth_words(const struct sess *s, struct authline *l)
{
	const struct path *p = s->path;

	authline_add(l, "listener", p->listen->name);
	if (p->relay != NULL)
		authline_add(l, "relay", p->relay->name);
	auth_source(l, "client", "client-port", &s->source);
	if (s->extra != NULL)
		auth_more(s->extra, l);
}

/* The subject of a certificate that is not right is no word of anybody's. */
static void
auth_more(const struct extra *x, struct authline *l)
{
	if (x->proxied) {
		auth_source(l, "proxy", "proxy-port", &x->proxy);
		if (x->to.family != 0 && x->dest == NULL)
			auth_source(l, "target", "target-port", &x->to);
	}
	if (x->dest != NULL)
		auth_dest(x, l);
	authline_add(l, "sni", x->name);
	authline_add(l, "alpn", x->alpn);
	authline_add(l, "tls", x->tls_version);
	if (x->certified && x->trusted)
		authline_add(l, "subject", x->subject);
}

/* What it has asked for by SOCKS or CONNECT. */
static void
auth_dest(const struct extra *x, struct authline *l)
{
	const struct dest *d = x->dest;
	char host[ADDR_STRLEN];

	authline_add(l, "user", x->wish->user);
	authline_add(l, "target", d->host[0] != '\0' || d->addr.len == 0 ?
	    d->host : addr_host_str(&d->addr, host));
	authline_number(l, "target-port", d->port);
}

static void
auth_source(struct authline *l, const char *name, const char *port,
    const struct source *source)
{
	char text[ADDR_STRLEN], *host = text, *colon;

	source_str(source, text);
	if (source->family != AF_UNIX && (colon = strrchr(text, ':')) != NULL) {
		*colon = '\0';
		if (*host == '[') {
			host++;
			colon[-1] = '\0';
		}
	}
	authline_add(l, name, host);
	if (source->family != AF_UNIX)
		authline_number(l, port, source->port);
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
