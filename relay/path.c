#include "compat.h"

#include "acl_map.h"
#include "filter.h"
#include "path.h"
#include "remote/remotes.h"
#include "router.h"
#include "self.h"

#define FLUSH_MAX	60000	/* ms, if half-close-timeout is 0 */

static void	 path_make(struct path *, const struct conf_listen *);
static void	 path_relay(struct path *, unsigned);
static int	 path_routes(struct path *, struct path **,
		    uint32_t (*)(const struct path *));
static int	 path_filters(struct path *);
static int	 path_proxy(struct path *);
static bool	 path_any_v2(void);
static int	 path_others(struct path *);
static int	 path_name_cmp(const void *, const void *);
static int	 path_find_cmp(const void *, const void *);

static struct path	*paths;	/* one a listener, then one a route */
static unsigned		*by_name; /* relay sections; NULL: not needed */
static uint32_t		(*stages_of)(const struct path *);

int
path_init(uint32_t (*stages)(const struct path *))
{
	const struct conf *c = self.conf;
	struct path *next;
	size_t n = c->nlistens;
	uint32_t certs = 0;
	unsigned i;

	for (i = 0; i < c->nlistens; i++)
		n += c->listens[i].nroutes;
	if ((paths = calloc(n, sizeof(*paths))) == NULL)
		return -1;
	stages_of = stages;
	next = paths + c->nlistens;
	for (i = 0; i < c->nlistens; i++) {
		path_make(&paths[i], &c->listens[i]);
		paths[i].certs = certs;
		if (c->listens[i].tls != CONF_NOREF)
			certs += c->tlss[c->listens[i].tls].ncerts;
		if (path_filters(&paths[i]) == -1 ||
		    path_proxy(&paths[i]) == -1 ||
		    path_others(&paths[i]) == -1 ||
		    path_routes(&paths[i], &next, stages) == -1)
			return -1;
		paths[i].stages = stages(&paths[i]);
	}
	return 0;
}

/* All but its routes and stages. */
static void
path_make(struct path *p, const struct conf_listen *l)
{
	const unsigned index = (unsigned)(l - self.conf->listens);

	p->listen = l;
	p->board = board_listener(&self.board, self.board.own, index);
	p->more = board_listener_more(&self.board, self.board.own, index);
	p->ports = conf_listen_ranges(l);
	p->asks = (uint8_t)conf_asks(l);
	p->limit[LIMIT_HANDSHAKE] = l->handshake_timeout;
	if (l->relay != CONF_NOREF)
		path_relay(p, l->relay);
}

static void
path_relay(struct path *p, unsigned relay)
{
	p->relay = &self.conf->relays[relay];
	p->remotes = &self.remotes[relay];
	p->limit[LIMIT_RESOLVE] = p->relay->ntargets == 0 ? 0 :
	    p->relay->targets->dns_timeout;
	p->limit[LIMIT_CONNECT] = p->relay->connect_timeout;
	p->limit[LIMIT_IDLE] = p->relay->idle_timeout;
	p->limit[LIMIT_HALF_CLOSE] = p->relay->half_close_timeout;
	p->limit[LIMIT_FLUSH] = p->relay->half_close_timeout != 0 ?
	    p->relay->half_close_timeout : FLUSH_MAX;
}

static int
path_filters(struct path *p)
{
	const struct conf_relay *r = p->relay;
	const unsigned n = p->listen->nfilters, m = r != NULL ? r->nfilters : 0;
	unsigned i;

	p->filters = NULL;
	if ((p->nfilters = n + m) == 0)
		return 0;
	p->filters = calloc(n + m, sizeof(struct filter_section *));
	if (p->filters == NULL)
		return -1;
	for (i = 0; i < n + m; i++)
		p->filters[i] = filter_named(i < n ? p->listen->filters[i] :
		    r->filters[i - n]);
	return 0;
}

/* One set of access rules holds for all, and after that the listener's own. */
static int
path_proxy(struct path *p)
{
	static struct acl_map *access;

	if (p->listen->proxy_from.n == 0)
		return 0;
	p->proxy_from = acl_map_new(&p->listen->proxy_from);
	if (access == NULL)
		access = acl_map_new(&self.conf->acl);
	p->access = access;
	if (p->listen->acl.n > 0 &&
	    (p->own_access = acl_map_new(&p->listen->acl)) == NULL)
		return -1;
	p->fields = path_any_v2();
	return p->proxy_from == NULL || access == NULL ? -1 : 0;
}

/* Which remote a session gets is not known when its header is read. */
static bool
path_any_v2(void)
{
	const struct conf_relay *r = self.conf->relays;
	unsigned i, k;

	for (i = 0; i < self.conf->nrelays; i++)
		for (k = 0; k < r[i].nremotes; k++)
			if (r[i].remotes[k].proxy_out == CONF_PROXY_V2)
				return true;
	return false;
}

/* Those that its sessions may go on by: the same but for the relay. */
static int
path_routes(struct path *p, struct path **next,
    uint32_t (*stages)(const struct path *))
{
	const struct conf_listen *l = p->listen;
	struct path *r = *next;
	unsigned i;

	if (l->nroutes == 0)
		return 0;
	if ((p->router = router_new(l)) == NULL)
		return -1;
	p->routed = r;
	for (i = 0; i < l->nroutes; i++, r++) {
		*r = *p;
		path_relay(r, l->routes[i].relay);
		if (path_filters(r) == -1)
			return -1;
		r->stages = stages(r);
	}
	*next = r;
	return 0;
}

/* Who is asked may name any relay section. */
static int
path_others(struct path *p)
{
	const unsigned n = self.conf->nrelays;
	unsigned i;

	if (p->listen->auth == CONF_NOREF)
		return 0;
	if ((p->others = calloc(n, sizeof(struct path *))) == NULL)
		return -1;
	if (by_name != NULL)
		return 0;
	if ((by_name = calloc(n, sizeof(*by_name))) == NULL)
		return -1;
	for (i = 0; i < n; i++)
		by_name[i] = i;
	qsort(by_name, n, sizeof(*by_name), path_name_cmp);
	return 0;
}

static int
path_name_cmp(const void *a, const void *b)
{
	return path_find_cmp(self.conf->relays[*(const unsigned *)a].name, b);
}

static int
path_find_cmp(const void *name, const void *b)
{
	return strcmp(name, self.conf->relays[*(const unsigned *)b].name);
}

const struct path *
path_named(const struct path *p, const char *name)
{
	const unsigned *i = bsearch(name, by_name, self.conf->nrelays,
	    sizeof(*by_name), path_find_cmp);
	struct path *other;

	if (i == NULL) {
		errno = ENOENT;
		return NULL;
	}
	if (p->others[*i] != NULL)
		return p->others[*i];
	if ((other = malloc(sizeof(*other))) == NULL)
		return NULL;
	*other = *p;
	other->router = NULL;
	path_relay(other, *i);
	if (path_filters(other) == -1) {
		free(other);
		return NULL;
	}
	other->stages = stages_of(other);
	return p->others[*i] = other;
}

const struct path *
path_of(uint32_t listener)
{
	return listener < self.conf->nlistens ? &paths[listener] : NULL;
}
