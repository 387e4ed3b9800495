#include "compat.h"

#include "gens.h"
#include "log.h"
#include "names.h"
#include "probes.h"
#include "targets.h"

/* One generation. */
struct gen {
	TAILQ_ENTRY(gen)	 entry;
	uint32_t		 number;
	struct conf		*conf;
	struct targets		 targets;
	struct secure		*secure;	/* if a check needs it */
	struct names		*names;		/* of the newest one */
	struct spot		*spots;		/* as the places */
};

/* A place of it. */
struct spot {
	struct watcher		 watcher;
	struct gen		*gen;
	const struct conf_relay	*relay;
	const struct conf_remote *remote;
	unsigned		 number;	/* at the remote */
};

static void	 gens_names(void);
static void	 gen_changed(void *, unsigned, unsigned);
static int	 gen_take(struct gen *, int, int, int, const char **);
static int	 gen_secure(struct gen *, int, const char **);
static bool	 gen_has_tls(const struct conf *);
static int	 gen_spots(struct gen *);
static void	 gen_free(struct gen *);
static unsigned	 place_of(const struct spot *);
static void	 spot_watch(struct spot *);
static const struct addr *spot_local(const struct spot *, int);
static void	 spot_told(struct watcher *, const struct finding *);
static void	 spot_log(const struct spot *, const struct addr *,
		    const struct finding *, unsigned);

static TAILQ_HEAD(gens, gen)	 gens = TAILQ_HEAD_INITIALIZER(gens);

void
gens_begin(void)
{
	probes_begin(spot_told);
}

void
gens_add(uint32_t number, int conf, int targets, int secrets)
{
	struct gen *g = calloc(1, sizeof(*g));
	const char *err = "there is no memory";

	gens_drop(number);
	if (g != NULL)
		g->targets.fd = g->targets.ro = -1;
	else
		close(targets);
	if (g == NULL || gen_take(g, conf, targets, secrets, &err) == -1) {
		log_warnx("generation %u is not checked: %s", number, err);
		gen_free(g);
	} else {
		g->number = number;
		TAILQ_INSERT_TAIL(&gens, g, entry);
		log_debug("generation %u: %zu probes in all", number,
		    probes_count());
	}
	close(conf);
	if (secrets != -1)
		close(secrets);
	gens_names();
}

/* Nobody new comes to the others. */
static void
gens_names(void)
{
	struct gen *g, *newest = TAILQ_LAST(&gens, gens);

	TAILQ_FOREACH(g, &gens, entry)
		if (g != newest)
			names_free(&g->names);
	if (newest != NULL && newest->names == NULL)
		newest->names = names_new(newest->conf, &newest->targets,
		    gen_changed, newest);
}

static void
gen_changed(void *arg, unsigned first, unsigned n)
{
	struct gen *g = arg;
	unsigned i;

	for (i = first; i < first + n; i++)
		spot_watch(&g->spots[i]);
}

void
gens_drop(uint32_t number)
{
	struct gen *g;

	TAILQ_FOREACH(g, &gens, entry)
		if (g->number == number)
			break;
	if (g == NULL)
		return;
	TAILQ_REMOVE(&gens, g, entry);
	gen_free(g);
	gens_names();
}

/* --- one generation --- */

static int
gen_take(struct gen *g, int conf, int targets, int secrets,
    const char **errp)
{
	if ((g->conf = conf_get(conf, errp)) == NULL) {
		close(targets);
		return -1;
	}
	log_set_level(conf_log_level(g->conf));
	if (targets_attach(&g->targets, targets, g->conf, true) == -1) {
		*errp = strerror(errno);
		close(targets);
		return -1;
	}
	if (gen_secure(g, secrets, errp) == -1)
		log_warnx("checks with TLS are not made: %s", *errp);
	if (gen_spots(g) == 0)
		return 0;
	*errp = strerror(errno);
	return -1;
}

static int
gen_secure(struct gen *g, int secrets, const char **errp)
{
	if (!gen_has_tls(g->conf))
		return 0;
	g->secure = secure_new(g->conf, secrets, errp);
	return g->secure == NULL ? -1 : 0;
}

static bool
gen_has_tls(const struct conf *c)
{
	const struct conf_relay *r;
	unsigned i;

	for (r = c->relays; r < c->relays + c->nrelays; r++)
		for (i = 0; i < r->nremotes; i++)
			if (r->remotes[i].nchecks > 0 &&
			    r->remotes[i].checks->type == CONF_PROBE_TLS)
				return true;
	return false;
}

static int
gen_spots(struct gen *g)
{
	const struct conf *c = g->conf;
	const struct conf_relay *r;
	struct spot *s;
	unsigned i, k;

	if ((s = g->spots = calloc(g->targets.n + 1, sizeof(*s))) == NULL)
		return -1;
	for (r = c->relays; r < c->relays + c->nrelays; r++)
		for (i = 0; i < r->nremotes; i++)
			for (k = 0; k < conf_places(r, &r->remotes[i]); k++) {
				s->gen = g;
				s->relay = r;
				s->remote = &r->remotes[i];
				s->number = k;
				spot_watch(s++);
			}
	return 0;
}

static void
gen_free(struct gen *g)
{
	unsigned i;

	if (g == NULL)
		return;
	for (i = 0; g->spots != NULL && i < g->targets.n; i++)
		probes_leave(&g->spots[i].watcher);
	free(g->spots);
	names_free(&g->names);
	secure_free(&g->secure);
	targets_close(&g->targets);
	conf_free(&g->conf);
	free(g);
}

/* --- one place --- */

static unsigned
place_of(const struct spot *s)
{
	return (unsigned)(s - s->gen->spots);
}

/* What is there now. */
static void
spot_watch(struct spot *s)
{
	struct watcher *w = &s->watcher;
	struct target t;
	struct addr to;
	const bool there = s->remote->nchecks > 0 &&
	    target_get(&s->gen->targets, place_of(s), &t) && t.present &&
	    target_addr(&t, s->remote, s->number, &to);

	if (there) {
		if (s->remote->checks->port != 0)
			addr_set_port(&to, (uint16_t)s->remote->checks->port);
		if (w->probe != NULL && addr_cmp(&to, &w->aim.to) == 0)
			return;
	}
	probes_leave(w);
	if (!there)
		return;
	w->aim = (struct aim){ .to = to, .conf = s->remote->checks,
		.remote = s->remote, .secure = s->gen->secure,
		.local = spot_local(s, to.sa.sa_family) };
	if (w->aim.conf->type == CONF_PROBE_TLS && w->aim.secure == NULL)
		return;
	if (probes_watch(w, t.state != TARGET_UNKNOWN,
	    t.state != TARGET_DOWN) == -1)
		log_warn("remote %s/%s is not checked", s->relay->name,
		    s->remote->name);
}

/* That sessions come from, or the first of them. */
static const struct addr *
spot_local(const struct spot *s, int family)
{
	const struct conf_local *l;
	unsigned i, n;

	l = conf_locals(s->relay, s->remote, &n);
	for (i = 0; i < n; i++)
		if (l[i].addr.sa.sa_family == family)
			return &l[i].addr;
	return NULL;
}

static void
spot_told(struct watcher *w, const struct finding *f)
{
	struct spot *s = container_of(w, struct spot, watcher);
	struct targets *targets = &s->gen->targets;
	const uint8_t state = f->up ? TARGET_UP : TARGET_DOWN;
	struct target t;
	uint8_t former;

	if (!target_get(targets, place_of(s), &t))
		return;
	former = t.state;
	strlcpy(t.error, f->good ? "" : f->why, sizeof(t.error));
	if (former != state) {
		t.state = state;
		t.since = ev_now();
		t.back = f->up && (former == TARGET_DOWN || t.back);
	}
	target_set(targets, place_of(s), &t);
	if (f->changed && former != state)
		spot_log(s, &w->aim.to, f, former);
}

/* Those of before have the same remotes, or they are not there any more. */
static void
spot_log(const struct spot *s, const struct addr *to, const struct finding *f,
    unsigned former)
{
	char text[ADDR_STRLEN];

	if (s->gen != TAILQ_LAST(&gens, gens))
		return;
	addr_str(to, text);
	if (!f->up)
		log_warnx("remote %s/%s %s is down: %s (%u in a row)",
		    s->relay->name, s->remote->name, text, f->why, f->row);
	else if (former == TARGET_DOWN)
		log_info("remote %s/%s %s is up again (%u in a row)",
		    s->relay->name, s->remote->name, text, f->row);
	else
		log_debug("remote %s/%s %s is up", s->relay->name,
		    s->remote->name, text);
}
