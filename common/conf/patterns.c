#include "compat.h"

#include "conf/parse.h"
#include "pattern.h"

static void	 patterns_one(struct conf_check *, const struct cfg_t *,
		    const struct conf_match *);
static void	 patterns_used(struct conf_check *, const struct cfg_t *,
		    const char **, unsigned, const struct conf_relay *);

void
conf_check_patterns(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0);
	const struct conf *conf = c->conf;
	const struct conf_listen *l;
	const struct conf_relay *r;
	unsigned i, k;

	for (i = 0; i < conf->nmatches; i++)
		patterns_one(c, conf_child(root, "match", i),
		    &conf->matches[i]);
	for (r = conf->relays; r < conf->relays + conf->nrelays; r++)
		patterns_used(c, conf_child(root, "relay",
		    (unsigned)(r - conf->relays)), r->filters, r->nfilters, r);
	for (i = 0; i < conf->nlistens; i++) {
		l = &conf->listens[i];
		for (k = 0; k <= l->nroutes; k++) {
			const unsigned relay = k == l->nroutes ? l->relay :
			    l->routes[k].relay;

			if (relay < conf->nrelays)
				patterns_used(c, conf_child(spawnd, "listen",
				    i), l->filters, l->nfilters,
				    &conf->relays[relay]);
		}
	}
}

static void
patterns_one(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_match *m)
{
	const struct conf_value *with = conf_value(sec, "with", 0);
	const struct conf_value *length = conf_value(sec, "length", 0);
	struct pattern *p;
	const char *err;
	bool in_with;

	if (m->action != CONF_MATCH_REPLACE && (with != NULL || length != NULL))
		conf_check_fail(c, (with != NULL ? with : length)->line,
		    "match \"%s\": %s is for action = replace; leave it out",
		    m->name, with != NULL ? "with" : "length");
	if (m->pattern == NULL)
		return;
	p = pattern_new(m->pattern, m->with, conf_match_window(m), &in_with,
	    &err);
	if (p == NULL)
		conf_check_fail(c, conf_line_of(sec, in_with ? "with" :
		    "pattern"), "match \"%s\": %s %s", m->name,
		    in_with ? "with" : "pattern", err);
	pattern_free(&p);
}

/* What is held has to fit into what may be stored. */
static void
patterns_used(struct conf_check *c, const struct cfg_t *sec,
    const char **names, unsigned n, const struct conf_relay *r)
{
	const struct conf_match *m;
	struct conf_filter f;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (!conf_filter_of(c->conf, names[i], &f) ||
		    f.kind != CONF_FILTER_MATCH)
			continue;
		m = &c->conf->matches[f.index];
		if (m->action >= CONF_MATCH_REPLACE &&
		    conf_match_window(m) > r->buffer / 8 * 3)
			conf_check_fail(c, conf_line_of(sec, "filters"),
			    "the window of match \"%s\" is more than three "
			    "eighths of the buffer of relay \"%s\"; make one "
			    "smaller or the other larger", m->name, r->name);
	}
}
