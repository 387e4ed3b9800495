#include "compat.h"

#include "acl_map.h"
#include "dest/dest.h"
#include "dest_rule.h"
#include "host.h"
#include "router.h"

/*
 * A route is found by one of its conditions, the rarest kind that it has: by
 * its names, else its protocols, else its networks; by none of these if it has
 * targets and neither names nor protocols. What else it asks for is
 * looked at when it is found. Keys are sorted, and those that are equal stand
 * in the order of their routes.
 */
enum kind { KEY_NAME, KEY_BELOW, KEY_ALPN };

struct word {
	enum kind	 kind;
	const char	*text;
	unsigned	 route;
};

struct net {
	struct acl_rule	 net;
	unsigned	 route;
};

struct router {
	const struct conf_route	*routes;
	unsigned		 n;
	struct acl_map		**from;	/* of each route; NULL: all, or it is
					   found by them */
	struct word		*words;
	size_t			 nwords;
	struct net		*nets;
	size_t			 nnets;
	bool			 bits4[33], bits6[129]; /* that nets have */
	struct dest_rule	*rules;	/* of all routes */
	unsigned		*first;	/* of each route, one behind */
	unsigned		*aimed; /* routes with targets alone */
	unsigned		 naimed;
	unsigned		 always; /* the first without conditions; n */
	bool			 sniffs;
	char			*texts;	/* what words point to */
};

static int	 router_room(struct router *);
static int	 router_route(struct router *, unsigned, char **);
static void	 router_rules(struct router *, unsigned);
static void	 router_words(struct router *, unsigned, char **);
static void	 router_word(struct router *, unsigned, enum kind, char **,
		    const char *);
static void	 router_nets(struct router *, unsigned);
static int	 word_cmp(const void *, const void *);
static int	 word_is(const struct word *, enum kind, const char *);
static int	 net_cmp(const void *, const void *);
static int	 net_is(const struct acl_rule *, const struct acl_rule *);
static unsigned	 find_name(const struct router *, const struct asked *,
		    unsigned);
static unsigned	 find_alpn(const struct router *, const struct asked *,
		    unsigned);
static unsigned	 find_word(const struct router *, const struct asked *,
		    enum kind, const char *, unsigned);
static unsigned	 find_source(const struct router *, const struct source *,
		    unsigned);
static unsigned	 find_aimed(const struct router *, const struct asked *,
		    unsigned);
static unsigned	 find_net(const struct router *, const struct acl_rule *,
		    unsigned);
static void	 net_of(struct acl_rule *, const struct source *, unsigned);
static bool	 holds(const struct router *, unsigned,
		    const struct asked *);
static bool	 aims(const struct router *, unsigned,
		    const struct dest *);
static bool	 offers(const char *, const char *);

struct router *
router_new(const struct conf_listen *l)
{
	struct router *r;
	char *text;
	unsigned i;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->routes = l->routes;
	r->n = r->always = l->nroutes;
	if (router_room(r) == -1) {
		router_free(&r);
		errno = ENOMEM;
		return NULL;
	}
	for (i = 0, text = r->texts; i < r->n; i++)
		if (router_route(r, i, &text) == -1) {
			router_free(&r);
			errno = ENOMEM;
			return NULL;
		}
	qsort(r->words, r->nwords, sizeof(*r->words), word_cmp);
	qsort(r->nets, r->nnets, sizeof(*r->nets), net_cmp);
	return r;
}

static int
router_room(struct router *r)
{
	const struct conf_route *c;
	size_t words = 0, nets = 0, bytes = 0, rules = 0;
	unsigned i;

	for (c = r->routes; c < r->routes + r->n; c++) {
		words += c->nsni + c->nalpn;
		nets += c->from.n;
		rules += c->ntarget;
		for (i = 0; i < c->nsni; i++)
			bytes += HOST_LEN < strlen(c->sni[i]) + 1 ? HOST_LEN :
			    strlen(c->sni[i]) + 1;
		for (i = 0; i < c->nalpn; i++)
			bytes += strlen(c->alpn[i]) + 1;
	}
	r->from = calloc(r->n + 1, sizeof(*r->from));
	r->words = calloc(words + 1, sizeof(*r->words));
	r->nets = calloc(nets + 1, sizeof(*r->nets));
	r->texts = malloc(bytes + 1);
	r->rules = calloc(rules + 1, sizeof(*r->rules));
	r->first = calloc(r->n + 1, sizeof(*r->first));
	r->aimed = calloc(r->n + 1, sizeof(*r->aimed));
	return r->from == NULL || r->words == NULL || r->nets == NULL ||
	    r->texts == NULL || r->rules == NULL || r->first == NULL ||
	    r->aimed == NULL ? -1 : 0;
}

static int
router_route(struct router *r, unsigned i, char **text)
{
	const struct conf_route *c = &r->routes[i];

	router_rules(r, i);
	r->sniffs |= c->nsni > 0 || c->nalpn > 0;
	if (c->nsni == 0 && c->nalpn == 0 && c->ntarget > 0)
		r->aimed[r->naimed++] = i;
	else if (c->nsni == 0 && c->nalpn == 0) {
		if (c->from.n == 0 && r->always == r->n)
			r->always = i;
		router_nets(r, i);
		return 0;
	}
	router_words(r, i, text);
	if (c->from.n > 0 && (r->from[i] = acl_map_new(&c->from)) == NULL)
		return -1;
	return 0;
}

/* What is no rule has been refused. */
static void
router_rules(struct router *r, unsigned i)
{
	const struct conf_route *c = &r->routes[i];
	unsigned k;

	r->first[i + 1] = r->first[i];
	for (k = 0; k < c->ntarget; k++)
		(void)conf_target_of(c->target[k],
		    &r->rules[r->first[i + 1]++]);
}

static void
router_words(struct router *r, unsigned i, char **text)
{
	const struct conf_route *c = &r->routes[i];
	bool below;
	unsigned k;

	for (k = 0; k < c->nsni; k++) {
		below = *c->sni[k] == '*';
		router_word(r, i, below ? KEY_BELOW : KEY_NAME, text,
		    c->sni[k] + (below ? 2 : 0));
	}
	for (k = 0; k < c->nalpn && c->nsni == 0; k++)
		router_word(r, i, KEY_ALPN, text, c->alpn[k]);
}

static void
router_word(struct router *r, unsigned i, enum kind kind, char **text,
    const char *from)
{
	struct word *w = &r->words[r->nwords++];
	size_t len = strlen(from);
	char name[HOST_LEN];

	if (kind != KEY_ALPN && host_normal(from, len, name) == 0) {
		from = name;
		len = strlen(name);
	}
	memcpy(*text, from, len + 1);
	*w = (struct word){ .kind = kind, .text = *text, .route = i };
	*text += len + 1;
}

static void
router_nets(struct router *r, unsigned i)
{
	const struct acl *from = &r->routes[i].from;
	const struct acl_rule *net;
	size_t k;

	for (k = 0; k < from->n; k++) {
		net = &from->rules[k];
		r->nets[r->nnets].net = *net;
		r->nets[r->nnets++].route = i;
		if (net->family == AF_INET)
			r->bits4[net->bits] = true;
		else if (net->family == AF_INET6)
			r->bits6[net->bits] = true;
	}
}

static int
word_cmp(const void *p, const void *q)
{
	const struct word *a = p, *b = q;
	int diff = word_is(a, b->kind, b->text);

	if (diff != 0)
		return diff;
	return a->route < b->route ? -1 : a->route > b->route;
}

static int
word_is(const struct word *w, enum kind kind, const char *text)
{
	if (w->kind != kind)
		return w->kind < kind ? -1 : 1;
	return strcmp(w->text, text);
}

static int
net_cmp(const void *p, const void *q)
{
	const struct net *a = p, *b = q;
	int diff = net_is(&a->net, &b->net);

	if (diff != 0)
		return diff;
	return a->route < b->route ? -1 : a->route > b->route;
}

static int
net_is(const struct acl_rule *a, const struct acl_rule *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return memcmp(a->ip, b->ip, sizeof(a->ip));
}

void
router_free(struct router **rp)
{
	struct router *r = *rp;
	unsigned i;

	*rp = NULL;
	if (r == NULL)
		return;
	for (i = 0; i < r->n && r->from != NULL; i++)
		acl_map_free(&r->from[i]);
	free(r->from);
	free(r->words);
	free(r->nets);
	free(r->texts);
	free(r->rules);
	free(r->first);
	free(r->aimed);
	free(r);
}

bool
router_sniffs(const struct router *r)
{
	return r->sniffs;
}

int
router_find(const struct router *r, const struct asked *a)
{
	unsigned best = r->always;

	best = find_name(r, a, best);
	best = find_alpn(r, a, best);
	best = find_source(r, a->source, best);
	best = find_aimed(r, a, best);
	return best == r->n ? -1 : (int)best;
}

/* These return the first route that holds, if it is before best; else best. */

static unsigned
find_name(const struct router *r, const struct asked *a, unsigned best)
{
	const char *below = a->name;

	if (a->name == NULL)
		return best;
	best = find_word(r, a, KEY_NAME, a->name, best);
	while ((below = strchr(below, '.')) != NULL)
		best = find_word(r, a, KEY_BELOW, ++below, best);
	return best;
}

static unsigned
find_alpn(const struct router *r, const struct asked *a, unsigned best)
{
	const char *p = a->alpn;
	char one[256];
	size_t len;

	for (; p != NULL && *p != '\0'; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (len >= sizeof(one))
			continue;
		memcpy(one, p, len);
		one[len] = '\0';
		best = find_word(r, a, KEY_ALPN, one, best);
	}
	return best;
}

static unsigned
find_word(const struct router *r, const struct asked *a, enum kind kind,
    const char *text, unsigned best)
{
	size_t low = 0, n = r->nwords, half;
	const struct word *w;

	while (n > 0) {
		half = n / 2;
		if (word_is(&r->words[low + half], kind, text) < 0) {
			low += half + 1;
			n -= half + 1;
		} else
			n = half;
	}
	for (w = r->words + low; w < r->words + r->nwords && w->route < best &&
	    word_is(w, kind, text) == 0; w++)
		if (holds(r, w->route, a))
			return w->route;
	return best;
}

static unsigned
find_source(const struct router *r, const struct source *s, unsigned best)
{
	const bool *has = s->family == AF_INET ? r->bits4 : r->bits6;
	unsigned bits, most = s->family == AF_INET ? 32 : 128;
	struct acl_rule net;

	if (s->family == AF_UNIX) {
		net_of(&net, s, 0);
		return find_net(r, &net, best);
	}
	for (bits = 0; bits <= most; bits++)
		if (has[bits]) {
			net_of(&net, s, bits);
			best = find_net(r, &net, best);
		}
	return best;
}

static unsigned
find_aimed(const struct router *r, const struct asked *a, unsigned best)
{
	unsigned i;

	for (i = 0; i < r->naimed && r->aimed[i] < best; i++)
		if (holds(r, r->aimed[i], a))
			return r->aimed[i];
	return best;
}

static unsigned
find_net(const struct router *r, const struct acl_rule *net, unsigned best)
{
	size_t low = 0, n = r->nnets, half;
	const struct net *first;

	while (n > 0) {
		half = n / 2;
		if (net_is(&r->nets[low + half].net, net) < 0) {
			low += half + 1;
			n -= half + 1;
		} else
			n = half;
	}
	first = r->nets + low;
	if (low < r->nnets && net_is(&first->net, net) == 0)
		return MIN(first->route, best);
	return best;
}

/* The network of so many bits that a source is in. */
static void
net_of(struct acl_rule *net, const struct source *s, unsigned bits)
{
	memset(net, 0, sizeof(*net));
	net->family = s->family;
	net->bits = (uint8_t)bits;
	memcpy(net->ip, s->ip, bits / 8);
	if (bits % 8 != 0)
		net->ip[bits / 8] = (uint8_t)(s->ip[bits / 8] &
		    0xff00 >> bits % 8);
}

/* What it was not found by. */
static bool
holds(const struct router *r, unsigned i, const struct asked *a)
{
	const struct conf_route *c = &r->routes[i];
	unsigned k = 0;

	if (r->from[i] != NULL && !acl_map_has(r->from[i], a->source))
		return false;
	if (c->ntarget > 0 && (a->target == NULL ||
	    !aims(r, i, a->target)))
		return false;
	if (c->nalpn == 0)
		return true;
	while (k < c->nalpn && !offers(a->alpn, c->alpn[k]))
		k++;
	return k < c->nalpn;
}

/* A name is not looked up: it is none of a network. */
static bool
aims(const struct router *r, unsigned i, const struct dest *to)
{
	const struct dest_rule *rule;
	struct source s;

	if (to->host[0] == '\0' && to->addr.len == 0)
		return false;
	if (to->host[0] == '\0')
		source_set(&s, &to->addr.sa);
	for (rule = r->rules + r->first[i]; rule < r->rules + r->first[i + 1];
	    rule++)
		if (dest_rule_has_port(rule, to->port) &&
		    (to->host[0] != '\0' ? dest_rule_has_name(rule, to->host) :
		    dest_rule_has_addr(rule, &s)))
			return true;
	return false;
}

/* Whether a protocol is in a list, which may be NULL. */
static bool
offers(const char *list, const char *alpn)
{
	size_t len = strlen(alpn);
	const char *p = list;

	for (; p != NULL && *p != '\0'; p += strcspn(p, ","), p += *p == ',')
		if (strncmp(p, alpn, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0'))
			return true;
	return false;
}
