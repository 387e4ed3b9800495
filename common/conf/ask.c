#include "compat.h"

#include "conf/parse.h"

static void	 ask_listen(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 ask_open(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 ask_routes(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 ask_users(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 ask_files(struct conf_check *, const struct cfg_t *);
static void	 ask_goes(struct conf_check *, unsigned,
		    const struct conf_listen *, unsigned);
static bool	 ask_is_here(const struct conf_listen *);
static void	 ask_sniffs(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);

void
conf_check_asks(struct conf_check *c, const struct cfg_t *spawnd)
{
	unsigned i;

	for (i = 0; i < c->conf->nlistens; i++) {
		ask_routes(c, conf_child(spawnd, "listen", i),
		    &c->conf->listens[i]);
		if (c->conf->listens[i].nask > 0)
			ask_listen(c, conf_child(spawnd, "listen", i),
			    &c->conf->listens[i]);
		if (c->conf->listens[i].users != NULL)
			ask_users(c, conf_child(spawnd, "listen", i),
			    &c->conf->listens[i]);
	}
	ask_files(c, spawnd);
}

static void
ask_routes(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	unsigned i;

	for (i = 0; i < l->nroutes && conf_value(sec, "ask", 0) == NULL; i++)
		if (l->routes[i].ntarget > 0)
			conf_check_missing(c, conf_line(conf_child(sec,
			    "route", i)), "clients of listen \"%s\" cannot "
			    "say where they want to go, so that target is for "
			    "nobody; add ask = any", l->name);
}

/* Where nobody could be let in, or everybody would be. */
static void
ask_users(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	if (l->nask == 0)
		conf_check_missing(c, conf_line_of(sec, "users"), "users are "
		    "those of clients that are asked; add ask = any, or leave "
		    "them out");
	else if (conf_asks(l) == CONF_ASK_SOCKS4)
		conf_check_fail(c, conf_line_of(sec, "users"), "SOCKS 4 has "
		    "no passwords, so that users would let in nobody; add "
		    "socks5 or connect to ask");
}

static void
ask_files(struct conf_check *c, const struct cfg_t *spawnd)
{
	const struct conf_listen *l = c->conf->listens;
	const char *files[CONF_USERS];
	unsigned i, k, n = 0;

	for (i = 0; i < c->conf->nlistens; i++) {
		for (k = 0; k < n && l[i].users != NULL; k++)
			if (strcmp(files[k], l[i].users) == 0)
				break;
		if (l[i].users == NULL || k < n)
			continue;
		if (n == CONF_USERS) {
			conf_check_fail(c, conf_line_of(conf_child(spawnd,
			    "listen", i), "users"), "there are more than %d "
			    "files of users; share them", CONF_USERS);
			return;
		}
		files[n++] = l[i].users;
	}
}

static void
ask_listen(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	unsigned i;

	if (!ask_is_here(l) && l->acl.n == 0 && c->conf->acl.n == 0 &&
	    l->auth == CONF_NOREF && l->users == NULL)
		ask_open(c, sec, l);
	if (l->tls == CONF_NOREF)
		ask_sniffs(c, sec, l);
	ask_goes(c, conf_line_of(sec, "relay"), l, l->relay);
	/* Who looks for a target may give it its own servers. */
	for (i = 0; i < l->nroutes; i++)
		if (l->routes[i].ntarget == 0)
			ask_goes(c, conf_line(conf_child(sec, "route", i)), l,
			    l->routes[i].relay);
}

/* Who is told yes is to be where it has asked to be. */
static void
ask_goes(struct conf_check *c, unsigned line, const struct conf_listen *l,
    unsigned relay)
{
	const struct conf_relay *r = &c->conf->relays[relay];

	if (relay < c->conf->nrelays && r->ntargets == 0 && r->nremotes > 0)
		conf_check_fail(c, line, "clients of listen \"%s\" say where "
		    "they want to go, and relay \"%s\" has remotes; give it "
		    "targets { } instead", l->name, r->name);
}

/* Who lets everybody in is found by those who look for it. */
static void
ask_open(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	conf_check_missing(c, conf_line_of(sec, "ask"), "listen \"%s\" would "
	    "connect everybody who finds it; add users or access, or make "
	    "address 127.0.0.1", l->name);
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
