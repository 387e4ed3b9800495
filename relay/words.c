#include "compat.h"

#include "dest/dest.h"
#include "path.h"
#include "wish.h"
#include "words.h"

static void	 words_more(const struct extra *, struct authline *);
static void	 words_dest(const struct extra *, struct authline *);
static void	 words_source(struct authline *, const char *, const char *,
		    const struct source *);

void
words_of(const struct sess *s, struct authline *l)
{
	const struct path *p = s->path;

	authline_add(l, "listener", p->listen->name);
	if (p->relay != NULL)
		authline_add(l, "relay", p->relay->name);
	words_source(l, "client", "client-port", &s->source);
	if (s->extra != NULL)
		words_more(s->extra, l);
}

/* The subject of a certificate that is not right is no word of anybody's. */
static void
words_more(const struct extra *x, struct authline *l)
{
	if (x->proxied) {
		words_source(l, "proxy", "proxy-port", &x->proxy);
		if (x->to.family != 0 && x->dest == NULL)
			words_source(l, "target", "target-port", &x->to);
	}
	if (x->dest != NULL)
		words_dest(x, l);
	authline_add(l, "sni", x->name);
	authline_add(l, "alpn", x->alpn);
	authline_add(l, "tls", x->tls_version);
	if (x->certified && x->trusted)
		authline_add(l, "subject", x->subject);
}

/* What it has asked for by SOCKS or CONNECT. */
static void
words_dest(const struct extra *x, struct authline *l)
{
	const struct dest *d = x->dest;
	char host[ADDR_STRLEN];

	authline_add(l, "user", x->wish->user);
	authline_add(l, "target", d->host[0] != '\0' || d->addr.len == 0 ?
	    d->host : addr_host_str(&d->addr, host));
	authline_number(l, "target-port", d->port);
}

static void
words_source(struct authline *l, const char *name, const char *port,
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
