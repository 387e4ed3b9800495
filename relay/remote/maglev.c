#include "compat.h"

#include "maglev.h"

/* Another number of places moves everybody: it changes in great steps only. */
#define PLACES		65537
#define PLACES_EACH	12	/* on the average, at least */

/* Who wants places. */
struct wish {
	struct maglev_walk	 walk;	/* to those that it likes best */
	uint64_t		 hash;
	uint32_t		 number;
	uint32_t		 due;	/* places, rounded down, but 1 */
	uint32_t		 got;
};

/* A table that is being made. */
struct making {
	struct maglev	*table;
	uint8_t		*taken;		/* a bit a place: fits a cache */
	struct wish	*wishes;	/* in the order of their hashes */
	unsigned	 n;
	uint32_t	 left;		/* places that are free */
};

static uint32_t	 places_for(unsigned);
static bool	 is_prime(uint32_t);
static void	 wishes_set(struct making *, const struct maglev_share *);
static int	 wish_cmp(const void *, const void *);
static void	 making_fill(struct making *);
static uint64_t	 wish_by(const struct wish *, uint64_t, unsigned);
static void	 wish_grant(struct making *, struct wish *, uint64_t);

/* FNV-1a, and the end of MurmurHash3, which stirs it. */
uint64_t
maglev_hash(const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	while (len-- > 0)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

int
maglev_build(struct maglev *m, const struct maglev_share *shares, unsigned n)
{
	struct making making = { .table = m, .n = n };

	m->n = making.left = places_for(n);
	m->places = calloc(m->n, sizeof(*m->places));
	making.taken = calloc(m->n / 8 + 1, 1);
	making.wishes = calloc(n, sizeof(*making.wishes));
	if (m->places != NULL && making.taken != NULL &&
	    making.wishes != NULL) {
		wishes_set(&making, shares);
		making_fill(&making);
	}
	free(making.taken);
	free(making.wishes);
	if (making.left == 0)
		return 0;
	free(m->places);
	m->places = NULL;
	return -1;
}

static uint32_t
places_for(unsigned n)
{
	uint32_t places = PLACES;

	while (places / PLACES_EACH < n)
		places *= 2;
	while (!is_prime(places))
		places++;
	return places;
}

static bool
is_prime(uint32_t n)
{
	uint32_t i;

	for (i = 2; i <= n / i; i++)
		if (n % i == 0)
			return false;
	return true;
}

static void
wishes_set(struct making *m, const struct maglev_share *shares)
{
	struct wish *w;
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < m->n; i++)
		sum += shares[i].weight;
	for (i = 0; i < m->n; i++) {
		w = &m->wishes[i];
		w->number = i;
		w->hash = shares[i].hash;
		w->walk = maglev_begin(m->table, w->hash);
		w->due = (uint32_t)((uint64_t)m->left * shares[i].weight / sum);
		w->due = MAX(w->due, 1);
	}
	qsort(m->wishes, m->n, sizeof(*m->wishes), wish_cmp);
}

static int
wish_cmp(const void *pa, const void *pb)
{
	const struct wish *a = pa, *b = pb;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/*
 * In many rounds, so that nobody has all that it likes best before others have
 * any: in the first 2^shift each gets its part of what it is due, then one more
 * as long as there are any.
 */
static void
making_fill(struct making *m)
{
	unsigned i, shift = 0;
	uint64_t round;

	while (m->left >> (shift + 1) >= m->n)
		shift++;
	for (round = 1; m->left != 0; round++)
		for (i = 0; i < m->n; i++)
			wish_grant(m, &m->wishes[i],
			    wish_by(&m->wishes[i], round, shift));
}

/* What it has by the end of a round, the first of which gives one at least. */
static uint64_t
wish_by(const struct wish *w, uint64_t round, unsigned shift)
{
	const uint64_t rounds = UINT64_C(1) << shift;

	return round > rounds ? w->due + (round - rounds) :
	    (w->due * round + rounds - 1) >> shift;
}

static void
wish_grant(struct making *m, struct wish *w, uint64_t most)
{
	uint32_t at;

	for (; w->got < most && m->left != 0; w->got++, m->left--) {
		do {
			at = w->walk.at;
			maglev_next(m->table, &w->walk);
		} while (m->taken[at / 8] >> at % 8 & 1);
		m->taken[at / 8] |= (uint8_t)(1 << at % 8);
		m->table->places[at] = w->number;
	}
}

struct maglev_walk
maglev_begin(const struct maglev *m, uint64_t hash)
{
	return (struct maglev_walk){
		.at = (uint32_t)(hash % m->n),
		.step = 1 + (uint32_t)((hash >> 32) % (m->n - 1)),
	};
}
