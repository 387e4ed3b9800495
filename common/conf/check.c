#include "compat.h"

#include "conf/parse.h"

/* A title, and an address that is bound, for the search for twins. */
struct titled {
	const char	*title;
	unsigned	 line;
};

struct bound {
	struct addr	addr;
	const char	*interface;	/* "": all */
	unsigned	line;
};

static int	 check_title_cmp(const void *, const void *);
static void	 check_minmax(struct conf_check *, const struct cfg_t *,
		    const char *, unsigned, unsigned);
static void	 check_twice(struct conf_check *, const struct cfg_t *);
static bool	 check_bound_meets(const struct bound *,
		    const struct bound *);
static size_t	 check_bound(const struct conf *, const struct cfg_t *,
		    struct bound *);
static void	 check_root(struct conf_check *, const struct cfg_t *);
static void	 check_readers(struct conf_check *, const struct cfg_t *);
static int	 check_bound_cmp(const void *, const void *);
static void	 check_on_down(struct conf_check *, const struct cfg_t *,
		    const struct conf_relay *);
static void	 check_proxy(struct conf_check *, const struct cfg_t *,
		    const struct conf_remote *);

void
conf_check_relations(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf *conf = c->conf;
	const struct cfg_t *relay;
	unsigned i, k;

	conf_check_single(c, root);
	check_minmax(c, conf_child(spawnd, "servers", 0), "servers",
	    conf->servers_min, conf->servers_max);
	check_minmax(c, conf_child(spawnd, "users", 0), "users",
	    conf->users_min, conf->users_max);
	conf_check_listens(c, spawnd);
	conf_check_limits(c, spawnd);
	conf_check_logs(c, spawnd);
	check_twice(c, spawnd);
	check_root(c, spawnd);
	check_readers(c, spawnd);
	conf_check_locals(c, root);
	for (i = 0; i < conf->nrelays; i++) {
		relay = conf_child(root, "relay", i);
		for (k = 0; k < conf->relays[i].nremotes; k++)
			check_proxy(c, conf_child(relay, "remote", k),
			    &conf->relays[i].remotes[k]);
		check_on_down(c, relay, &conf->relays[i]);
	}
	conf_check_targets(c, root);
	conf_check_tls(c, root);
	conf_check_auth(c, root);
	conf_check_patterns(c, root);
	conf_check_filters(c, root);
	conf_check_asks(c, spawnd);
	conf_check_faults(c, root);
	conf_check_exec(c, root);
	conf_check_probes(c, root);
	conf_check_routes(c, root);
	conf_check_loops(c, root);
}

void
conf_check_titles(struct conf_check *c, const struct conf_opt *o,
    const struct cfg_t *parent)
{
	unsigned i, n = conf_children(parent, o->name), used = 0;
	const struct cfg_t *sec;
	struct titled *t;
	char where[4096];

	if ((t = calloc(n + 1, sizeof(*t))) == NULL) {
		c->text->nomem = true;
		return;
	}
	for (i = 0; i < n; i++) {
		sec = conf_child(parent, o->name, i);
		t[used].line = conf_line(sec);
		if ((t[used].title = conf_title(sec)) != NULL)
			used++;
	}
	qsort(t, used, sizeof(*t), check_title_cmp);
	for (i = 1; i < used; i++)
		if (strcmp(t[i].title, t[i - 1].title) == 0)
			conf_check_fail(c, t[i].line, "%s \"%.40s\" is there "
			    "twice; it is on %s already", o->section->name,
			    t[i].title,
			    conf_text_where(c->text, t[i - 1].line, t[i].line,
			    where, sizeof(where)));
	free(t);
}

static int
check_title_cmp(const void *a, const void *b)
{
	const struct titled *x = a, *y = b;
	int diff;

	if ((diff = strcmp(x->title, y->title)) != 0)
		return diff;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void
check_minmax(struct conf_check *c, const struct cfg_t *sec, const char *name,
    unsigned min, unsigned max)
{
	const struct conf_value *low = conf_value(sec, "min", 0);
	const struct conf_value *high = conf_value(sec, "max", 0);
	const struct conf_value *given = low != NULL ? low : high;

	if (min <= max || given == NULL)
		return;
	/* Where a line made no sense a default may not be one. */
	if (c->text->cut && (low == NULL || high == NULL))
		return;
	conf_check_fail(c, given->line,
	    "%s: min %u%s is greater than max %u%s%s", name, min,
	    low == NULL ? ", the default," : "", max,
	    high == NULL ? ", the default" : "",
	    low == NULL ? "; set min too" : high == NULL ? "; set max too" :
	    "");
}

/* The same address or path in two places. */
static void
check_twice(struct conf_check *c, const struct cfg_t *spawnd)
{
	const struct conf *conf = c->conf;
	struct bound *b;
	char where[4096], text[ADDR_STRLEN];
	size_t i, n = 2;	/* for spawnctl */

	for (i = 0; i < conf->nlistens; i++)
		n += conf->listens[i].naddr;
	if ((b = calloc(n, sizeof(*b))) == NULL) {
		c->text->nomem = true;
		return;
	}
	n = check_bound(conf, spawnd, b);
	qsort(b, n, sizeof(*b), check_bound_cmp);
	for (i = 1; i < n; i++)
		if (addr_cmp(&b[i].addr, &b[i - 1].addr) == 0 &&
		    check_bound_meets(&b[i], &b[i - 1]) &&
		    (b[i].addr.sa.sa_family == AF_UNIX ||
		    addr_get_port(&b[i].addr) != 0))
			conf_check_fail(c, MAX(b[i].line, b[i - 1].line),
			    "%s is listened on twice; it is on %s already",
			    addr_str(&b[i].addr, text),
			    conf_text_where(c->text,
			    MIN(b[i].line, b[i - 1].line),
			    MAX(b[i].line, b[i - 1].line), where,
			    sizeof(where)));
	free(b);
}

/* Each interface may have its own, but not beside one of all. */
static bool
check_bound_meets(const struct bound *a, const struct bound *b)
{
	return *a->interface == '\0' || *b->interface == '\0' ||
	    strcmp(a->interface, b->interface) == 0;
}

static size_t
check_bound(const struct conf *conf, const struct cfg_t *spawnd,
    struct bound *b)
{
	static const char *const names[] = { "control", "control-readers" };
	const char *const paths[] = { conf->control, conf->control_readers };
	const struct conf_listen *l;
	const char *err;
	size_t n = 0;
	unsigned i, j;

	for (i = 0; i < conf->nlistens; i++) {
		l = &conf->listens[i];
		for (j = 0; j < l->naddr; j++) {
			b[n].addr = l->addr[j];
			b[n].interface = l->socket.interface != NULL ?
			    l->socket.interface : "";
			b[n++].line = conf_line(conf_child(spawnd, "listen",
			    i));
		}
	}
	for (i = 0; i < nitems_of(paths); i++) {
		b[n].interface = "";
		if (paths[i] != NULL &&
		    addr_unix(paths[i], &b[n].addr, &err) == 0)
			b[n++].line = conf_value(spawnd, names[i], 0)->line;
	}
	return n;
}

static int
check_bound_cmp(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;
	int diff;

	if ((diff = addr_cmp(&x->addr, &y->addr)) != 0 ||
	    (diff = strcmp(x->interface, y->interface)) != 0)
		return diff;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void
check_root(struct conf_check *c, const struct cfg_t *spawnd)
{
	const struct conf_value *v = conf_value(spawnd, "user", 0);

	if (v != NULL && c->conf->uid == 0 && geteuid() == 0)
		conf_text_warning(c->text, v->line, "user %s: workers, which "
		    "take what comes from outside, will be root",
		    v->text);
}

static void
check_readers(struct conf_check *c, const struct cfg_t *spawnd)
{
	const struct conf_value *v = conf_value(spawnd, "control-group", 0);

	if (v != NULL && c->conf->control_readers == NULL)
		conf_check_missing(c, v->line, "control-group is for the "
		    "socket of control-readers, which is missing; add "
		    "control-readers = PATH");
}

/* A header inside TLS needs both. */
static void
check_proxy(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_remote *r)
{
	const struct conf_value *v = conf_value(sec, "proxy-tls", 0);
	const char *lacks = r->proxy_out == CONF_PROXY_NONE ?
	    "proxy-out = v1 or v2" : r->tls == CONF_NOREF ? "tls = NAME" :
	    NULL;

	if (v != NULL && r->proxy_tls && lacks != NULL)
		conf_check_missing(c, v->line, "proxy-tls does nothing without "
		    "another option; add %s", lacks);
}

/* Without a check none is ever down. */
static void
check_on_down(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_relay *r)
{
	const struct conf_value *v = conf_value(sec, "on-down", 0);
	unsigned i, checks = 0;

	for (i = 0; i < r->nremotes; i++)
		checks += r->remotes[i].nchecks;
	if (v != NULL && r->on_down == ON_DOWN_CLOSE && checks == 0)
		conf_check_missing(c, v->line, "on-down = close does nothing "
		    "without a check of a remote; add check { }");
}
