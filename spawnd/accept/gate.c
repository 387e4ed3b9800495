#include "compat.h"

#include "accept/gate.h"

static int	gate_make(struct gate *, const struct conf_listen *);

struct gate *
gate_new(const struct conf *conf)
{
	struct gate *gates;
	unsigned i;

	if ((gates = calloc(conf->nlistens, sizeof(*gates))) == NULL)
		return NULL;
	for (i = 0; i < conf->nlistens; i++)
		if (gate_make(&gates[i], &conf->listens[i]) == -1) {
			gate_free(&gates, conf);
			errno = ENOMEM;
			return NULL;
		}
	return gates;
}

static int
gate_make(struct gate *g, const struct conf_listen *l)
{
	if (l->acl.n > 0 && (g->access = acl_map_new(&l->acl)) == NULL)
		return -1;
	return 0;
}

void
gate_free(struct gate **gatesp, const struct conf *conf)
{
	struct gate *gates = *gatesp;
	unsigned i;

	*gatesp = NULL;
	for (i = 0; gates != NULL && i < conf->nlistens; i++)
		acl_map_free(&gates[i].access);
	free(gates);
}

bool
gate_permits(const struct gate *g, const struct source *client)
{
	return g->access == NULL || acl_map_permits(g->access, client);
}
