#include "compat.h"

#include "conf/parse.h"
#include "sockopt.h"

static void	 listen_v6only(struct conf_check *, const struct cfg_t *,
		    struct conf_listen *);
static void	 listen_lacks(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 listen_sctp(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 listen_keepalive(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 listen_abstract(struct conf_check *, const struct cfg_t *);

void
conf_check_listens(struct conf_check *c, const struct cfg_t *spawnd)
{
	const struct cfg_t *sec;
	struct conf_listen *l;
	unsigned i;

	for (i = 0; i < c->conf->nlistens; i++) {
		sec = conf_child(spawnd, "listen", i);
		l = &c->conf->listens[i];
		if (l->v6only)
			listen_v6only(c, sec, l);
		listen_lacks(c, sec, l);
		conf_check_serve(c, sec, l);
		if (l->socket.protocol == CONF_SCTP)
			listen_sctp(c, sec, l);
		listen_keepalive(c, sec, l);
		if (l->path != NULL && *l->path == '@')
			listen_abstract(c, sec);
	}
}

/* A socket of IPv6 is never for IPv4, so that is what there is to leave out. */
static void
listen_v6only(struct conf_check *c, const struct cfg_t *sec,
    struct conf_listen *l)
{
	unsigned i, n = 0;

	for (i = 0; i < l->naddr; i++)
		if (l->addr[i].sa.sa_family == AF_INET6)
			l->addr[n++] = l->addr[i];
	if (n == 0 && l->naddr > 0)
		conf_check_fail(c, conf_line_of(sec, "v6only"), "v6only "
		    "leaves out what is IPv4, and address has no IPv6 "
		    "address");
	else
		l->naddr = n;
}

static void
listen_lacks(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	const char *what = sockopt_lacks(&l->socket);

	if (what != NULL)
		conf_check_fail(c, conf_line_of(sec, what), "this system has "
		    "no %s for a listener; leave it out", what);
}

static void
listen_sctp(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	static const char *const tcp[] = { "defer-accept", "fastopen",
	    "keepalive-idle", "keepalive-interval", "keepalive-count",
	    "user-timeout" };
	const struct conf_opt *o;
	size_t i;

	for (i = 0; i < nitems_of(tcp); i++) {
		o = conf_spec_find(&conf_spec_listen, tcp[i]);
		if (conf_field_get(o, l) != 0)
			conf_check_fail(c, conf_line_of(sec, tcp[i]), "%s is "
			    "an option of TCP; leave it out, or protocol = "
			    "sctp", tcp[i]);
	}
}

static void
listen_keepalive(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	static const char *const times[] = { "keepalive-idle",
	    "keepalive-interval", "keepalive-count" };
	const struct conf_relay *relay;
	size_t i;

	/* Which relay it is may be a mistake of its own. */
	if ((l->relay == CONF_NOREF && l->nroutes == 0) ||
	    c->conf->nrelays == 0 || c->text->wrong)
		return;
	relay = conf_listen_relay(c->conf, l);
	for (i = 0; i < nitems_of(times) && !relay->keepalive; i++)
		if (conf_field_get(conf_spec_find(&conf_spec_listen,
		    times[i]), l) != 0)
			conf_check_fail(c, conf_line_of(sec, times[i]),
			    "%s does nothing with keepalive = no in relay "
			    "\"%s\"; leave it out there, or here", times[i],
			    relay->name);
}

static void
listen_abstract(struct conf_check *c, const struct cfg_t *sec)
{
	static const char *const file[] = { "mode", "user", "group" };
	size_t i;

	if (!sockopt_has_abstract)
		conf_check_fail(c, conf_line_of(sec, "path"), "path: this "
		    "system has no unix sockets without a file; start it with "
		    "\"/\"");
	for (i = 0; i < nitems_of(file); i++)
		if (conf_value(sec, file[i], 0) != NULL)
			conf_check_fail(c, conf_line_of(sec, file[i]), "%s is "
			    "for a file, and a path that starts with \"@\" is "
			    "none: everybody may connect", file[i]);
}
