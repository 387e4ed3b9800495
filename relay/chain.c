#include "compat.h"

#include "chain.h"
#include "path.h"
#include "store.h"

#define WHOLE	(32 * 1024)	/* bytes that fill a chunk */

static int	 chain_add(struct chain *, struct sess *,
		    struct filter_section *);
static struct way *way_of(const struct end *);
static struct chain *chain_of(const struct end *);
static struct link *link_at(struct chain *, const struct end *, unsigned);
static struct queue **chain_first(const struct end *);
static bool	 link_takes(const struct link *, const struct end *);
static void	 chain_leave(struct chain *, struct end *);
static struct queue **chain_out(struct chain *, struct end *, unsigned);
static enum verdict chain_one(struct chain *, struct end *, unsigned,
		    bool *last);
static int	 chain_verdict(struct chain *, struct end *, unsigned,
		    enum verdict);
static void	 chain_cut(struct chain *, struct end *, unsigned);

/* What filters see is read into this one. If it is filled it goes on with them;
 * a few bytes are rather copied than kept in it. */
static struct chunk *spare;

int
chain_open(struct sess *s)
{
	const struct path *p = s->path;
	struct chain *c;
	unsigned i;

	c = calloc(1, sizeof(*c) + p->nfilters * sizeof(c->links[0]));
	if (c == NULL)
		return -1;
	s->extra->chain = c;
	for (i = 0; i < p->nfilters; i++)
		if (chain_add(c, s, p->filters[i]) == -1)
			return -1;
	/* What filters hold is held for long. */
	if (c->bytes && store_full()) {
		errno = ENOMEM;
		return -1;
	}
	s->client.filtered = s->remote.filtered = c->n > 0;
	return 0;
}

static int
chain_add(struct chain *c, struct sess *s, struct filter_section *section)
{
	const struct filter *ops = section->ops;
	struct filt *f = calloc(1, ops->size);
	int part;

	if (f == NULL)
		return -1;
	f->section = section;
	f->sess = s;
	part = ops->open == NULL ? 1 : ops->open(f, s);
	if (part != 1) {
		free(f);
		return part;
	}
	board_add(&section->board->sessions, 1);
	board_add32(&section->board->active, 1);
	c->links[c->n++].filt = f;
	if (ops->data != NULL)
		c->bytes = true;
	return 0;
}

void
chain_close(struct sess *s)
{
	struct chain *c = s->extra->chain;
	struct filt *f;
	unsigned i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++) {
		f = c->links[i].filt;
		board_add32(&f->section->board->active, -1);
		if (f->section->ops->close != NULL)
			f->section->ops->close(f);
	}
}

void
chain_free(struct chain **cp)
{
	struct chain *c = *cp;
	unsigned i;

	*cp = NULL;
	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++) {
		queue_free(&c->links[i].in[0]);
		queue_free(&c->links[i].in[1]);
		free(c->links[i].filt);
	}
	free(c);
}

static struct chain *
chain_of(const struct end *e)
{
	return sess_of(e)->extra->chain;
}

static struct way *
way_of(const struct end *from)
{
	return &chain_of(from)->way[filt_way(from)];
}

/* In the order of a direction, from 0 on. */
static struct link *
link_at(struct chain *c, const struct end *from, unsigned i)
{
	return &c->links[from->remote ? c->n - 1 - i : i];
}

/* --- what filters ask --- */

void
filt_wake(struct filt *f, uint64_t at)
{
	if (f->due == 0 || at < f->due)
		f->due = at;
}

size_t
filt_share(const struct filt *f)
{
	return f->sess->path->relay->buffer / 4 * 3;
}

size_t
filt_room(const struct filt *f, const struct queue *out)
{
	const size_t share = filt_share(f), len = queue_len(out);

	return len < share ? share - len : 0;
}

/* --- what may be read --- */

size_t
chain_allow(struct end *from, size_t want)
{
	struct chain *c = chain_of(from);
	struct way *w = way_of(from);
	struct filt *f;
	unsigned i;

	for (i = 0; i < c->n && want > 0; i++) {
		f = link_at(c, from, i)->filt;
		if (f->section->ops->allow != NULL)
			want = f->section->ops->allow(f, from, want);
	}
	w->waits = want == 0;
	return w->allowed = want;
}

size_t
chain_allowed(const struct end *from)
{
	return way_of(from)->allowed;
}

bool
chain_waits(const struct end *from)
{
	return way_of(from)->waits;
}

/* It does not wait until it is allowed; what follows does. */
void
chain_early(struct end *from)
{
	const size_t n = queue_len(from->queue);
	struct queue **in = chain_first(from);

	if (n == 0)
		return;
	(void)chain_allow(from, n);
	chain_passed(from, n);
	way_of(from)->waits = false;
	if (in == NULL)
		return;
	*in = from->queue;
	from->queue = NULL;
}

void
chain_passed(struct end *from, size_t n)
{
	struct chain *c = chain_of(from);
	struct filt *f;
	unsigned i;

	for (i = 0; i < c->n; i++) {
		f = link_at(c, from, i)->filt;
		board_add(from->remote ? &f->section->board->bytes_out :
		    &f->section->board->bytes_in, n);
		if (f->section->ops->passed != NULL)
			f->section->ops->passed(f, from, n);
	}
}

char *
chain_buffer(const struct end *from, size_t *room)
{
	if (chain_first(from) == NULL)
		return NULL;
	if (spare == NULL && (spare = store_get(SIZE_MAX)) == NULL)
		return NULL;
	*room = MIN(*room, spare->room);
	return spare->data;
}

int
chain_take(struct end *from, const char *buf, size_t n)
{
	struct queue **in;

	chain_passed(from, n);
	if (way_of(from)->cut != 0)
		return 1;
	if ((in = chain_first(from)) == NULL)
		return 0;
	if (spare == NULL || buf != spare->data || n < WHOLE)
		return queue_add(in, buf, n) == -1 ? -1 : 1;
	spare->len = (uint32_t)n;
	if (queue_give(in, spare) == -1)
		return -1;
	spare = NULL;
	return 1;
}

/* Where what comes from an end begins its way; NULL: no filter sees it. */
static struct queue **
chain_first(const struct end *from)
{
	struct chain *c = chain_of(from);
	struct link *l;
	unsigned i;

	for (i = 0; i < c->n && c->bytes; i++) {
		l = link_at(c, from, i);
		if (link_takes(l, from))
			return &l->in[filt_way(from)];
	}
	return NULL;
}

/* Does it see what comes from that end? */
static bool
link_takes(const struct link *l, const struct end *from)
{
	return l->filt->section->ops->data != NULL &&
	    !l->filt->left[filt_way(from)];
}

/* When nobody sees it any more, the kernel may have it. */
static void
chain_leave(struct chain *c, struct end *from)
{
	unsigned i;

	for (i = 0; i < c->n && !link_takes(&c->links[i], from); i++)
		;
	if (i == c->n)
		from->no_splice = way_of(from)->no_splice;
}

size_t
filt_return(struct filt *f, struct end *from)
{
	struct chain *c = chain_of(from);
	struct link *l;
	size_t held = 0;
	unsigned i;

	if (!f->left[filt_way(from)])
		return 0;
	f->left[filt_way(from)] = false;
	from->no_splice = true;
	for (i = 0; (l = link_at(c, from, i))->filt != f; i++)
		held += queue_len(l->in[filt_way(from)]);
	return held;
}

/* --- what moves --- */

int
chain_run(struct end *from)
{
	struct chain *c = chain_of(from);
	struct way *w = way_of(from);
	enum verdict v;
	bool last = from->eof;
	unsigned i;

	w->holds = w->waits = false;
	for (i = 0; i < c->n; i++) {
		if (i < w->cut) {
			queue_free(&link_at(c, from, i)->in[filt_way(from)]);
			last = true;
			continue;
		}
		if (!link_takes(link_at(c, from, i), from))
			continue;
		v = chain_one(c, from, i, &last);
		if (v > FILTER_HOLD && chain_verdict(c, from, i, v) == -1)
			return -1;
		if (v > FILTER_HOLD)
			last = true;
	}
	w->ended = last;
	return 0;
}

/* One of them; *last: nothing more comes to it, or from it. */
static enum verdict
chain_one(struct chain *c, struct end *from, unsigned i, bool *last)
{
	struct link *l = link_at(c, from, i);
	struct queue **in = &l->in[filt_way(from)];
	enum flow flow = way_of(from)->reset ? FLOW_RESET :
	    *last ? FLOW_LAST : FLOW_ON;
	enum verdict v = l->filt->section->ops->data(l->filt, from, in,
	    chain_out(c, from, i), flow);

	if (l->filt->left[filt_way(from)])
		chain_leave(c, from);
	if (v == FILTER_HOLD)
		way_of(from)->holds = true;
	if (v == FILTER_HOLD || *in != NULL)
		*last = false;
	return v;
}

/* Where what a filter has done with goes: to the next that needs bytes. */
static struct queue **
chain_out(struct chain *c, struct end *from, unsigned i)
{
	struct link *l;

	while (++i < c->n) {
		l = link_at(c, from, i);
		if (link_takes(l, from))
			return &l->in[filt_way(from)];
	}
	return &from->queue;
}

/* Returns -1 if the session ends by it. */
static int
chain_verdict(struct chain *c, struct end *from, unsigned i, enum verdict v)
{
	c->by = link_at(c, from, i)->filt;
	c->verdict = v;
	if (v != FILTER_NOMEM && v != FILTER_CUT)
		chain_cut(c, from, i + 1);
	if (v == FILTER_CLOSE)
		chain_cut(c, far_of(from), c->n - i);
	return v == FILTER_FIN || v == FILTER_CLOSE ? 0 : -1;
}

/* Nothing more gets by that link, nor past all of them, where those that saw it
 * have left. */
static void
chain_cut(struct chain *c, struct end *from, unsigned link)
{
	struct way *w = way_of(from);
	unsigned i;

	from->no_splice = w->no_splice = true;
	w->cut = MAX(w->cut, link);
	for (i = 0; i < w->cut; i++)
		queue_free(&link_at(c, from, i)->in[filt_way(from)]);
}

size_t
chain_held(const struct end *from)
{
	const struct chain *c = chain_of(from);
	const struct way *w = way_of(from);
	size_t n = 0;
	unsigned i;

	for (i = 0; i < c->n && c->bytes; i++)
		n += queue_len(c->links[i].in[filt_way(from)]);
	if (w->holds || ((from->eof || w->cut != 0) && !w->ended &&
	    !w->reset))
		n++;
	return n;
}

bool
chain_over(const struct end *from)
{
	return way_of(from)->ended;
}

void
chain_fail(struct end *from)
{
	way_of(from)->reset = true;
}

bool
chain_changed(struct sess *s, const struct filter_section *section)
{
	struct filt *f;
	unsigned i;

	for (i = 0; i < s->extra->chain->n; i++) {
		f = s->extra->chain->links[i].filt;
		if (f->section != section)
			continue;
		if (section->ops->changed != NULL)
			section->ops->changed(f);
		return true;
	}
	return false;
}

/* --- time --- */

void
chain_tick(struct sess *s)
{
	struct filt *f;
	unsigned i;

	for (i = 0; s->client.filtered && i < s->extra->chain->n; i++) {
		f = s->extra->chain->links[i].filt;
		if (f->due <= ev_now())
			f->due = 0;
	}
}

uint64_t
chain_due(const struct sess *s)
{
	uint64_t due = 0, one;
	unsigned i;

	for (i = 0; s->client.filtered && i < s->extra->chain->n; i++) {
		one = s->extra->chain->links[i].filt->due;
		if (one != 0 && (due == 0 || one < due))
			due = one;
	}
	return due;
}

bool
chain_busy(const struct sess *s)
{
	const struct chain *c;

	if (!s->client.filtered || chain_due(s) == 0)
		return false;
	c = s->extra->chain;
	return c->way[0].waits || c->way[1].waits ||
	    chain_held(&s->client) != 0 || chain_held(&s->remote) != 0;
}

const struct filt *
chain_ended_by(const struct sess *s)
{
	return s->client.filtered ? s->extra->chain->by : NULL;
}

char *
chain_str(const struct chain *c, char *buf, size_t size)
{
	unsigned i;

	*buf = '\0';
	for (i = 0; i < c->n; i++) {
		if (i > 0)
			strlcat(buf, ",", size);
		strlcat(buf, c->links[i].filt->section->name, size);
	}
	return buf;
}
