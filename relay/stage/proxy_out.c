#include "compat.h"

#include "end.h"
#include "proxy.h"
#include "remote/remotes.h"
#include "session.h"
#include "stage/proxy_out.h"

static bool		 proxy_any(const struct path *, bool);
static bool		 proxy_is(const struct conf_remote *, bool);
static enum step	 proxy_write(struct sess *);
static void		 proxy_names(const struct sess *, struct proxy *);
static size_t		 proxy_v2(const struct sess *, const struct proxy *,
			    char [PROXY_MAX]);

bool
proxy_out_wanted(const struct path *p)
{
	return proxy_any(p, false);
}

bool
proxy_tls_wanted(const struct path *p)
{
	return proxy_any(p, true);
}

static bool
proxy_any(const struct path *p, bool inside)
{
	unsigned i;

	for (i = 0; i < p->relay->nremotes; i++)
		if (proxy_is(&p->relay->remotes[i], inside))
			return true;
	return false;
}

static bool
proxy_is(const struct conf_remote *r, bool inside)
{
	return r->proxy_out != CONF_PROXY_NONE && r->proxy_tls == inside;
}

enum step
proxy_out_enter(struct sess *s)
{
	return proxy_is(s->chosen->conf, false) ? proxy_write(s) : STEP_NEXT;
}

enum step
proxy_tls_enter(struct sess *s)
{
	return proxy_is(s->chosen->conf, true) ? proxy_write(s) : STEP_NEXT;
}

enum step
proxy_out_event(struct sess *s, struct end *e)
{
	(void)s;
	(void)e;
	return STEP_WAIT;
}

/* Nothing has been written before, so there is room for all of it. */
static enum step
proxy_write(struct sess *s)
{
	char buf[PROXY_MAX];
	struct proxy p;
	size_t len;
	ssize_t n;

	proxy_names(s, &p);
	len = s->chosen->conf->proxy_out == CONF_PROXY_V1 ?
	    proxy_put_v1(buf, &p) : proxy_v2(s, &p, buf);
	if ((n = end_write(&s->remote, buf, len)) == (ssize_t)len)
		return STEP_NEXT;
	if (n == -1 && (errno == EPIPE || errno == ECONNRESET))
		return sess_fail(&s->remote, WHY_RESET);
	if (n != -1)
		errno = ENOBUFS;
	sess_warn(s, "PROXY header", errno);
	return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
}

/* To whom the client has been connected: as it was told, else to us. */
static void
proxy_names(const struct sess *s, struct proxy *p)
{
	struct addr own = { .len = sizeof(own.un) };

	memset(p, 0, sizeof(*p));
	p->named = true;
	p->from = s->source;
	if (s->extra != NULL && s->extra->proxied) {
		p->to = s->extra->to;
		p->fields = s->extra->fields;
		p->nfields = s->extra->nfields;
	} else if (getsockname(s->client.io.fd, &own.sa, &own.len) == 0)
		source_set(&p->to, &own.sa);
	else
		p->named = false;
}

static size_t
proxy_v2(const struct sess *s, const struct proxy *p, char buf[PROXY_MAX])
{
	const struct extra *x = s->extra;
	struct proxy_tls tls = { .version = NULL };

	if (x == NULL)
		return proxy_put_v2(buf, p, NULL);
	tls.version = x->tls_version;
	tls.cipher = x->tls_suite;
	/* Of TLS that is not ours it is not known what will be agreed on. */
	tls.alpn = x->tls_version != NULL ? x->alpn : NULL;
	tls.authority = x->name;
	tls.name = x->subject;
	tls.certificate = x->certified;
	tls.resumed = x->resumed;
	tls.verified = x->trusted;
	return proxy_put_v2(buf, p, &tls);
}
