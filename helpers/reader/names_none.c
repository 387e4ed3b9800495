#include "compat.h"

#include "conf/resolve.h"
#include "names.h"

static int	 no_service(const char *, struct addr *, size_t,
		    const char **);

static const char without[] = "this spawnd was built without c-ares and looks "
    "up names at a load only";

void
names_start(void)
{
	resolve_service = no_service;
}

static int
no_service(const char *name, struct addr *out, size_t max, const char **errp)
{
	static char why[256];

	(void)out;
	(void)max;
	snprintf(why, sizeof(why), "%s: give a host and a port instead of "
	    "the service \"%.64s\", or build it with c-ares (README)", without,
	    name);
	*errp = why;
	return -1;
}

void
names_look(struct conf_check *c, const struct cfg_t *root)
{
	static const char *const options[] = { "resolve", "resolve-at-start" };
	const struct conf_relay *r = c->conf->relays;
	const struct conf_value *v;
	unsigned i;
	size_t k;

	for (i = 0; i < c->conf->nrelays; i++, r++)
		for (k = 0; k < nitems_of(options); k++) {
			v = conf_value(conf_child(root, "relay", i),
			    options[k], 0);
			if (v != NULL && (k == 0 ? r->resolve != 0 :
			    r->at_start != CONF_FAIL))
				conf_check_fail(c, v->line, "%s; take %s out, "
				    "or build it with c-ares (README)",
				    without, options[k]);
		}
}
