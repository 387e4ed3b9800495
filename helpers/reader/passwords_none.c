#include "compat.h"

#include "passwords.h"

void
passwords_look(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf_value *v;
	unsigned i;

	for (i = 0; i < c->conf->nlistens; i++) {
		v = conf_value(conf_child(spawnd, "listen", i), "users", 0);
		if (v != NULL)
			conf_check_fail(c, v->line, "this spawnd was built "
			    "without libcrypt and knows no users; take users "
			    "out, or build it with libcrypt (README)");
	}
}
