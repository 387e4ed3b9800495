#include "compat.h"

#include "buckets.h"
#include "filter.h"
#include "path.h"
#include "self.h"

#define NS_MS		UINT64_C(1000000)
#define WAITS		(100 * NS_MS)	/* who asks so soon again is late */

/* One direction of a session. */
struct turn {
	struct bucket	 own;
	struct bucket	*bucket;
	uint64_t	 key;	/* of a shared one; else 0 */
	size_t		 n;	/* bytes that are claimed */
	uint64_t	 at;	/* ns: they may flow from then on */
	uint64_t	 waited; /* ns: until then it has waited */
};

struct rate {
	struct filt	 filt;
	struct turn	 turns[2];
};

/* What those have in common who share a bucket. */
struct share {
	char		 section[CONF_NAME];
	char		 other[CONF_NAME];	/* listener or relay */
	struct source	 source;
	uint32_t	 per, way;
};

static int	 rate_open(struct filt *, struct sess *);
static size_t	 rate_allow(struct filt *, struct end *, size_t);
static void	 rate_passed(struct filt *, struct end *, size_t);
static void	 rate_close(struct filt *);
static const struct conf_rate *rate_conf(const struct filt *);
static struct turn *turn_of(struct filt *, const struct end *);
static struct bucket *turn_bucket(struct turn *, const struct conf_rate *);
static void	 turn_claim(struct turn *, const struct conf_rate *, size_t);
static uint64_t	 share_key(const struct conf_rate *, const struct sess *,
		    uint32_t);
static uint64_t	 now_ns(void);

const struct filter filter_rate = {
	.size = sizeof(struct rate), .why = WHY_FIN, .open = rate_open,
	.allow = rate_allow, .passed = rate_passed, .close = rate_close
};

static uint64_t
now_ns(void)
{
	return ev_now_us() * 1000;
}

static const struct conf_rate *
rate_conf(const struct filt *f)
{
	return &self.conf->rates[f->section->conf.index];
}

static struct turn *
turn_of(struct filt *f, const struct end *from)
{
	return &container_of(f, struct rate, filt)->turns[filt_way(from)];
}

static int
rate_open(struct filt *f, struct sess *s)
{
	const struct conf_rate *c = rate_conf(f);
	struct rate *r = container_of(f, struct rate, filt);
	uint32_t way;

	for (way = 0; way < nitems_of(r->turns); way++)
		if (c->per != CONF_PER_SESSION && self.buckets.mem != NULL)
			r->turns[way].key = share_key(c, s, way);
	return 1;
}

static uint64_t
share_key(const struct conf_rate *c, const struct sess *s, uint32_t way)
{
	const struct path *p = s->path;
	struct share share;

	memset(&share, 0, sizeof(share));
	strlcpy(share.section, c->name, sizeof(share.section));
	share.per = c->per;
	share.way = way;
	if (c->per == CONF_PER_LISTENER)
		strlcpy(share.other, p->listen->name, sizeof(share.other));
	else if (c->per == CONF_PER_RELAY)
		strlcpy(share.other, p->relay->name, sizeof(share.other));
	else {
		share.source = s->source;
		source_network(&share.source, p->listen->source_prefix,
		    p->listen->source_prefix6);
	}
	return buckets_key(&self.buckets, &share, sizeof(share));
}

/* A shared one that nobody has used for long may be another's by now; where
 * there is no room for one more, a session has its own. */
static struct bucket *
turn_bucket(struct turn *t, const struct conf_rate *c)
{
	if (t->key != 0 && t->bucket != NULL && t->bucket != &t->own &&
	    atomic_load(&t->bucket->key) == t->key)
		return t->bucket;
	t->bucket = NULL;
	if (t->key != 0)
		t->bucket = buckets_find(&self.buckets, t->key, c, now_ns());
	if (t->bucket == NULL)
		t->bucket = &t->own;
	return t->bucket;
}

static void
turn_claim(struct turn *t, const struct conf_rate *c, size_t want)
{
	const uint64_t now = now_ns();
	const bool late = now < t->waited + WAITS;

	t->n = bucket_claim(turn_bucket(t, c), c, want, late, now, &t->at);
	if (t->at > now)
		t->waited = t->at;
}

static size_t
rate_allow(struct filt *f, struct end *from, size_t want)
{
	const struct conf_rate *c = rate_conf(f);
	struct turn *t = turn_of(f, from);

	if (!filt_is_way(c->direction, from))
		return want;
	if (t->n == 0) {
		turn_claim(t, c, want);
		if (t->at > now_ns())
			filt_hit(f);
	}
	if (t->at <= now_ns())
		return MIN(want, t->n);
	filt_wake(f, (t->at + NS_MS - 1) / NS_MS);
	return 0;
}

/* What is not used now is not kept: there is a burst for those who need none
 * of it for a time. */
static void
rate_passed(struct filt *f, struct end *from, size_t n)
{
	struct turn *t = turn_of(f, from);

	if (t->n > n)
		bucket_return(t->bucket, rate_conf(f), t->n - n);
	t->n = 0;
}

static void
rate_close(struct filt *f)
{
	struct rate *r = container_of(f, struct rate, filt);

	rate_passed(f, &r->filt.sess->client, 0);
	rate_passed(f, &r->filt.sess->remote, 0);
}
