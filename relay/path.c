#include "compat.h"

#include "acl_map.h"
#include "path.h"
#include "remote/remotes.h"
#include "router.h"
#include "self.h"

#define FLUSH_MAX	60000	/* ms, if half-close-timeout is 0 */

static void	 path_make(struct path *, const struct conf_listen *);
static void	 path_relay(struct path *, unsigned);
static int	 path_routes(struct path *, struct path **,
		    uint32_t (*)(const struct path *));
static int	 path_proxy(struct path *);
static bool	 path_any_v2(void);

static struct path	*paths;	/* one a listener, then one a route */

int
path_init(uint32_t (*stages)(const struct path *))
{
	const struct conf *c = self.conf;
	struct path *next;
	size_t n = c->nlistens;
	unsigned i;

	for (i = 0; i < c->nlistens; i++)
		n += c->listens[i].nroutes;
	if ((paths = calloc(n, sizeof(*paths))) == NULL)
		return -1;
	next = paths + c->nlistens;
	for (i = 0; i < c->nlistens; i++) {
		path_make(&paths[i], &c->listens[i]);
		if (path_proxy(&paths[i]) == -1 ||
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
	p->listen = l;
	p->limit[LIMIT_HANDSHAKE] = l->handshake_timeout;
	if (l->relay != CONF_NOREF)
		path_relay(p, l->relay);
}

static void
path_relay(struct path *p, unsigned relay)
{
	p->relay = &self.conf->relays[relay];
	p->remotes = &self.remotes[relay];
	p->limit[LIMIT_CONNECT] = p->relay->connect_timeout;
	p->limit[LIMIT_IDLE] = p->relay->idle_timeout;
	p->limit[LIMIT_HALF_CLOSE] = p->relay->half_close_timeout;
	p->limit[LIMIT_FLUSH] = p->relay->half_close_timeout != 0 ?
	    p->relay->half_close_timeout : FLUSH_MAX;
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
		r->stages = stages(r);
	}
	*next = r;
	return 0;
}

const struct path *
path_of(uint32_t listener)
{
	return listener < self.conf->nlistens ? &paths[listener] : NULL;
}
