#include "compat.h"

#include "conf/parse.h"

#define LOOP_DEPTH	100	/* relays in a row; nobody has more */

/* An address that is listened on, and for which relay. */
struct place {
	const struct addr	*addr;
	unsigned		 relay;
};

/* Relays as a graph: an edge where a remote of one is a listener of another. */
struct loop {
	struct conf_check	*c;
	const struct cfg_t	*root;
	struct place		*places;
	size_t			 nplaces;
	uint8_t			*state;		/* of each relay */
};

enum { LOOP_NEW, LOOP_OPEN, LOOP_DONE };

static void	 loop_places(struct loop *);
static int	 loop_cmp(const void *, const void *);
static void	 loop_walk(struct loop *, unsigned, unsigned);
static void	 loop_remote(struct loop *, unsigned, unsigned, unsigned);
static const struct place *loop_find(const struct loop *,
		    const struct addr *);
static bool	 loop_is_local(const struct addr *);

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
	for (i = 0; i < conf->nrelays; i++)
		if (loop.state[i] == LOOP_NEW)
			loop_walk(&loop, i, 0);
}

static void
loop_places(struct loop *loop)
{
	const struct conf *conf = loop->c->conf;
	const struct conf_listen *l;
	struct place *p = loop->places;
	unsigned i, j;

	for (i = 0; i < conf->nlistens; i++) {
		l = &conf->listens[i];
		for (j = 0; j < l->naddr && l->relay < conf->nrelays; j++) {
			p->addr = &l->addr[j];
			p++->relay = l->relay;
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
	unsigned i;

	loop->state[relay] = LOOP_OPEN;
	for (i = 0; i < r->nremotes && depth < LOOP_DEPTH; i++)
		loop_remote(loop, relay, i, depth);
	loop->state[relay] = LOOP_DONE;
}

static void
loop_remote(struct loop *loop, unsigned relay, unsigned number,
    unsigned depth)
{
	const struct conf_relay *r = &loop->c->conf->relays[relay];
	const struct conf_remote *remote = &r->remotes[number];
	const struct place *p;
	char text[ADDR_STRLEN];
	unsigned i;

	for (i = 0; i < remote->naddr; i++) {
		if ((p = loop_find(loop, &remote->addr[i])) == NULL)
			continue;
		if (loop->state[p->relay] == LOOP_NEW)
			loop_walk(loop, p->relay, depth + 1);
		else if (loop->state[p->relay] == LOOP_OPEN)
			conf_check_fail(loop->c, conf_line(conf_child(
			    conf_child(loop->root, "relay", relay), "remote",
			    number)), "remote \"%s\" leads back to relay "
			    "\"%s\": spawnd itself listens on %s", remote->name,
			    loop->c->conf->relays[p->relay].name,
			    addr_str(&remote->addr[i], text));
	}
}

/* The listener that a connection to that address surely comes to. */
static const struct place *
loop_find(const struct loop *loop, const struct addr *to)
{
	struct addr any = *to;
	struct place key = { .addr = to };
	const struct place *p;

	p = bsearch(&key, loop->places, loop->nplaces, sizeof(*p), loop_cmp);
	if (p != NULL || !loop_is_local(to))
		return p;
	addr_set_any(&any);
	key.addr = &any;
	return bsearch(&key, loop->places, loop->nplaces, sizeof(*p), loop_cmp);
}

static bool
loop_is_local(const struct addr *a)
{
	uint32_t ip = ntohl(a->in.sin_addr.s_addr);

	if (a->sa.sa_family == AF_INET)
		return ip >> 24 == IN_LOOPBACKNET || ip == INADDR_ANY;
	return a->sa.sa_family == AF_INET6 &&
	    (IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) ||
	    IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr));
}
