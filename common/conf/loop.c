#include "compat.h"

#include <ifaddrs.h>
#include <limits.h>

#include "conf/parse.h"

#define LOOP_DEPTH	100	/* relays in a row; nobody has more */
#define LINKS		8	/* symbolic links in a row */

/* An address that is listened on, and by whom. */
struct place {
	const struct addr		*addr;
	const struct conf_listen	*listen;
};

/* A remote on the way, by its place in its relay section. */
struct edge {
	unsigned	 relay, number, depth;
};

/* Relays as a graph: an edge where a remote of one is a listener of another. */
struct loop {
	struct conf_check	*c;
	const struct cfg_t	*root;
	struct place		*places;
	size_t			 nplaces;
	uint8_t			*state;		/* of each relay */
	struct ifaddrs		*own;		/* of this machine */
};

enum { LOOP_NEW, LOOP_OPEN, LOOP_DONE };

static void	 loop_places(struct loop *);
static int	 loop_cmp(const void *, const void *);
static void	 loop_walk(struct loop *, unsigned, unsigned);
static void	 loop_remote(struct loop *, const struct edge *);
static void	 loop_to(struct loop *, const struct edge *,
		    const struct addr *, unsigned);
static const struct place *loop_find(const struct loop *,
		    const struct addr *);
static void	 loop_path(const struct addr *, struct addr *);
static bool	 loop_is_local(const struct loop *, const struct addr *);

void
conf_check_loops(struct conf_check *c, const struct cfg_t *root)
{
	const struct conf *conf = c->conf;
	struct loop loop = { .c = c, .root = root };
	unsigned i, n = 1;

	for (i = 0; i < conf->nlistens; i++)
		n += conf->listens[i].naddr;
	loop.places = conf_check_alloc(c, n, sizeof(*loop.places));
	loop.state = conf_check_alloc(c, conf->nrelays, 1);
	if (loop.places == NULL || loop.state == NULL)
		return;
	loop_places(&loop);
	if (getifaddrs(&loop.own) == -1)
		loop.own = NULL;
	for (i = 0; i < conf->nrelays; i++)
		if (loop.state[i] == LOOP_NEW)
			loop_walk(&loop, i, 0);
	if (loop.own != NULL)
		freeifaddrs(loop.own);
}

static void
loop_places(struct loop *loop)
{
	const struct conf *conf = loop->c->conf;
	const struct conf_listen *l;
	struct place *p = loop->places;
	struct addr *path;
	unsigned i, j;

	for (i = 0; i < conf->nlistens; i++) {
		l = &conf->listens[i];
		for (j = 0; j < l->naddr; j++) {
			p->addr = &l->addr[j];
			if (p->addr->sa.sa_family == AF_UNIX &&
			    (path = conf_check_alloc(loop->c, 1,
			    sizeof(*path))) != NULL) {
				loop_path(p->addr, path);
				p->addr = path;
			}
			p++->listen = l;
		}
	}
	loop->nplaces = (size_t)(p - loop->places);
	qsort(loop->places, loop->nplaces, sizeof(*p), loop_cmp);
}

static int
loop_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return addr_cmp(x->addr, y->addr);
}

static void
loop_walk(struct loop *loop, unsigned relay, unsigned depth)
{
	const struct conf_relay *r = &loop->c->conf->relays[relay];
	struct edge e = { .relay = relay, .depth = depth };

	loop->state[relay] = LOOP_OPEN;
	for (; e.number < r->nremotes && depth < LOOP_DEPTH; e.number++)
		loop_remote(loop, &e);
	loop->state[relay] = LOOP_DONE;
}

static void
loop_remote(struct loop *loop, const struct edge *e)
{
	const struct conf_remote *remote =
	    &loop->c->conf->relays[e->relay].remotes[e->number];
	const struct place *p;
	unsigned i, k;

	for (i = 0; i < remote->naddr; i++) {
		if ((p = loop_find(loop, &remote->addr[i])) == NULL)
			continue;
		loop_to(loop, e, &remote->addr[i], p->listen->relay);
		for (k = 0; k < p->listen->nroutes; k++)
			loop_to(loop, e, &remote->addr[i],
			    p->listen->routes[k].relay);
	}
}

/* A remote at that address leads to a relay. */
static void
loop_to(struct loop *loop, const struct edge *e, const struct addr *addr,
    unsigned relay)
{
	const struct conf *conf = loop->c->conf;
	char text[ADDR_STRLEN];

	if (relay >= conf->nrelays)
		return;
	if (loop->state[relay] == LOOP_NEW)
		loop_walk(loop, relay, e->depth + 1);
	else if (loop->state[relay] == LOOP_OPEN)
		conf_text_doubt(loop->c->text, conf_line(conf_child(
		    conf_child(loop->root, "relay", e->relay), "remote",
		    e->number)), "remote \"%s\" leads back to relay \"%s\": "
		    "spawnd itself listens on %s",
		    conf->relays[e->relay].remotes[e->number].name,
		    conf->relays[relay].name, addr_str(addr, text));
}

/* The listener that a connection to that address surely comes to. */
static const struct place *
loop_find(const struct loop *loop, const struct addr *to)
{
	struct addr any;
	struct place key = { .addr = &any };
	const struct place *p;

	loop_path(to, &any);
	p = bsearch(&key, loop->places, loop->nplaces, sizeof(*p), loop_cmp);
	if (p != NULL || !loop_is_local(loop, to))
		return p;
	addr_set_any(&any);
	return bsearch(&key, loop->places, loop->nplaces, sizeof(*p), loop_cmp);
}

/* A path by the name of its folder that has no link in it, and is none; other
 * addresses as they are. */
static void
loop_path(const struct addr *a, struct addr *out)
{
	char path[PATH_MAX], to[PATH_MAX], folder[PATH_MAX], *name;
	const char *err;
	ssize_t n;
	int links;

	*out = *a;
	if (a->sa.sa_family != AF_UNIX)
		return;
	strlcpy(path, a->un.sun_path, sizeof(path));
	for (links = 0;; links++) {
		if ((name = strrchr(path, '/')) == NULL || links == LINKS)
			return;
		if ((n = readlink(path, to, sizeof(to) - 1)) == -1)
			break;
		to[n] = '\0';
		strlcpy(*to == '/' ? path : name + 1, to, *to == '/' ?
		    sizeof(path) : sizeof(path) - (size_t)(name + 1 - path));
	}
	*name++ = '\0';
	if (realpath(*path == '\0' ? "/" : path, folder) == NULL)
		return;
	if (snprintf(to, sizeof(to), "%s/%s", folder, name) <
	    (int)sizeof(out->un.sun_path))
		addr_unix(to, out, &err);
}

static bool
loop_is_local(const struct loop *loop, const struct addr *a)
{
	const struct ifaddrs *i;
	struct addr own;

	if (addr_is_loopback(a))
		return true;
	for (i = loop->own; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL ||
		    i->ifa_addr->sa_family != a->sa.sa_family)
			continue;
		own = *a;
		memcpy(&own.sa, i->ifa_addr, MIN(a->len, sizeof(own.in6)));
		addr_set_port(&own, addr_get_port(a));
		if (addr_cmp(&own, a) == 0)
			return true;
	}
	return false;
}
