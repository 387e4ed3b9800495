#include "compat.h"

#include "balance.h"

/* Between two turns of weight 1: 16 times what 1 to 20 divide, so that shares
 * of all usual weights are exact. Times the most sessions it is below 2^64. */
#define WHOLE		UINT64_C(3724680960)
#define DRAWS		16	/* for the second of two, most */
#define DRAWS_FIRST	256	/* for the first */

typedef struct remote *choose_fn(struct remotes *, const struct source *);

static int	 table_make(struct remotes *);
static int	 table_shares(const struct remotes *, struct maglev_share *,
		    uint32_t *);
static bool	 table_current(struct remotes *);
static choose_fn choose_leastconn, choose_roundrobin, choose_source,
		 choose_random, choose_first;
static bool	 has_risen_for(const struct remote *, uint64_t);
static bool	 accepts(const struct remote *);
static struct remote *draw(const struct remotes *);
static struct remote *draw_other(const struct remotes *,
		    const struct remote *);
static bool	 is_better(const struct remote *, const struct remote *);

static choose_fn * const choosers[] = {
	[BALANCE_LEASTCONN] = choose_leastconn,
	[BALANCE_ROUNDROBIN] = choose_roundrobin,
	[BALANCE_SOURCE] = choose_source,
	[BALANCE_RANDOM] = choose_random,
	[BALANCE_FIRST] = choose_first,
};

/* The others need no order, which costs. */
static const bool takes_turns[] = {
	[BALANCE_LEASTCONN] = true,
	[BALANCE_ROUNDROBIN] = true,
	[BALANCE_SOURCE] = false,
	[BALANCE_RANDOM] = false,
	[BALANCE_FIRST] = false,
};

/* Those of one weight begin one after the other, evenly in their time. */
void
balance_start(struct remotes *rs, unsigned first)
{
	struct remote *r;
	unsigned i;

	for (i = 0; i < rs->n; i++) {
		r = &rs->all[(first + i) % rs->n];
		balance_weigh(r);
		r->turn = (uint64_t)r->stride * (2 * i + 1) / (2 * rs->n);
		if (r->weight > rs->top_weight)
			rs->top_weight = r->weight;
	}
	rs->stale = true;
}

/* It does not wait for the turn that it had with less weight. */
void
balance_weigh(struct remote *r)
{
	r->stride = takes_turns[r->of->conf->balance] ?
	    WHOLE / r->weight * RISE_FULL / r->rise : 0;
	if (r->turn > r->of->clock + r->stride)
		r->turn = r->of->clock + r->stride;
}

void
balance_changed(struct remote *r)
{
	struct remotes *rs = r->of;
	unsigned i;

	balance_weigh(r);
	rs->top_weight = 0;
	for (i = 0; i < rs->n; i++)
		rs->top_weight = MAX(rs->top_weight, rs->all[i].weight);
	rs->stale = true;
}

static int
table_make(struct remotes *rs)
{
	struct maglev_share *shares = calloc(rs->n, sizeof(*shares));
	uint32_t *numbers = calloc(rs->n, sizeof(*numbers));
	struct maglev table = { .places = NULL };
	uint32_t i;
	int n, made = -1;

	if (shares != NULL && numbers != NULL &&
	    (n = table_shares(rs, shares, numbers)) > 0)
		made = maglev_build(&table, shares, (unsigned)n);
	for (i = 0; made == 0 && i < table.n; i++)
		table.places[i] = numbers[table.places[i]];
	free(shares);
	free(numbers);
	if (made == 0) {
		free(rs->table.places);
		rs->table = table;
	}
	return made;
}

/* Of those that have an address. */
static int
table_shares(const struct remotes *rs, struct maglev_share *shares,
    uint32_t *numbers)
{
	const struct remote *r;
	char name[REMOTE_STRLEN];
	int n = 0;

	for (r = rs->all; r < rs->all + rs->n; r++) {
		if (!r->present)
			continue;
		remote_str(r, name);
		shares[n].hash = maglev_hash(name, strlen(name));
		shares[n].weight = r->weight;
		numbers[n++] = (uint32_t)(r - rs->all);
	}
	return n;
}

/* Without memory for another one the former is better than none. */
static bool
table_current(struct remotes *rs)
{
	if (rs->stale && table_make(rs) == 0)
		rs->stale = false;
	return rs->table.places != NULL;
}

/* Who was away does not get all the turns that it has missed. */
struct heap *
balance_place(struct remote *r, uint64_t *key)
{
	struct remotes *rs = r->of;
	uint64_t load;

	if (rs->conf->balance == BALANCE_LEASTCONN &&
	    (load = remote_load(r)) != 0) {
		*key = (load + 1) * r->stride;
		return &rs->by_load;
	}
	if (r->heap != &rs->by_turn && r->turn < rs->clock)
		r->turn = rs->clock;
	*key = r->turn;
	return &rs->by_turn;
}

struct remote *
balance_choose(struct remotes *rs, const struct source *source)
{
	return choosers[rs->conf->balance](rs, source);
}

void
balance_taken(struct remote *r)
{
	struct remotes *rs = r->of;

	if (r->turn > rs->clock)
		rs->clock = r->turn;
	r->turn += r->stride;
}

/*
 * Fewest sessions a weight, this one included. Those that have none take turns
 * by weight: else a lighter one would get nothing while there is little to
 * do.
 */
static struct remote *
choose_leastconn(struct remotes *rs, const struct source *source)
{
	struct remote *idle = heap_least(&rs->by_turn);
	struct remote *busy = heap_least(&rs->by_load);

	(void)source;
	if (idle == NULL || busy == NULL)
		return idle != NULL ? idle : busy;
	return rs->by_load.items[0].key < idle->stride ? busy : idle;
}

static struct remote *
choose_roundrobin(struct remotes *rs, const struct source *source)
{
	(void)source;
	return heap_least(&rs->by_turn);
}

/* A client stays with its remote; while that may not be used, it has the same
 * other one, wherever it asks. All of them have places, so one will do, unless
 * the table is not of today. */
static struct remote *
choose_source(struct remotes *rs, const struct source *source)
{
	struct maglev_walk walk;
	struct remote *r;
	uint64_t hash;
	uint32_t i;

	if (rs->by_turn.n < 2 || !table_current(rs))
		return heap_least(&rs->by_turn);
	hash = maglev_hash(source->ip, sizeof(source->ip));
	walk = maglev_begin(&rs->table, hash);
	for (i = 0; i < rs->table.n; i++) {
		r = &rs->all[maglev_next(&rs->table, &walk)];
		if (r->heap == &rs->by_turn && (r->rise == RISE_FULL ||
		    has_risen_for(r, hash)))
			return r;
	}
	return heap_least(&rs->by_turn);
}

/* More and more clients come to who rises, and those that have come stay. */
static bool
has_risen_for(const struct remote *r, uint64_t hash)
{
	return maglev_hash(&hash, sizeof(hash)) % RISE_FULL < r->rise;
}

/* Two, each as often as its weight is to that of all, and the better one of
 * them: so the one that has fewest is found often enough, and never by all
 * workers at once (Mitzenmacher, IEEE TPDS 2001). */
static struct remote *
choose_random(struct remotes *rs, const struct source *source)
{
	struct remote *r, *other;

	(void)source;
	if (rs->by_turn.n < 2)
		return heap_least(&rs->by_turn);
	r = draw(rs);
	other = draw_other(rs, r);
	return is_better(other, r) ? other : r;
}

/* Where the heavy ones may not be used, those that are left are light, and
 * much alike beside them. */
static struct remote *
draw(const struct remotes *rs)
{
	const struct heap *h = &rs->by_turn;
	struct remote *r;
	unsigned i = 0;

	do
		r = h->items[arc4random_uniform(h->n)].remote;
	while (++i < DRAWS_FIRST && !accepts(r));
	return r;
}

/* One that is light beside all is not waited for for ever. */
static struct remote *
draw_other(const struct remotes *rs, const struct remote *one)
{
	const struct heap *h = &rs->by_turn;
	struct remote *r;
	unsigned i = 0;

	do
		r = h->items[(one->at + 1 + arc4random_uniform(h->n - 1)) %
		    h->n].remote;
	while (h->n > 2 && ++i < DRAWS && !accepts(r));
	return r;
}

static bool
accepts(const struct remote *r)
{
	if (r->rise != RISE_FULL && arc4random_uniform(RISE_FULL) >= r->rise)
		return false;
	return r->weight >= r->of->top_weight ||
	    arc4random_uniform(r->of->top_weight) < r->weight;
}

/* Fewer sessions a weight, this one included. Among idle ones none is better:
 * the first one was drawn by its weight. */
static bool
is_better(const struct remote *a, const struct remote *b)
{
	const uint64_t na = remote_load(a), nb = remote_load(b);

	return na + nb != 0 && (na + 1) * b->weight * b->rise <
	    (nb + 1) * a->weight * a->rise;
}

/* Where nobody has a turn they are in the order of the file. */
static struct remote *
choose_first(struct remotes *rs, const struct source *source)
{
	(void)source;
	return heap_least(&rs->by_turn);
}
