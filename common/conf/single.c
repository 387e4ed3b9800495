#include "compat.h"

#include "conf/parse.h"

static void	 single_refuses(struct conf_check *, const struct cfg_t *,
		    const char *, const char *);

void
conf_check_single(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	struct conf *conf = c->conf;
	unsigned i;

	if (!conf->single)
		return;
	single_refuses(c, spawnd, "chroot", "one process stays where it is");
	if (conf->sandbox == CONF_SANDBOX_REQUIRE)
		single_refuses(c, spawnd, "sandbox", "the master has none");
	if (conf->exec != NULL)
		single_refuses(c, conf_child(spawnd, "spawn", 0), "exec",
		    "that is another process");
	if (conf->servers_min != 1)
		single_refuses(c, conf_child(spawnd, "servers", 0), "min",
		    "there is one worker");
	if (conf->servers_max != 1)
		single_refuses(c, conf_child(spawnd, "servers", 0), "max",
		    "there is one worker");
	conf->servers_min = conf->servers_max = 1;
	for (i = 0; i < conf->nrelays; i++)
		if (conf->relays[i].retire != 0)
			single_refuses(c, conf_child(root, "relay", i),
			    "retire", "the worker is the process");
}

static void
single_refuses(struct conf_check *c, const struct cfg_t *sec,
    const char *name, const char *why)
{
	const struct conf_value *v = conf_value(sec, name, 0);

	if (v != NULL)
		conf_check_fail(c, v->line, "%s = %.32s is not together with "
		    "single = yes, as %s; leave one of them out", name,
		    v->text, why);
}
