#include "compat.h"

#include "conf/parse.h"

static void	 target_relay(struct conf_check *, const struct cfg_t *,
		    const struct conf_relay *);
static void	 target_listen(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 target_mute(struct conf_check *, unsigned,
		    const struct conf_listen *, unsigned);

void
conf_check_targets(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf *conf = c->conf;
	const struct cfg_t *listen;
	unsigned i;

	for (i = 0; i < conf->nrelays; i++)
		if (conf->relays[i].ntargets > 0)
			target_relay(c, conf_child(root, "relay", i),
			    &conf->relays[i]);
	for (i = 0; i < conf->nlistens; i++) {
		listen = conf_child(spawnd, "listen", i);
		if (conf_value(listen, "ask", 0) == NULL)
			target_listen(c, listen, &conf->listens[i]);
	}
}

/* Its clients cannot say where they want to go. */
static void
target_listen(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	unsigned i;

	target_mute(c, conf_line_of(sec, "relay"), l, l->relay);
	for (i = 0; i < l->nroutes; i++)
		target_mute(c, conf_line(conf_child(sec, "route", i)), l,
		    l->routes[i].relay);
}

static void
target_mute(struct conf_check *c, unsigned line, const struct conf_listen *l,
    unsigned relay)
{
	if (relay < c->conf->nrelays && c->conf->relays[relay].ntargets > 0)
		conf_check_missing(c, line, "clients of listen \"%s\" cannot "
		    "say where they want to go, and relay \"%s\" has targets; "
		    "add ask = any", l->name, c->conf->relays[relay].name);
}

static void
target_relay(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_relay *r)
{
	if (r->ntargets > 1)
		conf_check_fail(c, conf_line(conf_child(sec, "targets", 1)),
		    "relay \"%s\" has %u \"targets\" sections; it can have one",
		    r->name, r->ntargets);
	if (r->nremotes > 0)
		conf_check_fail(c, conf_line(conf_child(sec, "targets", 0)),
		    "relay \"%s\" has remotes and targets; its sessions go to "
		    "the ones or to the others, so make it two", r->name);
}
