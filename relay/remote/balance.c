#include "compat.h"

#include <math.h>

#include "balance.h"

/* Between two turns of weight 1: 16 times what 1 to 20 divide, so that shares
 * of all usual weights are exact. Times the most sessions it is below 2^64. */
#define WHOLE		UINT32_C(3724680960)

typedef struct remote *choose_fn(struct remotes *, const struct source *);

static uint32_t	 hash_bytes(const void *, size_t);
static uint32_t	 hash_mix(uint32_t);
static uint32_t	 hash_least(double);
static choose_fn choose_leastconn, choose_roundrobin, choose_source,
		 choose_random;

static choose_fn * const choosers[] = {
	[BALANCE_LEASTCONN] = choose_leastconn,
	[BALANCE_ROUNDROBIN] = choose_roundrobin,
	[BALANCE_SOURCE] = choose_source,
	[BALANCE_RANDOM] = choose_random,
};

/* Those of one weight begin one after the other, evenly in their time. */
void
balance_start(struct remotes *rs, unsigned first)
{
	struct remote *r;
	unsigned i;

	for (i = 0; i < rs->n; i++) {
		r = &rs->all[(first + i) % rs->n];
		r->stride = WHOLE / r->weight;
		r->turn = (uint64_t)r->stride * (2 * i + 1) / (2 * rs->n);
		rs->hashes[r - rs->all] =
		    hash_bytes(r->conf->name, strlen(r->conf->name));
		if (r->weight > rs->top_weight)
			rs->top_weight = r->weight;
	}
}

/* FNV-1a; not for anything that an enemy may choose. */
static uint32_t
hash_bytes(const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint32_t h = 2166136261u;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619u;
	return hash_mix(h);
}

static uint32_t
hash_mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
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

/*
 * Weighted rendezvous hashing (Thaler and Ravishankar 1998; the logarithm
 * gives exact weights): a client stays with its remote, and when a remote
 * goes, only its own clients move. A hash below least is too low for any
 * weight, which spares most of the logarithms.
 */
static struct remote *
choose_source(struct remotes *rs, const struct source *source)
{
	const uint32_t client = hash_bytes(source->ip, sizeof(source->ip));
	struct remote *r, *best = NULL;
	double score, best_score = 0;
	uint32_t h, least = 0;
	unsigned i;

	for (i = 0; i < rs->n; i++) {
		h = hash_mix(rs->hashes[i] ^ client);
		if (h < least || rs->all[i].heap != &rs->by_turn)
			continue;
		r = &rs->all[i];
		score = -log(((double)h + 1) / 4294967297.0) / r->weight;
		if (best == NULL || score < best_score) {
			best = r;
			best_score = score;
			least = hash_least(score * rs->top_weight);
		}
	}
	return best;
}

/* No lower hash has that score, or a better one. */
static uint32_t
hash_least(double score)
{
	const double h = exp(-score) * 4294967297.0 - 2;

	return h > 0 ? (uint32_t)h : 0;
}

/* Any, which is then taken as often as its weight is to the greatest one. */
static struct remote *
choose_random(struct remotes *rs, const struct source *source)
{
	const struct heap *h = &rs->by_turn;
	struct remote *r;

	(void)source;
	if (h->n == 0)
		return NULL;
	do
		r = h->items[arc4random_uniform(h->n)].remote;
	while (r->weight < rs->top_weight &&
	    arc4random_uniform(rs->top_weight) >= r->weight);
	return r;
}
