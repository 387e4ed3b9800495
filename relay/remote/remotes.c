#include "compat.h"

#include <math.h>

#include "log.h"
#include "remote/remotes.h"
#include "self.h"

#define HOLD_MIN	1000	/* ms, after the first failure */
#define HOLD_MAX	60000
#define LOOK_AGAIN	10	/* ms that counts of other workers stay good */
#define RETIRE_SPREAD	20	/* retire up to 1/20 earlier */

typedef struct remote *choose_fn(struct remotes *, const struct sess *);

static int		 remotes_init(struct remotes *,
			    const struct conf_relay *, unsigned);
static uint32_t		 hash_bytes(uint32_t, const void *, size_t);
static void		 remotes_look(struct remotes *);
static bool		 usable(const struct remotes *, const struct sess *,
			    const struct remote *);
static bool		 was_tried(const struct remotes *, const struct sess *,
			    const struct remote *);
static struct remote	*due_soonest(struct remotes *, const struct sess *);
static choose_fn	 choose_leastconn, choose_roundrobin, choose_source,
			 choose_random;
static uint64_t		 hold_time(const struct remote *);

static choose_fn * const choosers[] = {
	[BALANCE_LEASTCONN] = choose_leastconn,
	[BALANCE_ROUNDROBIN] = choose_roundrobin,
	[BALANCE_SOURCE] = choose_source,
	[BALANCE_RANDOM] = choose_random,
};

int
remotes_start(void)
{
	const struct conf *c = self.conf;
	unsigned i;

	self.remotes = calloc(c->nrelays, sizeof(*self.remotes));
	if (self.remotes == NULL)
		return -1;
	for (i = 0; i < c->nrelays; i++)
		if (remotes_init(&self.remotes[i], &c->relays[i],
		    board_first_remote(c, i)) == -1)
			return -1;
	return 0;
}

static int
remotes_init(struct remotes *p, const struct conf_relay *c, unsigned first)
{
	struct remote *u;
	unsigned i;

	p->conf = c;
	p->n = c->nremotes;
	p->first = first;
	p->turn = arc4random();
	p->retire_at = c->retire;
	if (c->retire >= RETIRE_SPREAD)
		p->retire_at -= arc4random_uniform(c->retire / RETIRE_SPREAD);
	if ((p->all = calloc(p->n, sizeof(*p->all))) == NULL)
		return -1;
	for (i = 0; i < p->n; i++) {
		u = &p->all[i];
		u->conf = &c->remotes[i];
		if (u->conf->weight > p->top_weight)
			p->top_weight = u->conf->weight;
		u->board = &self.board.own->remotes[first + i];
		u->hash = hash_bytes(2166136261u, u->conf->name,
		    strlen(u->conf->name));
	}
	return 0;
}

/* FNV-1a with a final mix; not for anything that an enemy may choose. */
static uint32_t
hash_bytes(uint32_t h, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

/*
 * Counts what the other workers have open, from the board. A count may be
 * LOOK_AGAIN old: at a rate where that matters, the sessions since then are a
 * small part of it.
 */
static void
remotes_look(struct remotes *p)
{
	const struct board *b = &self.board;
	const struct board_worker *w;
	unsigned i, k, slots;

	if (p->n == 1 || (p->seen != 0 && ev_now() < p->seen + LOOK_AGAIN))
		return;
	p->seen = ev_now();
	slots = atomic_load(&b->head->slots_used);
	for (i = 0; i < p->n; i++)
		p->all[i].others = 0;
	for (k = 0; k < slots && k < BOARD_SLOTS; k++) {
		if (k == self.slot)
			continue;
		w = board_slot(b, k);
		for (i = 0; i < p->n; i++)
			p->all[i].others += atomic_load_explicit(
			    &w->remotes[p->first + i].active,
			    memory_order_relaxed);
	}
}

static bool
was_tried(const struct remotes *p, const struct sess *s, const struct remote *u)
{
	unsigned i;

	for (i = 0; i < s->ntried; i++)
		if (&p->all[s->tried[i]] == u)
			return true;
	return false;
}

/* Held remotes are left alone; when the time is over, one session tries. */
static bool
usable(const struct remotes *p, const struct sess *s, const struct remote *u)
{
	if (u->fails != 0 && (u->probe != NULL || ev_now() < u->held_until))
		return false;
	return s->ntried == 0 || !was_tried(p, s, u);
}

static struct remote *
due_soonest(struct remotes *p, const struct sess *s)
{
	struct remote *u, *best = NULL;

	for (u = p->all; u < p->all + p->n; u++)
		if (!was_tried(p, s, u) &&
		    (best == NULL || u->held_until < best->held_until))
			best = u;
	return best;
}

struct remote *
remote_pick(struct remotes *p, const struct sess *s)
{
	struct remote *u;

	remotes_look(p);
	p->turn++;
	if ((u = choosers[p->conf->balance](p, s)) == NULL &&
	    (u = due_soonest(p, s)) == NULL)
		return NULL;
	if (u->fails != 0 && u->probe == NULL)
		u->probe = s;
	u->active++;
	board_add32(&u->board->active, 1);
	return u;
}

/* Fewest sessions a weight, this one included; ties take turns. */
static struct remote *
choose_leastconn(struct remotes *p, const struct sess *s)
{
	struct remote *u = &p->all[p->turn % p->n], *best = NULL;
	uint64_t load, best_load = 0;
	unsigned i;

	for (i = 0; i < p->n; i++, u++) {
		if (u == p->all + p->n)
			u = p->all;
		if (!usable(p, s, u))
			continue;
		load = (uint64_t)u->others + u->active + 1;
		if (load == 1 && u->conf->weight == p->top_weight)
			return u;	/* none can be better */
		if (best == NULL || load * best->conf->weight <
		    best_load * u->conf->weight) {
			best = u;
			best_load = load;
		}
	}
	return best;
}

/* Smooth weighted round robin: each gains its weight a turn, the one that has
 * most is taken and pays the sum. */
static struct remote *
choose_roundrobin(struct remotes *p, const struct sess *s)
{
	struct remote *u, *best = NULL;
	int32_t sum = 0;

	for (u = p->all; u < p->all + p->n; u++) {
		if (!usable(p, s, u))
			continue;
		u->current += (int32_t)u->conf->weight;
		sum += (int32_t)u->conf->weight;
		if (best == NULL || u->current > best->current)
			best = u;
	}
	if (best != NULL)
		best->current -= sum;
	return best;
}

/*
 * Weighted rendezvous hashing (Thaler and Ravishankar 1998; the logarithm
 * gives exact weights): a client stays with its remote, and when a remote
 * goes, only its own clients move.
 */
static struct remote *
choose_source(struct remotes *p, const struct sess *s)
{
	struct remote *u, *best = NULL;
	double score, best_score = 0;
	uint32_t h;

	for (u = p->all; u < p->all + p->n; u++) {
		if (!usable(p, s, u))
			continue;
		h = hash_bytes(u->hash, s->source.ip, sizeof(s->source.ip));
		score = -log(((double)h + 1) / 4294967297.0) / u->conf->weight;
		if (best == NULL || score < best_score) {
			best = u;
			best_score = score;
		}
	}
	return best;
}

static struct remote *
choose_random(struct remotes *p, const struct sess *s)
{
	struct remote *u, *best = NULL;
	uint32_t sum = 0;

	for (u = p->all; u < p->all + p->n; u++) {
		if (!usable(p, s, u))
			continue;
		sum += u->conf->weight;
		if (arc4random_uniform(sum) < u->conf->weight)
			best = u;
	}
	return best;
}

void
remote_release(struct remote *u, const struct sess *s)
{
	if (u->probe == s)
		u->probe = NULL;
	u->active--;
	board_add32(&u->board->active, -1);
}

void
remote_ok(struct remote *u)
{
	if (u->fails != 0) {
		log_info("remote %s: back after %u failures", u->conf->name,
		    u->fails);
		u->fails = 0;
		u->probe = NULL;
		atomic_store(&u->board->held, 0);
	}
	board_add(&u->board->sessions, 1);
}

static uint64_t
hold_time(const struct remote *u)
{
	unsigned shift = u->fails > 7 ? 7 : u->fails;
	uint64_t ms = (uint64_t)HOLD_MIN << (shift - 1);

	return ms > HOLD_MAX ? HOLD_MAX : ms;
}

/* Failures during a hold, of sessions that were under way, do not lengthen
 * it. */
void
remote_failed(struct remote *u, const char *why)
{
	board_add(&u->board->failed, 1);
	u->probe = NULL;
	if (u->fails != 0 && ev_now() < u->held_until)
		return;
	if (u->fails < UINT8_MAX)
		u->fails++;
	u->held_until = ev_now() + hold_time(u);
	atomic_store(&u->board->held, 1);
	log_warnx("remote %s: %s; held for %llu s", u->conf->name, why,
	    (unsigned long long)hold_time(u) / 1000);
}
