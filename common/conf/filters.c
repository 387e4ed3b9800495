#include "compat.h"

#include "conf/parse.h"

/* A section of the one name space, for the search for twins. */
struct named {
	const char	*name;
	const char	*kind;
	unsigned	 line;
};

static void	 filters_names(struct conf_check *, const struct cfg_t *);
static size_t	 filters_add(const struct cfg_t *, const char *,
		    struct named *);
static int	 filters_cmp(const void *, const void *);
static void	 filters_of(struct conf_check *, const struct cfg_t *,
		    const char **, unsigned);
static void	 filters_unknown(struct conf_check *, unsigned, const char *);
static const char *filters_bytes(const struct conf *, const char **, unsigned);
static void	 filters_splice(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *, unsigned);

void
conf_check_filters(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0), *sec;
	const struct conf_listen *l;
	const struct conf_relay *r;
	unsigned i, k;

	filters_names(c, root);
	for (i = 0; i < c->conf->nlistens; i++) {
		l = &c->conf->listens[i];
		sec = conf_child(spawnd, "listen", i);
		filters_of(c, sec, l->filters, l->nfilters);
		filters_splice(c, sec, l, l->relay);
		for (k = 0; k < l->nroutes; k++)
			filters_splice(c, sec, l, l->routes[k].relay);
	}
	for (i = 0; i < c->conf->nrelays; i++) {
		r = &c->conf->relays[i];
		sec = conf_child(root, "relay", i);
		filters_of(c, sec, r->filters, r->nfilters);
		if (r->io == CONF_IO_SPLICE && filters_bytes(c->conf,
		    r->filters, r->nfilters) != NULL)
			conf_check_fail(c, conf_line_of(sec, "io"), "io = "
			    "splice cannot be with the filter %s, which needs "
			    "the bytes; leave one of them out",
			    filters_bytes(c->conf, r->filters, r->nfilters));
	}
}

/* Within a kind that is said already. */
static void
filters_names(struct conf_check *c, const struct cfg_t *root)
{
	size_t i, n = conf_children(root, "tls");
	struct named *all;
	char where[4096];
	unsigned kind;

	for (kind = 0; kind < CONF_FILTERS; kind++)
		n += conf_children(root, conf_filter_kind_name(kind));
	if ((all = calloc(n + 1, sizeof(*all))) == NULL) {
		c->text->nomem = true;
		return;
	}
	n = filters_add(root, "tls", all);
	for (kind = 0; kind < CONF_FILTERS; kind++)
		n += filters_add(root, conf_filter_kind_name(kind), all + n);
	qsort(all, n, sizeof(*all), filters_cmp);
	for (i = 1; i < n; i++)
		if (strcmp(all[i].name, all[i - 1].name) == 0 &&
		    strcmp(all[i].kind, all[i - 1].kind) != 0)
			conf_check_fail(c, all[i].line, "%s \"%.40s\" has the "
			    "name of the %s on %s; filters and tls sections "
			    "share one set of names", all[i].kind, all[i].name,
			    all[i - 1].kind, conf_text_where(c->text,
			    all[i - 1].line, all[i].line, where,
			    sizeof(where)));
	free(all);
}

/* Those of a kind; returns how many. */
static size_t
filters_add(const struct cfg_t *root, const char *kind, struct named *all)
{
	unsigned i, n = conf_children(root, kind);
	const struct cfg_t *sec;
	size_t used = 0;

	for (i = 0; i < n; i++) {
		sec = conf_child(root, kind, i);
		all[used].kind = kind;
		all[used].line = conf_line(sec);
		if ((all[used].name = conf_title(sec)) != NULL)
			used++;
	}
	return used;
}

static int
filters_cmp(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int diff;

	if ((diff = strcmp(x->name, y->name)) != 0)
		return diff;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return strcmp(x->kind, y->kind);
}

/* The names in a listen or relay section. */
static void
filters_of(struct conf_check *c, const struct cfg_t *sec, const char **names,
    unsigned n)
{
	const unsigned line = conf_line_of(sec, "filters");
	struct conf_filter f;
	unsigned i, k;

	if (n > CONF_CHAIN) {
		conf_check_fail(c, line, "filters has more than %d names",
		    CONF_CHAIN);
		return;
	}
	for (i = 0; i < n; i++) {
		if (!conf_filter_of(c->conf, names[i], &f))
			filters_unknown(c, line, names[i]);
		for (k = 0; k < i && strcmp(names[k], names[i]) != 0; k++)
			;
		if (k < i)
			conf_check_fail(c, line, "filter \"%.40s\" is there "
			    "twice; name it once", names[i]);
	}
}

static void
filters_unknown(struct conf_check *c, unsigned line, const char *name)
{
	const struct conf *conf = c->conf;
	struct conf_filter f;
	struct near near;
	unsigned i;

	for (i = 0; i < conf->ntlss; i++)
		if (strcmp(conf->tlss[i].name, name) == 0) {
			conf_check_fail(c, line, "tls \"%.40s\" is no filter; "
			    "write tls = %s", name, name);
			return;
		}
	near_init(&near, name);
	for (i = 0; i < conf_nfilters(conf) &&
	    c->text->nmistakes < CONF_HINTS; i++) {
		f = conf_filter_at(conf, i);
		near_try(&near, conf_filter_name(conf, &f));
	}
	conf_check_missing(c, line, "there is no filter \"%.40s\"%s", name,
	    near_hint(&near));
}

/* The first that needs the bytes, or NULL. */
static const char *
filters_bytes(const struct conf *c, const char **names, unsigned n)
{
	struct conf_filter f;
	unsigned i;

	for (i = 0; i < n; i++)
		if (conf_filter_of(c, names[i], &f) &&
		    conf_filter_specs[f.kind].bytes)
			return names[i];
	return NULL;
}

/* A listener's filters, and how its relay section is to move bytes. */
static void
filters_splice(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l, unsigned relay)
{
	const char *name = filters_bytes(c->conf, l->filters, l->nfilters);

	if (name == NULL || relay >= c->conf->nrelays ||
	    c->conf->relays[relay].io != CONF_IO_SPLICE)
		return;
	conf_check_fail(c, conf_line_of(sec, "filters"), "the filter %s needs "
	    "the bytes, and relay \"%s\" has io = splice; leave one of them "
	    "out", name, c->conf->relays[relay].name);
}
