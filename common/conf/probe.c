#include "compat.h"

#include <regex.h>

#include "conf/parse.h"

static void	 probe_remote(struct conf_check *, const struct cfg_t *,
		    const struct conf_remote *);
static void	 probe_send(struct conf_check *, const struct cfg_t *,
		    const char *);
static void	 probe_expect(struct conf_check *, const struct cfg_t *,
		    const char *);

void
conf_check_probes(struct conf_check *c, const struct cfg_t *root)
{
	const struct conf_relay *r = c->conf->relays;
	const struct cfg_t *relay;
	unsigned i, k;

	for (i = 0; i < c->conf->nrelays; i++, r++) {
		relay = conf_child(root, "relay", i);
		for (k = 0; k < r->nremotes; k++)
			if (r->remotes[k].nchecks > 0)
				probe_remote(c, conf_child(relay, "remote", k),
				    &r->remotes[k]);
	}
}

static void
probe_remote(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_remote *r)
{
	const struct cfg_t *check = conf_child(sec, "check", 0);
	const struct conf_probe *p = r->checks;
	const struct conf_value *v;

	if (r->nchecks > 1)
		conf_check_fail(c, conf_line(conf_child(sec, "check", 1)),
		    "remote \"%s\" has %u \"check\" sections; it can have one",
		    r->name, r->nchecks);
	v = conf_value(check, "port", 0);
	if (p->port != 0 && r->path != NULL && v != NULL)
		conf_check_fail(c, v->line, "check: port and path are both "
		    "given; a unix socket has no port");
	if (p->send != NULL)
		probe_send(c, check, p->send);
	if (p->expect != NULL)
		probe_expect(c, check, p->expect);
	if (p->type == CONF_PROBE_TCP && r->tls != CONF_NOREF &&
	    (p->send != NULL || p->expect != NULL))
		conf_text_warning(c->text, conf_line(check), "check: it speaks "
		    "in clear to remote \"%s\", which has tls; with type = tls "
		    "it does as sessions do", r->name);
}

static void
probe_send(struct conf_check *c, const struct cfg_t *check, const char *text)
{
	uint8_t bytes[CONF_VALUE_MAX];
	const char *err;
	size_t len;

	if (conf_escapes(text, bytes, &len, &err) == -1)
		conf_check_fail(c, conf_value(check, "send", 0)->line,
		    "check: send %s", err);
}

static void
probe_expect(struct conf_check *c, const struct cfg_t *check,
    const char *text)
{
	char why[128];
	regex_t re;
	int error;

	if ((error = regcomp(&re, text, REG_EXTENDED | REG_NOSUB)) == 0) {
		regfree(&re);
		return;
	}
	regerror(error, &re, why, sizeof(why));
	conf_check_fail(c, conf_value(check, "expect", 0)->line,
	    "check: expect \"%.64s\" is no regular expression: %s", text, why);
}
