#include "compat.h"

#include "conf/parse.h"

static void	 exec_refuses_section(struct conf_check *,
		    const struct cfg_t *, const char *);
static void	 exec_refuses(struct conf_check *, const struct cfg_t *,
		    const char *);

/* What is said in these places is relay's to do, and nobody else does it:
 * clients would be taken for others, or something go out in clear. */
void
conf_check_exec(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf_value *v = conf_value(conf_child(spawnd, "spawn", 0),
	    "arguments", 0);
	const struct cfg_t *listen;
	unsigned i;

	if (c->conf->exec == NULL) {
		if (v != NULL)
			conf_check_missing(c, v->line, "spawn: arguments are "
			    "for nobody; add exec = PATH");
		return;
	}
	exec_refuses(c, spawnd, "chroot");
	if (c->conf->sandbox == CONF_SANDBOX_REQUIRE)
		exec_refuses(c, spawnd, "sandbox");
	for (i = 0; i < c->conf->nlistens; i++) {
		listen = conf_child(spawnd, "listen", i);
		exec_refuses(c, listen, "tls");
		exec_refuses(c, listen, "proxy-from");
		exec_refuses(c, listen, "filters");
		exec_refuses(c, listen, "ask");
	}
	exec_refuses_section(c, root, "tls");
	exec_refuses_section(c, root, "auth");
}

static void
exec_refuses_section(struct conf_check *c, const struct cfg_t *root,
    const char *name)
{
	const struct cfg_t *sec = conf_child(root, name, 0);

	if (sec != NULL)
		conf_check_fail(c, conf_line(sec), "a section %s is for relay, "
		    "and spawn: exec runs another program; take one of them "
		    "away", name);
}

static void
exec_refuses(struct conf_check *c, const struct cfg_t *sec, const char *name)
{
	const struct conf_value *v = conf_value(sec, name, 0);

	if (v != NULL)
		conf_check_fail(c, v->line, "%s = %.32s is for relay, and "
		    "spawn: exec runs another program; take one of them away",
		    name, v->text);
}
