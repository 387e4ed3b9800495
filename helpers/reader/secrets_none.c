#include "compat.h"

#include "secrets.h"

#define WITHOUT	"this spawnd was built without OpenSSL and knows no TLS"

static void	 look_checks(struct conf_check *, const struct cfg_t *,
		    const struct conf_relay *);

void
secrets_look(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *sec = conf_child(root, "tls", 0);
	unsigned i;

	if (sec != NULL)
		conf_check_fail(c, conf_line(sec), WITHOUT "; take the section "
		    "out, or build it with OpenSSL 3 (README)");
	for (i = 0; i < c->conf->nrelays; i++)
		look_checks(c, conf_child(root, "relay", i),
		    &c->conf->relays[i]);
}

static void
look_checks(struct conf_check *c, const struct cfg_t *relay,
    const struct conf_relay *r)
{
	const struct conf_value *v;
	unsigned i;

	for (i = 0; i < r->nremotes; i++) {
		v = conf_value(conf_child(conf_child(relay, "remote", i),
		    "check", 0), "type", 0);
		if (v != NULL &&
		    r->remotes[i].checks->type == CONF_PROBE_TLS)
			conf_check_fail(c, v->line, WITHOUT "; use check { "
			    "type = tcp }, or build it with OpenSSL 3 "
			    "(README)");
	}
}
