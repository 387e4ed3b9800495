#include "compat.h"

#include "conf/parse.h"

static void	 limit_sources(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 limit_over(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 limit_reserve(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *, uint64_t *);
static const char *limit_of_sources(const struct conf_listen *);

void
conf_check_limits(struct conf_check *c, const struct cfg_t *spawnd)
{
	const struct conf *conf = c->conf;
	const struct cfg_t *sec;
	uint64_t room = (uint64_t)conf->servers_max * conf->users_max;
	unsigned i;

	for (i = 0; i < conf->nlistens; i++) {
		sec = conf_child(spawnd, "listen", i);
		limit_sources(c, sec, &conf->listens[i]);
		limit_over(c, sec, &conf->listens[i]);
		limit_reserve(c, sec, &conf->listens[i], &room);
	}
}

/* The first limit of sources that is given. */
static const char *
limit_of_sources(const struct conf_listen *l)
{
	return l->source_sessions != 0 ? "source-sessions" :
	    l->source_rate != 0 ? "source-rate" : NULL;
}

static void
limit_sources(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	const char *which = limit_of_sources(l);
	const struct conf_value *v;

	if (l->source_burst != 0 && l->source_rate == 0) {
		v = conf_value(sec, "source-burst", 0);
		conf_check_missing(c, v->line, "source-burst does nothing "
		    "without another option; add source-rate = NUMBER");
	}
	if (which == NULL || l->path == NULL || l->proxy_from.n > 0)
		return;
	v = conf_value(sec, which, 0);
	conf_check_fail(c, v->line, "%s is for addresses, and who comes by a "
	    "unix socket has none; leave it out, or add proxy-from", which);
}

static void
limit_over(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	const struct conf_value *v = conf_value(sec, "over-limit", 0);
	const char *which = limit_of_sources(l);

	if (l->over_limit != OVER_QUEUE)
		return;
	if (l->max_sessions == 0)
		conf_check_missing(c, v->line, "over-limit = queue does "
		    "nothing without another option; add max-sessions = "
		    "NUMBER");
	else if (which != NULL)
		conf_check_fail(c, v->line, "over-limit = queue is for "
		    "max-sessions alone: who is over %s would keep all others "
		    "waiting; use reset or close", which);
}

static void
limit_reserve(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l, uint64_t *room)
{
	const struct conf *conf = c->conf;
	const struct conf_value *v = conf_value(sec, "reserve", 0);

	if (l->reserve == 0)
		return;
	if (l->max_sessions != 0 && l->reserve > l->max_sessions)
		conf_check_fail(c, v->line, "reserve %u is greater than "
		    "max-sessions %u", l->reserve, l->max_sessions);
	if (l->reserve > *room)
		conf_check_fail(c, v->line, "reserve %u is more than is left "
		    "of the %llu sessions that servers max %u and users max "
		    "%u make, which is %llu", l->reserve,
		    (unsigned long long)conf->servers_max * conf->users_max,
		    conf->servers_max, conf->users_max,
		    (unsigned long long)*room);
	else
		*room -= l->reserve;
}
