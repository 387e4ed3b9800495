#include "compat.h"

#include "balance.h"
#include "hold.h"
#include "lease.h"
#include "local.h"
#include "log.h"
#include "remotes.h"
#include "rise.h"
#include "self.h"
#include "sess.h"
#include "standing.h"

#define RETIRE_SPREAD	20	/* retire up to 1/20 earlier */
#define RISE_STEP	20	/* ms between looks at those that rise */

static int	 remotes_init(struct remotes *, const struct conf_relay *,
		    struct remote *);
static unsigned	 places_init(struct remotes *, const struct conf_remote *,
		    struct remote *);
static void	 places_families(struct remote *);
static int	 heaps_init(struct remotes *);
static int	 locals_init(struct remotes *);
static void	 remotes_news(const struct board_news *, uint64_t *);
static void	 remote_learn(struct remote *);
static struct heap *place_of_any(struct remote *, uint64_t *key);
static void	 remote_count(struct remote *);
static void	 remote_changed(const struct remote *);
static void	 remote_back(struct remote *);
static enum board_failure failure_of(int);
static struct remote *single(struct remote *, const struct sess *);
static struct remote *choose(struct remotes *, const struct sess *);
static void	 remotes_rise(struct remotes *);
static bool	 full_helps(const struct remotes *, const struct sess *);
static struct remote *least_bad(const struct remotes *);
static void	 tried_aside(struct remotes *, const struct sess *);
static void	 tried_back(struct remotes *, const struct sess *);

static struct remote	*all;		/* in the order of the board */
static uint64_t		 news;		/* of others, read so far */
static uint64_t		 target_news;	/* of the checker */

int
remotes_start(void)
{
	const struct conf *c = self.conf;
	struct remote *next;
	unsigned i;

	next = all = calloc(self.board.nplaces, sizeof(*all));
	self.remotes = calloc(c->nrelays, sizeof(*self.remotes));
	if (all == NULL || self.remotes == NULL)
		return -1;
	news = board_get(&self.board.told->news.n);
	if (self.targets.mem != NULL)
		target_news = board_get(&targets_news(&self.targets)->n);
	for (i = 0; i < c->nrelays; i++) {
		if (remotes_init(&self.remotes[i], &c->relays[i], next) == -1)
			return -1;
		next += self.remotes[i].n;
	}
	return 0;
}

static int
remotes_init(struct remotes *rs, const struct conf_relay *c,
    struct remote *first)
{
	unsigned i;

	rs->conf = c;
	rs->all = first;
	for (i = 0; i < c->nremotes; i++)
		rs->n += places_init(rs, &c->remotes[i], first + rs->n);
	rs->single = rs->n == 1 && self.targets.mem == NULL &&
	    c->remotes->max_sessions == 0;
	TAILQ_INIT(&rs->waiting);
	rs->rebalance_at = c->rebalance;
	rs->retire_at = c->retire;
	if (c->retire / RETIRE_SPREAD > 1)
		rs->retire_at -= arc4random_uniform(c->retire / RETIRE_SPREAD);
	if (heaps_init(rs) == -1 || locals_init(rs) == -1)
		return -1;
	balance_start(rs, arc4random_uniform(rs->n));
	for (i = 0; i < rs->n; i++)
		remote_learn(&rs->all[i]);
	return 0;
}

static unsigned
places_init(struct remotes *rs, const struct conf_remote *c,
    struct remote *first)
{
	const unsigned n = conf_places(rs->conf, c);
	struct remote *r;

	for (r = first; r < first + n; r++) {
		r->of = rs;
		r->conf = c;
		rs->leased |= c->max_sessions != 0;
		r->weight = (uint16_t)c->weight;
		r->number = (uint16_t)(r - first);
		r->count = (uint16_t)n;
		r->rise = RISE_FULL;
		r->present = r->number < c->naddr;
		r->addr = r->present ? &c->addr[r->number] : NULL;
		r->board = &self.board.own->places[r - all];
		r->more = board_place_more(&self.board, self.board.own,
		    (unsigned)(r - all));
		r->told = &self.board.told->places[r - all];
	}
	places_families(first);
	return n;
}

/* Given the first place of a remote. */
static void
places_families(struct remote *first)
{
	struct remote *r, *end = first + first->count;
	bool four = false, six = false;

	for (r = first; r < end; r++) {
		if (!r->present ||
		    !local_reaches(r->locals, r->addr->sa.sa_family))
			continue;
		four |= r->addr->sa.sa_family == AF_INET;
		six |= r->addr->sa.sa_family == AF_INET6;
	}
	for (r = first; r < end; r++)
		r->both = four && six;
}

bool
remotes_count(struct remotes *rs)
{
	if (++rs->sessions == rs->rebalance_at) {
		hold_waive(rs);
		rs->rebalance_at += rs->conf->rebalance;
	}
	return rs->retire_at != 0 && rs->sessions >= rs->retire_at;
}

static int
heaps_init(struct remotes *rs)
{
	return heap_init(&rs->by_turn, rs->n) == -1 ||
	    heap_init(&rs->by_load, rs->n) == -1 ||
	    heap_init(&rs->held, rs->n) == -1 ||
	    heap_init(&rs->probed, rs->n) == -1 ||
	    heap_init(&rs->backups, rs->n) == -1 ||
	    heap_init(&rs->last, rs->n) == -1 ? -1 : 0;
}

static int
locals_init(struct remotes *rs)
{
	struct remote *r;

	if (rs->conf->nlocals != 0 && (rs->locals = locals_new(
	    rs->conf->locals, rs->conf->nlocals)) == NULL)
		return -1;
	for (r = rs->all; r < rs->all + rs->n; r++) {
		if (r->conf->nlocals == 0)
			r->locals = rs->locals;
		else if (r > rs->all && r[-1].conf == r->conf)
			r->locals = r[-1].locals;
		else if ((r->locals = locals_new(r->conf->locals,
		    r->conf->nlocals)) == NULL)
			return -1;
	}
	return 0;
}

void
remotes_look(void)
{
	remotes_news(&self.board.told->news, &news);
	if (self.targets.mem != NULL)
		remotes_news(targets_news(&self.targets), &target_news);
}

/* The others have more or fewer sessions somewhere, or one does not answer, or
 * the operator has changed something. Who never stops saying so is heard again
 * at the next choice. */
static void
remotes_news(const struct board_news *b, uint64_t *pos)
{
	const int64_t n = self.board.nplaces;
	int64_t i;
	unsigned k;

	for (k = 0; k < BOARD_NEWS && (i = board_news_next(b, pos)) >= 0; k++)
		if (i < n)
			remote_learn(&all[i]);
	if (k == BOARD_NEWS)
		return;
	if (i == BOARD_ALL)
		for (i = 0; i < n; i++)
			remote_learn(&all[i]);
}

static void
remote_learn(struct remote *r)
{
	r->others = atomic_load_explicit(&r->told->sessions,
	    memory_order_relaxed);
	hold_learn(r, board_get(&r->told->outcome));
	if (standing_learn(r))
		places_families(r - r->number);
	remote_place(r);
}

void
remote_place(struct remote *r)
{
	struct heap *h;
	uint64_t key;

	if (r->of->single)
		return;
	h = r->plain && remote_fails(r) == 0 ? balance_place(r, &key) :
	    place_of_any(r, &key);
	if (h == NULL)
		heap_del(r);
	else if (h != r->heap || key != h->items[r->at].key)
		heap_put(h, r, key);
}

/* NULL: it belongs nowhere. */
static struct heap *
place_of_any(struct remote *r, uint64_t *key)
{
	struct heap *h = NULL;

	if (r->conf->max_sessions != 0)
		remote_count(r);
	if (r->standing == STANDING_AWAY || r->full != FULL_NOT)
		return NULL;
	if (r->standing == STANDING_GOOD && remote_fails(r) != 0)
		h = hold_place(r, key);
	if (h == NULL)
		h = standing_place(r, key);
	return h != NULL ? h : balance_place(r, key);
}

/* Whether it is full. */
static void
remote_count(struct remote *r)
{
	struct remotes *rs = r->of;
	enum remote_full full = FULL_NOT;

	if (r->standing != STANDING_AWAY &&
	    remote_load(r) >= r->conf->max_sessions)
		full = r->standing == STANDING_GOOD && !r->backup &&
		    remote_fails(r) == 0 ? FULL_GOOD : FULL_BAD;
	if (full == r->full)
		return;
	if (r->full != FULL_NOT)
		rs->nfull[r->full]--;
	rs->nfull[full]++;
	r->full = (uint8_t)full;
}

/* The master is to look at its sessions and outcome. */
static void
remote_changed(const struct remote *r)
{
	board_news_add(&self.board.own->news, (unsigned)(r - all));
}

struct remote *
remote_pick(struct remotes *rs, const struct sess *s)
{
	struct remote *r;

	if (rs->single)
		r = single(rs->all, s);
	else
		r = choose(rs, s);
	if (rs->leased && (rs->wanted = r) != NULL && !lease_free(r))
		return NULL;
	rs->wanted = NULL;
	return r == NULL ? NULL : remote_take(r, s);
}

/* The only one there is, unless the operator has taken it away. */
static struct remote *
single(struct remote *r, const struct sess *s)
{
	if (atomic_load_explicit(&r->told->admin, memory_order_relaxed) !=
	    r->admin)
		standing_learn(r);
	return s->ntried == 0 && r->standing != STANDING_AWAY ? r : NULL;
}

struct remote *
remote_other(struct remote *r, const struct sess *s)
{
	struct remote *first = r - r->number, *other, *same = NULL;
	unsigned i, tried = 0;

	r->of->wanted = NULL;
	for (i = 0; i < r->count; i++)
		tried += remote_is_tried(first + i, s);
	for (i = 1; i < r->count && tried < REMOTE_PLACES; i++) {
		other = first + (r->number + i) % r->count;
		if (!remote_usable(other) || remote_is_tried(other, s))
			continue;
		if (!lease_free(other)) {
			r->of->wanted = other;
			continue;
		}
		if (other->addr->sa.sa_family != r->addr->sa.sa_family)
			return remote_take(other, s);
		if (same == NULL)
			same = other;
	}
	if (same == NULL)
		return NULL;
	r->of->wanted = NULL;
	return remote_take(same, s);
}

bool
remote_is_tried(const struct remote *r, const struct sess *s)
{
	unsigned i;

	for (i = 0; i < s->extra->ntried; i++)
		if (&r->of->all[s->extra->tried[i]] == r)
			return true;
	return false;
}

bool
remote_is_given_up(const struct remote *r, const struct sess *s)
{
	unsigned i;

	for (i = 0; i < s->extra->ntried; i++)
		if (r->of->all[s->extra->tried[i]].conf == r->conf)
			return true;
	return false;
}

struct remote *
remote_take(struct remote *r, const struct sess *s)
{
	if (remote_fails(r) != 0 && r->probe == NULL)
		r->probe = s;
	board_add32(&r->board->active, 1);
	remote_changed(r);
	balance_taken(r);
	remote_place(r);
	return r;
}

static struct remote *
choose(struct remotes *rs, const struct sess *s)
{
	struct remote *r;

	if (board_get(&self.board.told->news.n) != news ||
	    self.targets.mem != NULL)
		remotes_look();
	if (rs->held.n != 0)
		hold_over(rs);
	if (rs->nrising != 0)
		remotes_rise(rs);
	if (s->ntried != 0)
		tried_aside(rs, s);
	if ((r = balance_choose(rs, &s->source)) == NULL &&
	    (rs->nfull[FULL_GOOD] == 0 || !full_helps(rs, s)))
		r = least_bad(rs);
	if (s->ntried != 0)
		tried_back(rs, s);
	return r;
}

static void
remotes_rise(struct remotes *rs)
{
	struct remote *r;

	if (ev_now() < rs->rise_at)
		return;
	rs->rise_at = ev_now() + RISE_STEP;
	for (r = rs->all; r < rs->all + rs->n; r++)
		if (r->rise != RISE_FULL && rise_step(r))
			remote_place(r);
}

/* Rather wait than have one that is not meant for it; if it has not tried that
 * already. */
static bool
full_helps(const struct remotes *rs, const struct sess *s)
{
	const struct remote *r;

	for (r = rs->all; r < rs->all + rs->n; r++)
		if (r->full == FULL_GOOD &&
		    (s->ntried == 0 || !remote_is_given_up(r, s)))
			return true;
	return false;
}

static struct remote *
least_bad(const struct remotes *rs)
{
	struct remote *r = heap_least(&rs->backups);

	if (r == NULL)
		r = hold_soonest(rs);
	return r != NULL ? r : heap_least(&rs->last);
}

/* All places of the remotes. */
static void
tried_aside(struct remotes *rs, const struct sess *s)
{
	struct remote *r, *first;
	unsigned i;

	for (i = 0; i < s->extra->ntried; i++) {
		r = &rs->all[s->extra->tried[i]];
		first = r - r->number;
		for (r = first; r < first + first->count; r++)
			heap_del(r);
	}
}

static void
tried_back(struct remotes *rs, const struct sess *s)
{
	struct remote *r, *first;
	unsigned i;

	for (i = 0; i < s->extra->ntried; i++) {
		r = &rs->all[s->extra->tried[i]];
		first = r - r->number;
		for (r = first; r < first + first->count; r++)
			remote_place(r);
	}
}

void
remote_release(struct remote *r, const struct sess *s)
{
	if (r == r->of->anywhere)
		return;
	if (r->probe == s)
		r->probe = NULL;
	board_add32(&r->board->active, -1);
	remote_changed(r);
	remote_place(r);
	if (r->addrs != NULL && atomic_load_explicit(&r->board->active,
	    memory_order_relaxed) == 0)
		standing_left(r);
	if (r->of->look.cb != NULL && (r->of->leased ||
	    !TAILQ_EMPTY(&r->of->waiting)))
		ev_defer(&r->of->look, r->of->look.cb);
}

void
remote_ok(struct remote *r)
{
	board_add(&r->board->sessions, 1);
	if (remote_fails(r) != 0)
		remote_back(r);
}

static void
remote_back(struct remote *r)
{
	char name[REMOTE_STRLEN];

	log_info("remote %s: back after %u failures", remote_str(r, name),
	    remote_fails(r));
	hold_ok(r);
	rise_from(r, ev_now());
	remote_changed(r);
	remote_place(r);
}

static enum board_failure
failure_of(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return FAILED_REFUSED;
	case ETIMEDOUT:
		return FAILED_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return FAILED_UNREACHABLE;
	default:
		return FAILED_OTHER;
	}
}

void
remote_failed(struct remote *r, int err, const char *why)
{
	char name[REMOTE_STRLEN];
	uint64_t ms;

	board_add(&r->board->failed, 1);
	board_add(&r->more->failed[failure_of(err)], 1);
	if ((ms = hold_failed(r)) != 0) {
		remote_changed(r);
		log_warnx("remote %s: %s; held for %llu s",
		    remote_str(r, name), why, (unsigned long long)ms / 1000);
	}
	remote_place(r);
}
