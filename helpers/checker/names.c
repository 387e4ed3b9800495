#include "compat.h"

#include "dns/ask.h"
#include "dns/resolver.h"
#include "ev.h"
#include "log.h"
#include "merge.h"
#include "names.h"

#define LEAST		1000	/* ms between two questions, whatever a TTL */
#define AGAIN_MOST	60000	/* ms, of one that was never answered */
#define SPREAD		1000	/* ms in which the first ones are asked */

/* The hosts of a remote. */
struct name {
	struct names		*of;
	const struct conf_relay	*relay;
	const struct conf_remote *remote;
	unsigned		 first, n;	/* places */
	struct ev_timer		 timer;
	struct ask		*ask;		/* under way, or NULL */
	unsigned		 fails;		/* in a row */
	bool			 waits;		/* for its answer */
	bool			 told_left_out;
};

struct names {
	const struct conf	*conf;
	struct targets		*targets;
	void			(*changed)(void *, unsigned, unsigned);
	void			*arg;
	struct name		*all;
	unsigned		 n;
};

static int	 names_fill(struct names *);
static void	 name_due(struct ev_timer *);
static uint16_t	 name_port(const struct name *);
static void	 name_answered(void *, const struct answer *);
static void	 name_failed(struct name *, const char *);
static void	 name_next(struct name *, uint32_t);
static void	 name_take(struct name *, const struct answer *);
static void	 name_write(struct name *, const struct asked *, unsigned);
static void	 name_tell(struct name *, const struct merged *, unsigned);
static unsigned	 keep_usable(const struct name *, const struct answer *,
		    struct asked *);
static bool	 is_usable(const struct name *, const struct addr *);
static bool	 is_reachable(const struct name *, int);
static bool	 is_own(const struct conf *, const struct addr *);
static bool	 is_anybodys(const struct addr *);

void
names_start(void)
{
	const char *err;

	if (resolver_start(false, &err) == -1)
		fatalx("c-ares: %s", err);
}

struct names *
names_new(const struct conf *conf, struct targets *targets,
    void (*changed)(void *, unsigned, unsigned), void *arg)
{
	struct names *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->conf = conf;
	s->targets = targets;
	s->changed = changed;
	s->arg = arg;
	if (names_fill(s) == -1)
		names_free(&s);
	return s;
}

void
names_free(struct names **sp)
{
	struct names *s = *sp;
	unsigned i;

	*sp = NULL;
	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++) {
		ev_timer_stop(&s->all[i].timer);
		ask_stop(s->all[i].ask);
	}
	free(s->all);
	free(s);
}

/* What has no port of its own, or no address yet, is asked for at once. */
static int
names_fill(struct names *s)
{
	const struct conf *c = s->conf;
	const struct conf_relay *r;
	struct name *name;
	unsigned i, first = 0, n = 0;

	for (r = c->relays; r < c->relays + c->nrelays; r++)
		n += r->nremotes;
	if ((s->all = calloc(n + 1, sizeof(*s->all))) == NULL)
		return -1;
	for (r = c->relays; r < c->relays + c->nrelays; r++)
		for (i = 0; i < r->nremotes; i++, first += n) {
			n = conf_places(r, &r->remotes[i]);
			if (!conf_looks_up(r, &r->remotes[i]))
				continue;
			name = &s->all[s->n++];
			name->of = s;
			name->relay = r;
			name->remote = &r->remotes[i];
			name->first = first;
			name->n = n;
			ev_timer_init(&name->timer, name_due);
			ev_timer_set(&name->timer, r->remotes[i].naddr == 0 ||
			    conf_is_service(&r->remotes[i]) ? 0 :
			    arc4random_uniform(SPREAD));
		}
	return 0;
}

static void
name_due(struct ev_timer *t)
{
	struct name *n = container_of(t, struct name, timer);
	struct ask *ask;

	n->waits = true;
	ask = ask_start(resolver_channel(), n->remote->address, name_port(n),
	    name_answered, n);
	if (ask == NULL)
		name_failed(n, strerror(ENOMEM));
	else if (n->waits)	/* it may be answered at once, and be gone */
		n->ask = ask;
	resolver_go_on();
}

static uint16_t
name_port(const struct name *n)
{
	const char *err;

	if (n->remote->naddr > 0)
		return addr_get_port(n->remote->addr);
	return n->remote->port == NULL ? 0 :
	    (uint16_t)strtonum(n->remote->port, 1, UINT16_MAX, &err);
}

static void
name_answered(void *arg, const struct answer *w)
{
	struct name *n = arg;

	n->ask = NULL;
	n->waits = false;
	if (w->why != NULL)
		name_failed(n, w->why);
	else
		name_take(n, w);
}

/* What was known before holds. */
static void
name_failed(struct name *n, const char *why)
{
	if (n->fails++ == 0)
		log_warnx("remote %s/%s cannot be looked up: %s; it stays as "
		    "it is", n->relay->name, n->remote->name, why);
	name_next(n, UINT32_MAX);
}

/* Soon, if nothing is known: doubling from a second to a minute. */
static void
name_next(struct name *n, uint32_t ttl)
{
	const uint64_t again = n->relay->resolve != 0 ? n->relay->resolve :
	    AGAIN_MOST;
	uint64_t ms = MIN(again, (uint64_t)ttl * 1000);

	if (n->fails > 0)
		ms = MIN(again, (uint64_t)LEAST << MIN(n->fails - 1, 6));
	else if (n->relay->resolve == 0) {
		ev_timer_stop(&n->timer);
		return;
	}
	ev_timer_set(&n->timer, MAX(ms, LEAST));
}

static void
name_take(struct name *n, const struct answer *w)
{
	struct asked *some = calloc(w->n + 1, sizeof(*some));
	unsigned k;

	if (some == NULL) {
		name_failed(n, strerror(ENOMEM));
		return;
	}
	if ((k = keep_usable(n, w, some)) == 0)
		name_failed(n, "none of its addresses can be used");
	else {
		if (n->fails > 0)
			log_info("remote %s/%s can be looked up again",
			    n->relay->name, n->remote->name);
		n->fails = 0;
		name_write(n, some, k);
		name_next(n, w->ttl);
	}
	free(some);
}

static void
name_write(struct name *n, const struct asked *addrs, unsigned naddrs)
{
	struct targets *t = n->of->targets;
	struct target *all = calloc(n->n + 1, sizeof(*all));
	struct merged m;
	unsigned i;

	if (all == NULL)
		return;
	for (i = 0; i < n->n; i++)
		target_get(t, n->first + i, &all[i]);
	merge(all, n->n, addrs, naddrs, ev_now(), &m);
	for (i = 0; i < n->n; i++)
		target_set(t, n->first + i, &all[i]);
	free(all);
	name_tell(n, &m, naddrs);
	if (m.come > 0 || m.gone > 0)
		n->of->changed(n->of->arg, n->first, n->n);
}

static void
name_tell(struct name *n, const struct merged *m, unsigned naddrs)
{
	if (m->come > 0 || m->gone > 0)
		log_info("remote %s/%s has %u addresses: %u new, %u gone",
		    n->relay->name, n->remote->name, naddrs, m->come,
		    m->gone);
	if (m->left_out > 0 && !n->told_left_out)
		log_warnx("remote %s/%s has %u addresses, of which %u are "
		    "used: there are places for %u", n->relay->name,
		    n->remote->name, naddrs, naddrs - m->left_out, n->n);
	n->told_left_out = m->left_out > 0;
}

/* --- what somebody else's server may make us connect to --- */

static unsigned
keep_usable(const struct name *n, const struct answer *w, struct asked *out)
{
	unsigned i, k = 0;

	for (i = 0; i < w->n; i++)
		if (is_usable(n, &w->addrs[i].addr))
			out[k++] = w->addrs[i];
	return k;
}

static bool
is_usable(const struct name *n, const struct addr *a)
{
	return !is_anybodys(a) && !is_own(n->of->conf, a) &&
	    is_reachable(n, a->sa.sa_family);
}

/* As in the configuration: from a family that there is a local address of. */
static bool
is_reachable(const struct name *n, int family)
{
	const struct conf_local *l;
	unsigned i, k;

	l = conf_locals(n->relay, n->remote, &k);
	for (i = 0; i < k; i++)
		if (l[i].addr.sa.sa_family == family)
			return true;
	return k == 0;
}

static bool
is_own(const struct conf *c, const struct addr *a)
{
	const struct conf_listen *l;
	struct addr any = *a;
	unsigned i;

	addr_set_any(&any);
	for (l = c->listens; l < c->listens + c->nlistens; l++)
		for (i = 0; i < l->naddr; i++)
			if (addr_cmp(&l->addr[i], a) == 0 ||
			    (addr_is_loopback(a) &&
			    addr_cmp(&l->addr[i], &any) == 0))
				return true;
	return false;
}

/* 0.0.0.0 would be this machine; others are for many at once, or are IPv4 in
 * disguise, as no name server has any reason to say. */
static bool
is_anybodys(const struct addr *a)
{
	uint32_t ip;

	if (a->sa.sa_family == AF_INET) {
		ip = ntohl(a->in.sin_addr.s_addr);
		return ip >> 24 == 0 || IN_MULTICAST(ip) ||
		    ip == INADDR_BROADCAST;
	}
	return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr) ||
	    IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr) ||
	    IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}
