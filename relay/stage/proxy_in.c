#include "compat.h"

#include "acl_map.h"
#include "log.h"
#include "peek.h"
#include "proxy.h"
#include "session.h"
#include "stage/proxy_in.h"
#include "trace.h"

static enum step	 proxy_in_header(struct sess *);
static enum step	 proxy_in_more(struct sess *, const uint8_t *,
			    size_t);
static enum step	 proxy_in_wrong(struct sess *, const char *);
static enum step	 proxy_in_named(struct sess *, const struct proxy *);
static bool		 proxy_in_permits(const struct sess *);
static int		 proxy_in_fields(struct extra *, const struct proxy *);

bool
proxy_in_wanted(const struct path *p)
{
	return p->proxy_from != NULL;
}

enum step
proxy_in_enter(struct sess *s)
{
	return acl_map_has(s->path->proxy_from, &s->source) ?
	    proxy_in_header(s) : STEP_NEXT;
}

enum step
proxy_in_event(struct sess *s, struct end *e)
{
	if (e->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	return proxy_in_header(s);
}

/* What follows the header stays where it is. */
static enum step
proxy_in_header(struct sess *s)
{
	static uint8_t buf[PROXY_MAX];
	ssize_t n = peek_at(&s->client, buf, sizeof(buf));
	struct proxy p;
	const char *err;
	int len;

	if (n <= 0)
		return peek_nothing(s, n);
	if ((len = proxy_parse(buf, (size_t)n, &p, &err)) == -1)
		return proxy_in_wrong(s, err);
	if (len == 0)
		return proxy_in_more(s, buf, (size_t)n);
	if ((n = peek_take(&s->client, buf, (size_t)len)) == -1)
		return peek_nothing(s, n);
	return p.named ? proxy_in_named(s, &p) : STEP_NEXT;
}

/* Whoever has gone is not told that it was wrong. */
static enum step
proxy_in_more(struct sess *s, const uint8_t *buf, size_t n)
{
	return peek_more(&s->client, proxy_need(buf, n)) ? STEP_WAIT :
	    peek_nothing(s, 0);
}

/* Who sends it may do so as often as it likes. */
static enum step
proxy_in_wrong(struct sess *s, const char *why)
{
	static struct log_limit limit;
	char sender[ADDR_STRLEN];
	unsigned skipped;

	if (log_allow(&limit, ev_now(), &skipped))
		log_warnx("listener %s: PROXY header from %s: %s; %u others "
		    "were wrong before", s->path->listen->name,
		    source_str(&s->source, sender), why, skipped);
	trace(s, "failed", why);
	return sess_end(s, WHO_CLIENT, WHY_PROXY_HEADER, CUT_RESET);
}

/* The master has asked the access rules for the sender only. */
static enum step
proxy_in_named(struct sess *s, const struct proxy *p)
{
	struct extra *x = sess_extra(s);

	if (x == NULL || (s->path->fields && proxy_in_fields(x, p) == -1)) {
		sess_warn(s, "PROXY header", errno);
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	}
	x->proxied = true;
	x->proxy = s->source;
	x->to = p->to;
	s->source = p->from;
	trace_look(s, "source");
	return proxy_in_permits(s) ? STEP_NEXT :
	    sess_end(s, WHO_RELAY, WHY_DENIED, CUT_RESET);
}

static bool
proxy_in_permits(const struct sess *s)
{
	const struct path *p = s->path;

	return acl_map_permits(p->access, &s->source) &&
	    (p->own_access == NULL ||
	    acl_map_permits(p->own_access, &s->source));
}

static int
proxy_in_fields(struct extra *x, const struct proxy *p)
{
	if (p->nfields == 0)
		return 0;
	if ((x->fields = malloc(p->nfields)) == NULL)
		return -1;
	memcpy(x->fields, p->fields, p->nfields);
	x->nfields = p->nfields;
	return 0;
}
