#include "compat.h"

#include "accept/gate.h"
#include "accept/limit.h"
#include "accept/sticky.h"

static int	gate_make(struct gate *, const struct conf_listen *, bool);

struct gates *
gate_new(const struct conf *conf)
{
	const bool counts = conf_counts(conf);
	struct gates *g;
	unsigned i;

	g = calloc(1, sizeof(*g) + conf->nlistens * sizeof(struct gate));
	if (g == NULL)
		return NULL;
	g->n = conf->nlistens;
	for (i = 0; i < g->n; i++) {
		g->unfilled += conf->listens[i].reserve;
		if (gate_make(&g->of[i], &conf->listens[i], counts) == -1) {
			gate_free(&g);
			errno = ENOMEM;
			return NULL;
		}
	}
	return g;
}

static int
gate_make(struct gate *g, const struct conf_listen *l, bool counts)
{
	const bool sources = l->source_sessions != 0 || l->source_rate != 0;

	g->reserve = l->reserve;
	if (l->acl.n > 0 && (g->access = acl_map_new(&l->acl)) == NULL)
		return -1;
	if (sources && l->proxy_from.n > 0 &&
	    (g->proxy_from = acl_map_new(&l->proxy_from)) == NULL)
		return -1;
	if (counts && (g->quota = limit_quota(l)) == NULL)
		return -1;
	if (l->sticky && (g->sticky = sticky_new(l)) == NULL)
		return -1;
	return 0;
}

void
gate_free(struct gates **gatesp)
{
	struct gates *g = *gatesp;
	unsigned i;

	*gatesp = NULL;
	for (i = 0; g != NULL && i < g->n; i++) {
		acl_map_free(&g->of[i].access);
		acl_map_free(&g->of[i].proxy_from);
		limit_quota_over(&g->of[i].quota);
		sticky_free(&g->of[i].sticky);
	}
	free(g);
}

bool
gate_permits(const struct gate *g, const struct source *client)
{
	return g->access == NULL || acl_map_permits(g->access, client);
}

bool
gate_speaks_for(const struct gate *g, const struct source *client)
{
	return g->proxy_from != NULL && acl_map_has(g->proxy_from, client);
}

void
gate_enter(struct gates *gates, unsigned listener)
{
	struct gate *g = &gates->of[listener];

	gates->unfilled -= g->open++ < g->reserve;
}

void
gate_leave(struct gates *gates, unsigned listener)
{
	struct gate *g = &gates->of[listener];

	gates->unfilled += --g->open < g->reserve;
}

/* Who has not what is kept for it finds it among them. */
bool
gate_reserved(const struct gates *gates, unsigned listener, uint64_t room)
{
	const struct gate *g = &gates->of[listener];

	return g->open >= g->reserve && room <= gates->unfilled;
}
