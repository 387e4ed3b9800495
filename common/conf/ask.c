#include "compat.h"

#include "conf/parse.h"

static void	 ask_listen(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 ask_open(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static bool	 ask_is_here(const struct conf_listen *);
static void	 ask_sniffs(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);

void
conf_check_asks(struct conf_check *c, const struct cfg_t *spawnd)
{
	unsigned i;

	for (i = 0; i < c->conf->nlistens; i++)
		if (c->conf->listens[i].nask > 0)
			ask_listen(c, conf_child(spawnd, "listen", i),
			    &c->conf->listens[i]);
}

static void
ask_listen(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	if (!ask_is_here(l) && l->acl.n == 0 && c->conf->acl.n == 0 &&
	    l->auth == CONF_NOREF)
		ask_open(c, sec, l);
	if (l->tls == CONF_NOREF)
		ask_sniffs(c, sec, l);
}

/* Who lets everybody in is found by those who look for it. */
static void
ask_open(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	conf_check_missing(c, conf_line_of(sec, "ask"), "listen \"%s\" would "
	    "connect everybody who finds it; add access, or make address "
	    "127.0.0.1", l->name);
}

/* Whether only this machine comes there. */
static bool
ask_is_here(const struct conf_listen *l)
{
	const struct addr *a;

	for (a = l->addr; a < l->addr + l->naddr; a++)
		if (a->sa.sa_family == AF_INET ?
		    ntohl(a->in.sin_addr.s_addr) >> 24 != 127 :
		    a->sa.sa_family == AF_INET6 &&
		    !IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr))
			return false;
	return true;
}

/* Its clients do not begin with TLS. */
static void
ask_sniffs(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	unsigned i;

	for (i = 0; i < l->nroutes; i++)
		if (l->routes[i].nsni > 0 || l->routes[i].nalpn > 0)
			conf_check_fail(c, conf_line(conf_child(sec, "route",
			    i)), "a listener with ask and without tls sees "
			    "no sni and no alpn; leave them out");
}
