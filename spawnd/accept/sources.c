#include "compat.h"

#include "accept/sources.h"

#define BUCKETS_MIN	16		/* powers of 2 */
#define BUCKETS_MAX	65536
#define IN_USE		((unsigned)-1)
#define SWEEP		2		/* of no use, freed for each new one */

static size_t	 bucket_number(const struct sources *,
		    const struct source_key *);
static struct known_list *bucket_of(struct sources *,
		    const struct source_key *);
static void	 forget(struct sources *, struct known *);
static void	 forget_first(struct sources *);
static void	 sweep(struct sources *, uint64_t);
static void	 place(struct sources *, unsigned, struct known *);
static void	 move_up(struct sources *, unsigned, struct known *);
static void	 move_down(struct sources *, unsigned, struct known *);
static void	 take_out(struct sources *, struct known *);

int
sources_init(struct sources *s, unsigned max)
{
	memset(s, 0, sizeof(*s));
	s->max = max;
	siphash_key(&s->hash);
	for (s->nbuckets = BUCKETS_MIN; s->nbuckets < BUCKETS_MAX &&
	    s->nbuckets < max; s->nbuckets *= 2)
		;
	s->buckets = calloc(s->nbuckets, sizeof(*s->buckets));
	s->idle = calloc((size_t)max + 1, sizeof(struct known *));
	if (s->buckets != NULL && s->idle != NULL)
		return 0;
	sources_free(s);
	errno = ENOMEM;
	return -1;
}

void
sources_free(struct sources *s)
{
	struct known *k;
	size_t i;

	for (i = 0; s->buckets != NULL && i < s->nbuckets; i++)
		while ((k = LIST_FIRST(&s->buckets[i])) != NULL) {
			LIST_REMOVE(k, entry);
			free(k);
		}
	free(s->buckets);
	free(s->idle);
	memset(s, 0, sizeof(*s));
}

bool
sources_key(struct source_key *key, const struct source *source,
    unsigned owner, unsigned bits, unsigned bits6)
{
	struct source net = *source;

	if (source->family != AF_INET && source->family != AF_INET6)
		return false;
	source_network(&net, bits, bits6);
	memset(key, 0, sizeof(*key));
	key->owner = owner;
	key->family = net.family;
	memcpy(key->ip, net.ip, sizeof(key->ip));
	return true;
}

static size_t
bucket_number(const struct sources *s, const struct source_key *key)
{
	return siphash(&s->hash, key, sizeof(*key)) & (s->nbuckets - 1);
}

static struct known_list *
bucket_of(struct sources *s, const struct source_key *key)
{
	return &s->buckets[bucket_number(s, key)];
}

struct known *
sources_find(struct sources *s, const struct source_key *key)
{
	struct known *k;

	LIST_FOREACH(k, bucket_of(s, key), entry)
		if (memcmp(&k->key, key, sizeof(*key)) == 0)
			return k;
	return NULL;
}

struct known *
sources_add(struct sources *s, const struct source_key *key, size_t size)
{
	struct known *k;

	if ((k = calloc(1, size)) == NULL)
		return NULL;
	k->key = *key;
	k->at = IN_USE;
	LIST_INSERT_HEAD(bucket_of(s, key), k, entry);
	s->n++;
	return k;
}

struct known *
sources_next(const struct sources *s, const struct known *k)
{
	struct known *next = k == NULL ? NULL : LIST_NEXT(k, entry);
	size_t b = 0;

	if (k != NULL)
		b = bucket_number(s, &k->key) + 1;
	for (; next == NULL && s->buckets != NULL && b < s->nbuckets; b++)
		next = LIST_FIRST(&s->buckets[b]);
	return next;
}

void
sources_use(struct sources *s, struct known *k)
{
	if (k->at != IN_USE)
		take_out(s, k);
}

void
sources_idle(struct sources *s, struct known *k, uint64_t until, uint64_t now)
{
	sources_use(s, k);
	sweep(s, now);
	if (until <= now) {
		forget(s, k);
		return;
	}
	k->until = until;
	move_up(s, s->nidle++, k);
	if (s->nidle > s->max)
		forget_first(s);
}

static void
forget(struct sources *s, struct known *k)
{
	LIST_REMOVE(k, entry);
	free(k);
	s->n--;
}

static void
forget_first(struct sources *s)
{
	struct known *k = s->idle[0], *last = s->idle[--s->nidle];

	if (s->nidle != 0)
		move_down(s, 0, last);
	forget(s, k);
}

/* More than come, so that the table shrinks without a timer. */
static void
sweep(struct sources *s, uint64_t now)
{
	int i;

	for (i = 0; i < SWEEP; i++)
		if (s->nidle != 0 && s->idle[0]->until <= now)
			forget_first(s);
}

static void
place(struct sources *s, unsigned at, struct known *k)
{
	s->idle[at] = k;
	k->at = at;
}

/* To a free place or above it. */
static void
move_up(struct sources *s, unsigned at, struct known *k)
{
	unsigned up;

	for (; at != 0; at = up) {
		up = (at - 1) / 2;
		if (k->until >= s->idle[up]->until)
			break;
		place(s, at, s->idle[up]);
	}
	place(s, at, k);
}

/* To a free place or below it. */
static void
move_down(struct sources *s, unsigned at, struct known *k)
{
	unsigned down;

	for (; (down = 2 * at + 1) < s->nidle; at = down) {
		if (down + 1 < s->nidle &&
		    s->idle[down + 1]->until < s->idle[down]->until)
			down++;
		if (s->idle[down]->until >= k->until)
			break;
		place(s, at, s->idle[down]);
	}
	place(s, at, k);
}

static void
take_out(struct sources *s, struct known *k)
{
	const unsigned at = k->at;
	struct known *last = s->idle[--s->nidle];

	k->at = IN_USE;
	if (last == k)
		return;
	if (at != 0 && last->until < s->idle[(at - 1) / 2]->until)
		move_up(s, at, last);
	else
		move_down(s, at, last);
}
