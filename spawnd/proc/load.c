#include "compat.h"

#include <inttypes.h>

#include "board.h"
#include "ev.h"
#include "hash.h"
#include "master.h"
#include "proc/admin.h"
#include "proc/generation.h"
#include "proc/lease.h"
#include "proc/load.h"
#include "proc/worker.h"

#define BUCKETS		4099
#define KEPT		1000	/* most places that no generation has */
#define WATCH		10	/* ms between news for those who wait */

LIST_HEAD(bucket, total);

static struct bucket *bucket_of(const char *, const char *, const char *);
static struct total *total_of(const char *, const char *, const char *);
static void	 total_use(struct total *, struct place *);
static void	 total_left(struct total *);
static int	 place_begin(struct generation *, unsigned,
		    const struct conf_relay *, const struct conf_remote *,
		    unsigned);
static void	 place_look(struct generation *, unsigned);
static void	 place_move(struct place *, struct total *);
static void	 deeds_move(struct deeds *, struct deeds *,
		    const struct deeds *);
static void	 watch_tick(struct ev_timer *);
static bool	 waits(const struct worker *);
static void	 look_all(void);
static void	 look_news(struct worker *);
static void	 look(struct worker *, unsigned);
static void	 changed(struct total *);
static void	 tell_changed(void);
static void	 tell(struct worker *, unsigned);
static void	 tell_places(struct total *);
static void	 fold(struct worker *, unsigned);

static struct bucket		 names[BUCKETS];
static TAILQ_HEAD(, total)	 news = TAILQ_HEAD_INITIALIZER(news);
static TAILQ_HEAD(, total)	 unused = TAILQ_HEAD_INITIALIZER(unused);
static unsigned			 nunused;
static uint64_t			 told;	/* ms, when last */
static struct ev_timer		 watch_timer = EV_TIMER(watch_tick);

static struct bucket *
bucket_of(const char *relay, const char *remote, const char *addr)
{
	return &names[hash_text(hash_text(hash_text(HASH_BEGIN, relay),
	    remote), addr) % BUCKETS];
}

static struct total *
total_of(const char *relay, const char *remote, const char *addr)
{
	struct bucket *b = bucket_of(relay, remote, addr);
	struct total *t;

	LIST_FOREACH(t, b, name)
		if (strcmp(t->remote, remote) == 0 &&
		    strcmp(t->addr, addr) == 0 &&
		    strcmp(t->relay, relay) == 0)
			return t;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	strlcpy(t->relay, relay, sizeof(t->relay));
	strlcpy(t->remote, remote, sizeof(t->remote));
	strlcpy(t->addr, addr, sizeof(t->addr));
	t->admin = admin_of(relay, remote);
	LIST_INIT(&t->places);
	TAILQ_INIT(&t->askers);
	LIST_INSERT_HEAD(b, t, name);
	TAILQ_INSERT_TAIL(&unused, t, unused);
	nunused++;
	return t;
}

/* A generation has it, in that place. */
static void
total_use(struct total *t, struct place *p)
{
	if (LIST_EMPTY(&t->places)) {
		TAILQ_REMOVE(&unused, t, unused);
		nunused--;
	}
	LIST_INSERT_HEAD(&t->places, p, entry);
	p->total = t;
}

/* Once it has a place less. It may come back, and what it did before counts. */
static void
total_left(struct total *t)
{
	if (!LIST_EMPTY(&t->places))
		return;
	TAILQ_INSERT_TAIL(&unused, t, unused);
	for (nunused++; nunused > KEPT; nunused--) {
		t = TAILQ_FIRST(&unused);
		TAILQ_REMOVE(&unused, t, unused);
		if (t->changed)
			TAILQ_REMOVE(&news, t, entry);
		LIST_REMOVE(t, name);
		free(t);
	}
}

int
load_generation(struct generation *g)
{
	const struct conf_relay *r;
	unsigned i, k, place = 0;

	g->places = calloc(g->board.nplaces, sizeof(*g->places));
	if (g->places == NULL)
		return -1;
	for (r = g->conf->relays; r < g->conf->relays + g->conf->nrelays; r++)
		for (i = 0; i < r->nremotes; i++)
			for (k = 0; k < conf_places(r, &r->remotes[i]); k++)
				if (place_begin(g, place++, r,
				    &r->remotes[i], k) == -1)
					return -1;
	return 0;
}

/* With the address that the configuration has for it, if any. */
static int
place_begin(struct generation *g, unsigned place,
    const struct conf_relay *relay, const struct conf_remote *remote,
    unsigned number)
{
	struct place *p = &g->places[place];
	char text[ADDR_STRLEN] = "-";
	struct total *t;

	if (number < remote->naddr)
		addr_str(&remote->addr[number], text);
	if ((t = total_of(relay->name, remote->name, text)) == NULL)
		return -1;
	p->gen = g;
	p->most = remote->max_sessions;
	total_use(t, p);
	if (g->targets.mem != NULL)
		place_look(g, place);
	return 0;
}

void
load_targets(struct generation *g)
{
	const unsigned n = g->board.nplaces;
	int64_t i;
	unsigned k;

	if (g->targets.mem == NULL)
		return;
	for (k = 0; k < BOARD_NEWS; k++) {
		i = board_news_next(targets_news(&g->targets),
		    &g->target_news);
		if (i < 0)
			break;
		if (i < n)
			place_look(g, (unsigned)i);
	}
	for (k = 0; i == BOARD_ALL && k < n; k++)
		place_look(g, k);
}

static void
place_look(struct generation *g, unsigned place)
{
	struct place *p = &g->places[place];
	char text[ADDR_STRLEN];
	struct target target;
	struct total *t;

	if (!target_get(&g->targets, place, &target) ||
	    target.addr.family == AF_UNIX ||
	    strcmp(source_str(&target.addr, text), p->total->addr) == 0)
		return;
	t = total_of(p->total->relay, p->total->remote, text);
	if (t != NULL)
		place_move(p, t);
}

static void
place_move(struct place *p, struct total *to)
{
	const size_t i = (size_t)(p - p->gen->places);
	struct total *from = p->total;
	struct deeds done = { .sessions = 0 };
	struct worker *w;

	TAILQ_FOREACH(w, &p->gen->workers, entry) {
		if (w->counted == NULL)
			continue;
		from->active -= w->counted[i];
		to->active += w->counted[i];
		load_deeds(&done, w, (unsigned)i);
	}
	deeds_move(&from->past, &to->past, &done);
	LIST_REMOVE(p, entry);
	total_use(to, p);
	total_left(from);
	lease_move(p, from);
	changed(to);
	changed(from);
}

/* What workers that go on have done at the former address stays there: they
 * will tell of it as of the new one, which is to come to the difference. */
static void
deeds_move(struct deeds *from, struct deeds *to, const struct deeds *done)
{
	const uint64_t *n = (const uint64_t *)(const void *)done;
	uint64_t *a = (uint64_t *)(void *)from, *b = (uint64_t *)(void *)to;
	size_t i;

	for (i = 0; i < sizeof(*done) / sizeof(*n); i++) {
		a[i] += n[i];
		b[i] -= n[i];
	}
}

void
load_deeds(struct deeds *d, const struct worker *w, unsigned i)
{
	const struct board *b = &w->gen->board;
	const struct board_worker *mem = board_slot(b, w->slot);
	const struct board_place *p = &mem->places[i];

	d->sessions += board_get(&p->sessions);
	d->failed += board_get(&p->failed);
	d->bytes_in += board_get(&p->bytes_in);
	d->bytes_out += board_get(&p->bytes_out);
	if (board_get(&p->failed) != 0)
		board_sum(d->reasons, board_place_more(b, mem, i)->failed,
		    FAILURES);
}

void
load_generation_free(struct generation *g)
{
	unsigned i;

	for (i = 0; g->places != NULL && i < g->board.nplaces; i++) {
		if (g->places[i].gen == NULL)
			continue;
		LIST_REMOVE(&g->places[i], entry);
		total_left(g->places[i].total);
	}
	free(g->places);
	g->places = NULL;
}

int
load_worker(struct worker *w)
{
	unsigned i;

	w->counted = calloc(w->gen->board.nplaces, sizeof(*w->counted));
	if (w->counted == NULL)
		return -1;
	for (i = 0; i < w->gen->board.nplaces; i++)
		look(w, i);
	look_all();
	tell_changed();
	for (i = 0; i < w->gen->board.nplaces; i++)
		tell(w, i);
	return lease_worker(w);
}

void
load_worker_gone(struct worker *w)
{
	unsigned i;

	lease_worker_gone(w);
	for (i = 0; i < w->gen->board.nplaces && w->counted != NULL; i++)
		fold(w, i);
	free(w->counted);
	w->counted = NULL;
}

static void
fold(struct worker *w, unsigned i)
{
	struct total *t = w->gen->places[i].total;

	look(w, i);
	load_deeds(&t->past, w, i);
	if (w->counted[i] == 0)
		return;
	t->active -= w->counted[i];
	w->counted[i] = 0;
	changed(t);
}

void
load_tell(void)
{
	if (ev_now() == told)
		return;
	told = ev_now();
	look_all();
	tell_changed();
}

void
load_watch(void)
{
	if (!ev_timer_on(&watch_timer))
		ev_timer_set(&watch_timer, WATCH);
}

static void
watch_tick(struct ev_timer *t)
{
	struct generation *g;
	struct worker *w;
	bool on;

	load_tell();
	on = lease_look();
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			on |= w->counted != NULL && waits(w);
	if (on)
		ev_timer_set(t, WATCH);
}

static bool
waits(const struct worker *w)
{
	return atomic_load(&board_slot(&w->gen->board, w->slot)->waiting) != 0;
}

static void
look_all(void)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry) {
		load_targets(g);
		TAILQ_FOREACH(w, &g->workers, entry)
			if (w->counted != NULL)
				look_news(w);
	}
}

/* Of what one worker claims no more is read than is remembered. */
static void
look_news(struct worker *w)
{
	const struct board *b = &w->gen->board;
	const struct board_news *n = &board_slot(b, w->slot)->news;
	int64_t r;
	unsigned i;

	for (i = 0; i < BOARD_NEWS; i++) {
		if ((r = board_news_next(n, &w->news)) == BOARD_NONE)
			return;
		if (r == BOARD_ALL)
			break;
		if (r < b->nplaces)
			look(w, (unsigned)r);
	}
	for (i = 0; r == BOARD_ALL && i < b->nplaces; i++)
		look(w, i);
}

/* It cannot have more sessions than it may have, nor know the future. */
static void
look(struct worker *w, unsigned i)
{
	const struct board_place *b =
	    &board_slot(&w->gen->board, w->slot)->places[i];
	struct total *t = w->gen->places[i].total;
	uint32_t active = MIN(atomic_load(&b->active), w->gen->conf->users_max);
	uint64_t outcome = board_get(&b->outcome);

	if (outcome >> 8 > ev_now())
		outcome = ev_now() << 8 | (outcome & 0xff);
	if (active == w->counted[i] && outcome <= t->outcome)
		return;
	t->active = t->active - w->counted[i] + active;
	w->counted[i] = active;
	if (outcome > t->outcome)
		t->outcome = outcome;
	changed(t);
}

static void
changed(struct total *t)
{
	if (!t->changed)
		TAILQ_INSERT_TAIL(&news, t, entry);
	t->changed = true;
}

/* Who drains chooses no more, unless sessions wait there. */
static void
tell_changed(void)
{
	const struct place *p;
	struct worker *w;
	struct total *t;

	while ((t = TAILQ_FIRST(&news)) != NULL) {
		TAILQ_REMOVE(&news, t, entry);
		t->changed = false;
		LIST_FOREACH(p, &t->places, entry) {
			TAILQ_FOREACH(w, &p->gen->workers, entry)
				if (w->counted != NULL &&
				    (!p->gen->old || waits(w)))
					tell(w, (unsigned)
					    (p - p->gen->places));
		}
	}
}

static void
tell(struct worker *w, unsigned i)
{
	struct board_told *b = board_told(&w->gen->board, w->slot);
	const struct total *t = w->gen->places[i].total;
	uint32_t others = (uint32_t)MIN(t->active - w->counted[i], UINT32_MAX);

	if (others == atomic_load(&b->places[i].sessions) &&
	    t->outcome == board_get(&b->places[i].outcome) &&
	    t->admin == atomic_load(&b->places[i].admin))
		return;
	atomic_store(&b->places[i].sessions, others);
	atomic_store(&b->places[i].outcome, t->outcome);
	atomic_store(&b->places[i].admin, t->admin);
	board_news_add(&b->news, i);
}

/* Those that drain are told as well: a session may still be to choose. */
void
load_admin(const char *relay, const char *remote, uint32_t admin)
{
	struct total *t;
	unsigned i;

	for (i = 0; i < BUCKETS; i++) {
		LIST_FOREACH(t, &names[i], name) {
			if (strcmp(t->relay, relay) != 0 ||
			    strcmp(t->remote, remote) != 0)
				continue;
			t->admin = admin;
			tell_places(t);
		}
	}
}

static void
tell_places(struct total *t)
{
	const struct place *p;
	struct worker *w;

	LIST_FOREACH(p, &t->places, entry)
		TAILQ_FOREACH(w, &p->gen->workers, entry)
			if (w->counted != NULL)
				tell(w, (unsigned)(p - p->gen->places));
}

void
load_save(FILE *f)
{
	const struct total *t;
	const struct deeds *d;
	unsigned i, k;

	for (i = 0; i < BUCKETS; i++) {
		LIST_FOREACH(t, &names[i], name) {
			d = &t->past;
			fprintf(f, "total %s %s %" PRIu64 " %" PRIu64 " %"
			    PRIu64 " %" PRIu64 " %" PRIu64, t->relay,
			    t->remote, d->sessions, d->failed, d->bytes_in,
			    d->bytes_out, t->outcome);
			for (k = 0; k < FAILURES; k++)
				fprintf(f, " %" PRIu64, d->reasons[k]);
			fprintf(f, " %s\n", t->addr);
		}
	}
}

/* The address comes last, as a path may be anything. */
bool
load_take(const char *line)
{
	struct total t, *own;
	struct deeds *d = &t.past;
	unsigned k;
	int at, n;

	if (sscanf(line, "total %31s %31s %" SCNu64 " %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %" SCNu64 "%n", t.relay, t.remote, &d->sessions,
	    &d->failed, &d->bytes_in, &d->bytes_out, &t.outcome, &at) != 7)
		return false;
	for (k = 0; k < FAILURES; k++, at += n)
		if (sscanf(line + at, " %" SCNu64 "%n", &d->reasons[k],
		    &n) != 1)
			return false;
	if (line[at] != ' ' ||
	    (own = total_of(t.relay, t.remote, line + at + 1)) == NULL)
		return false;
	own->past = t.past;
	own->outcome = t.outcome;
	return true;
}
