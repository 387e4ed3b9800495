#include "compat.h"

#include "secrets.h"

void
secrets_look(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *sec = conf_child(root, "tls", 0);

	if (sec != NULL)
		conf_check_fail(c, conf_line(sec), "this spawnd was built "
		    "without OpenSSL and knows no TLS; take the section out, "
		    "or build it with OpenSSL 3 (README)");
}
