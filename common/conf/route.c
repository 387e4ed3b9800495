#include "compat.h"

#include "conf/parse.h"
#include "host.h"

/* A name that a route is for. */
struct asked {
	const char	*name;
	unsigned	 route;
	bool		 alone;		/* the route has no other conditions */
};

static void	 route_listen(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static bool	 route_has_any(const struct conf_check *,
		    const struct cfg_t *);
static void	 route_rest(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *, bool);
static void	 route_alpn(struct conf_check *, const struct cfg_t *,
		    const struct conf_tls *);
static bool	 route_speaks(const struct conf_tls *, const char *);
static void	 route_twice(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static size_t	 route_asked(const struct conf_listen *, struct asked *);
static int	 route_asked_cmp(const void *, const void *);
static size_t	 route_takers(const struct asked *, size_t, struct asked *);
static const struct asked *route_taker(const struct asked *, size_t,
		    const struct asked *);
static const struct asked *route_taken(const struct asked *, size_t,
		    const char *, unsigned);
static int	 route_name_cmp(const void *, const void *);
static void	 route_hidden(struct conf_check *, const struct cfg_t *,
		    const struct asked *, const struct asked *);

void
conf_check_routes(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf *conf = c->conf;
	unsigned i;

	for (i = 0; i < conf->nlistens; i++)
		if (conf->listens[i].nroutes > 0)
			route_listen(c, conf_child(spawnd, "listen", i),
			    &conf->listens[i]);
}

static void
route_listen(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	const struct cfg_t *route = NULL;
	bool any = true;
	unsigned i;

	for (i = 0; i < l->nroutes; i++) {
		route = conf_child(sec, "route", i);
		any = !route_has_any(c, route);
		if (any && i + 1 < l->nroutes)
			conf_check_missing(c, conf_line(route), "the routes "
			    "behind this one are for nobody, as it has no "
			    "sni, alpn, from or target; put it last");
		if (l->tls < c->conf->ntlss)
			route_alpn(c, route, &c->conf->tlss[l->tls]);
	}
	route_rest(c, sec, l, any);
	route_twice(c, sec, l);
}

/* Whether it has a condition, or what may be meant to be one. */
static bool
route_has_any(const struct conf_check *c, const struct cfg_t *route)
{
	return conf_text_is_partial(c->text, conf_line(route)) ||
	    conf_children(route, "sni") > 0 ||
	    conf_children(route, "alpn") > 0 ||
	    conf_children(route, "from") > 0 ||
	    conf_children(route, "target") > 0;
}

/* What is where no route holds; any: the last one holds always. */
static void
route_rest(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l, bool any)
{
	const struct conf_value *v = conf_value(sec, "relay", 0);

	if (c->text->cut)
		return;
	if (any && v != NULL)
		conf_text_warning(c->text, v->line, "relay \"%.40s\" is for "
		    "nobody: the last route of listen \"%s\" has no sni, "
		    "alpn, from or target", v->text, l->name);
	else if (!any && v == NULL)
		conf_text_warning(c->text, conf_line(sec), "listen \"%s\" "
		    "ends the sessions that no route is for; relay = NAME says "
		    "where they go", l->name);
}

/* With TLS of our own nothing else is spoken than what that has. */
static void
route_alpn(struct conf_check *c, const struct cfg_t *route,
    const struct conf_tls *tls)
{
	unsigned i, n = conf_children(route, "alpn");
	const struct conf_value *v;

	for (i = 0; i < n; i++) {
		v = conf_value(route, "alpn", i);
		if (!route_speaks(tls, v->text))
			conf_check_missing(c, v->line, "alpn \"%.64s\" is "
			    "spoken by nobody, as tls \"%s\" does not have "
			    "it; add it to alpn there", v->text, tls->name);
	}
}

static bool
route_speaks(const struct conf_tls *tls, const char *alpn)
{
	unsigned i;

	for (i = 0; i < tls->nalpn; i++)
		if (strcmp(tls->alpn[i], alpn) == 0)
			return true;
	return false;
}

/* A name that a route before takes, all of it. */
static void
route_twice(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	const struct asked *taker;
	struct asked *a, *takers;
	size_t i, n = 1, ntakers;

	for (i = 0; i < l->nroutes; i++)
		n += l->routes[i].nsni;
	if ((a = calloc(2 * n, sizeof(*a))) == NULL) {
		c->text->nomem = true;
		return;
	}
	takers = a + n;
	n = route_asked(l, a);
	qsort(a, n, sizeof(*a), route_asked_cmp);
	ntakers = route_takers(a, n, takers);
	for (i = 0; i < n; i++)
		if ((taker = route_taker(takers, ntakers, &a[i])) != NULL)
			route_hidden(c, sec, &a[i], taker);
	free(a);
}

static size_t
route_asked(const struct conf_listen *l, struct asked *a)
{
	const struct conf_route *r;
	struct asked *first = a;
	unsigned i;

	for (r = l->routes; r < l->routes + l->nroutes; r++)
		for (i = 0; i < r->nsni; i++, a++) {
			a->name = r->sni[i];
			a->route = (unsigned)(r - l->routes);
			a->alone = r->nalpn == 0 && r->from.n == 0 &&
			    r->ntarget == 0;
		}
	return (size_t)(a - first);
}

static int
route_asked_cmp(const void *p, const void *q)
{
	const struct asked *a = p, *b = q;
	int diff;

	if ((diff = strcasecmp(a->name, b->name)) != 0)
		return diff;
	return a->route < b->route ? -1 : a->route > b->route;
}

/* Of each name the first route that is for all who ask for it. */
static size_t
route_takers(const struct asked *a, size_t n, struct asked *takers)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		if (a[i].alone && (k == 0 ||
		    strcasecmp(a[i].name, takers[k - 1].name) != 0))
			takers[k++] = a[i];
	return k;
}

/* By the name itself, or as one of all that end so. */
static const struct asked *
route_taker(const struct asked *takers, size_t n, const struct asked *a)
{
	const char *p = a->name + (a->name[0] == '*' ? 2 : 0);
	const struct asked *t = route_taken(takers, n, a->name, a->route);
	char wide[HOST_LEN + 2];

	while (t == NULL && (p = strchr(p, '.')) != NULL) {
		snprintf(wide, sizeof(wide), "*%s", p++);
		t = route_taken(takers, n, wide, a->route);
	}
	return t;
}

static const struct asked *
route_taken(const struct asked *takers, size_t n, const char *name,
    unsigned route)
{
	const struct asked key = { .name = name };
	const struct asked *t = bsearch(&key, takers, n, sizeof(*takers),
	    route_name_cmp);

	return t != NULL && t->route < route ? t : NULL;
}

static int
route_name_cmp(const void *p, const void *q)
{
	return strcasecmp(((const struct asked *)p)->name,
	    ((const struct asked *)q)->name);
}

static void
route_hidden(struct conf_check *c, const struct cfg_t *sec,
    const struct asked *a, const struct asked *first)
{
	unsigned line = conf_line(conf_child(sec, "route", a->route));
	char where[4096];

	conf_text_warning(c->text, line, "sni \"%.64s\" never comes to this "
	    "route: that on %s takes it", a->name, conf_text_where(c->text,
	    conf_line(conf_child(sec, "route", first->route)), line, where,
	    sizeof(where)));
}
