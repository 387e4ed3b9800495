#include "compat.h"

#include "filter.h"
#include "self.h"

#define SLICES		50	/* a second: what is due is read in pieces of
				   that size at least */
#define LATE		50	/* ms that who waits for its turn may be
				   late and lose nothing */
#define UNIT		1000	/* of a bucket, a byte: a ms of 1 byte a second
				   is one */

/* What may pass in one direction. */
struct bucket {
	uint64_t	 level;	/* in UNITs */
	uint64_t	 filled; /* ms */
	bool		 waits;	/* somebody was told to come back */
};

struct rate {
	struct filt	 filt;
	struct bucket	 bucket[2];
};

static int	 rate_open(struct filt *, struct sess *);
static size_t	 rate_allow(struct filt *, struct end *, size_t);
static void	 rate_passed(struct filt *, struct end *, size_t);
static const struct conf_rate *rate_conf(const struct filt *);
static struct bucket *rate_bucket(struct filt *, const struct end *);
static void	 bucket_fill(struct bucket *, const struct conf_rate *);
static size_t	 rate_slice(const struct conf_rate *, size_t);

const struct filter filter_rate = {
	.size = sizeof(struct rate), .why = WHY_FIN, .open = rate_open,
	.allow = rate_allow, .passed = rate_passed
};

static const struct conf_rate *
rate_conf(const struct filt *f)
{
	return &self.conf->rates[f->section->conf.index];
}

static struct bucket *
rate_bucket(struct filt *f, const struct end *from)
{
	return &container_of(f, struct rate, filt)->bucket[filt_way(from)];
}

static int
rate_open(struct filt *f, struct sess *s)
{
	struct rate *r = container_of(f, struct rate, filt);
	unsigned i;

	(void)s;
	for (i = 0; i < nitems_of(r->bucket); i++) {
		r->bucket[i].level = rate_conf(f)->burst * UNIT;
		r->bucket[i].filled = ev_now();
	}
	return 1;
}

/* A burst is what has not been used; who waits all the time and is called late
 * has used all, and gets it. */
static void
bucket_fill(struct bucket *b, const struct conf_rate *c)
{
	const uint64_t ms = MIN(ev_now() - b->filled, UINT16_MAX);
	uint64_t most = c->burst * UNIT;

	if (b->waits)
		most = MAX(most, c->bytes * LATE);
	b->level = MAX(b->level, MIN(b->level + ms * c->bytes, most));
	b->filled = ev_now();
}

/* What is worth a read. */
static size_t
rate_slice(const struct conf_rate *c, size_t want)
{
	return (size_t)MIN(want, MAX(1, MIN(c->bytes / SLICES, c->burst / 2)));
}

static size_t
rate_allow(struct filt *f, struct end *from, size_t want)
{
	const struct conf_rate *c = rate_conf(f);
	struct bucket *b = rate_bucket(f, from);
	uint64_t lacks, least = rate_slice(c, want);

	if (!filt_is_way(c->direction, from))
		return want;
	bucket_fill(b, c);
	b->waits = b->level < least * UNIT;
	if (!b->waits)
		return (size_t)MIN(want, b->level / UNIT);
	lacks = least * UNIT - b->level;
	filt_wake(f, ev_now() + (lacks + c->bytes - 1) / c->bytes);
	return 0;
}

static void
rate_passed(struct filt *f, struct end *from, size_t n)
{
	if (filt_is_way(rate_conf(f)->direction, from))
		rate_bucket(f, from)->level -= n * UNIT;
}
