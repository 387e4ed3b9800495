#include "compat.h"

#include "taps.h"

#define GROW	64
#define WORDS	128	/* of why a session has ended, most */
#define SPARE	64	/* taps beside those of all sessions */

struct tap {
	bool		 open;
	struct feed_open is;
	union {
		struct flow	 flow;
		struct dumped	 dumped;
	};
};

struct taps {
	const struct sections	*sections;
	long			 pid;
	struct tap		*tap;
	size_t			 n;
};

static bool	 open_tap(struct taps *, const struct feed_reader *,
		    const struct feed_item *);
static bool	 grow(struct taps *, size_t);
static bool	 sensible(const struct taps *, const struct feed_open *);
static void	 open_one(struct taps *, struct tap *, uint64_t);
static void	 record(struct tap *, const struct feed_reader *,
		    const struct feed_item *);
static void	 dump(struct tap *, const struct feed_reader *,
		    const struct feed_item *);
static void	 words(const struct feed_reader *, const struct feed_item *,
		    char [WORDS]);
static void	 close_tap(struct tap *, const char *, uint64_t);

struct taps *
taps_new(const struct sections *sections, long pid)
{
	struct taps *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->sections = sections;
		t->pid = pid;
	}
	return t;
}

void
taps_free(struct taps **tp, uint64_t us)
{
	struct taps *t = *tp;
	size_t i;

	*tp = NULL;
	for (i = 0; i < t->n; i++)
		if (t->tap[i].open)
			close_tap(&t->tap[i], "its worker has ended", us);
	free(t->tap);
	free(t);
}

bool
taps_take(struct taps *t, const struct feed_reader *r,
    const struct feed_item *i)
{
	struct tap *tap;
	char why[WORDS];

	if (i->kind == FEED_OPEN)
		return open_tap(t, r, i);
	/* A session of the recorder before this one. */
	if (i->tap >= t->n || !t->tap[i->tap].open)
		return true;
	tap = &t->tap[i->tap];
	if (i->kind == FEED_CLOSE) {
		words(r, i, why);
		close_tap(tap, why, i->us);
	} else if (tap->is.kind == FEED_RECORD)
		record(tap, r, i);
	else
		dump(tap, r, i);
	return true;
}

/* --- the beginning --- */

static bool
open_tap(struct taps *t, const struct feed_reader *r,
    const struct feed_item *i)
{
	struct feed_open is;
	struct tap *tap;

	feed_copy(r, 0, &is, sizeof(is));
	if (!sensible(t, &is) || (i->tap >= t->n && !grow(t, i->tap)))
		return false;
	tap = &t->tap[i->tap];
	if (tap->open && tap->is.session == is.session &&
	    tap->is.kind == is.kind && tap->is.section == is.section)
		return true;
	if (tap->open)
		close_tap(tap, "its end is not recorded", i->us);
	tap->is = is;
	tap->open = true;
	open_one(t, tap, i->us);
	return true;
}

static bool
sensible(const struct taps *t, const struct feed_open *o)
{
	const struct conf *c = t->sections->conf;

	return o->listener < c->nlistens && (o->kind == FEED_RECORD ?
	    o->section < c->nrecords : o->kind == FEED_DUMP &&
	    o->section < c->ndumps);
}

static bool
grow(struct taps *t, size_t number)
{
	const struct conf *c = t->sections->conf;
	const size_t most = (size_t)c->users_max *
	    (c->nrecords + c->ndumps) + SPARE;
	size_t n = (number / GROW + 1) * GROW;
	struct tap *p;

	if (number >= most ||
	    (p = realloc(t->tap, n * sizeof(*p))) == NULL)
		return false;
	memset(p + t->n, 0, (n - t->n) * sizeof(*p));
	t->tap = p;
	t->n = n;
	return true;
}

static void
open_one(struct taps *t, struct tap *tap, uint64_t us)
{
	const struct sections *s = t->sections;

	if (tap->is.kind == FEED_RECORD)
		flow_open(&tap->flow, &tap->is, s->files[tap->is.section],
		    s->conf, t->pid, us);
	else
		dump_open(&tap->dumped, &tap->is, s->dumps[tap->is.section],
		    s->conf, t->pid, us);
}

/* --- what comes then --- */

static void
record(struct tap *tap, const struct feed_reader *r,
    const struct feed_item *i)
{
	const struct flow_data data = { .reader = r, .len = i->kept };

	switch (i->kind) {
	case FEED_DATA:
		flow_data(&tap->flow, i->remote, (uint32_t)i->n, &data, i->us);
		break;
	case FEED_LOST:
		flow_lost(&tap->flow, i->remote, i->n, i->us);
		break;
	case FEED_FIN:
		flow_fin(&tap->flow, i->remote, i->us);
		break;
	case FEED_RESET:
		flow_reset(&tap->flow, i->remote, i->us);
		break;
	}
}

static void
dump(struct tap *tap, const struct feed_reader *r, const struct feed_item *i)
{
	static unsigned char data[FEED_MOST];

	switch (i->kind) {
	case FEED_DATA:
		feed_copy(r, 0, data, i->kept);
		dump_data(&tap->dumped, i->remote, data, i->kept, i->n,
		    i->us);
		break;
	case FEED_LOST:
		dump_lost(&tap->dumped, i->remote, i->n, i->us);
		break;
	case FEED_FIN:
		dump_say(&tap->dumped, i->remote ? "client<remote FIN" :
		    "client>remote FIN", i->us);
		break;
	case FEED_RESET:
		dump_say(&tap->dumped, i->remote ? "client<remote RST" :
		    "client>remote RST", i->us);
		break;
	}
}

/* --- the end --- */

/* They go into files as text, whoever has written them. */
static void
words(const struct feed_reader *r, const struct feed_item *i, char why[WORDS])
{
	const size_t len = MIN(i->kept, WORDS - 1);
	size_t k;

	feed_copy(r, 0, why, len);
	why[len] = '\0';
	for (k = 0; k < len; k++)
		if (why[k] < 0x20 || why[k] > 0x7e)
			why[k] = '?';
}

static void
close_tap(struct tap *tap, const char *why, uint64_t us)
{
	if (tap->is.kind == FEED_RECORD)
		flow_close(&tap->flow, why, us);
	else
		dump_say(&tap->dumped, why, us);
	tap->open = false;
}
