#include "compat.h"

#include "ev.h"
#include "filter.h"
#include "log.h"
#include "pattern.h"
#include "self.h"
#include "store.h"
#include "utf8.h"

#define PIECE		65536	/* bytes looked at at once, most */
#define FEW		16	/* of what has gone on, kept in a session */
#define LINES		4	/* of the log, more than one a second */
#define EXCERPT		32	/* bytes of a match in the log, most */

/* A section. */
struct live {
	struct pattern	*pattern;
	size_t		 past;		/* bytes kept of what has gone on */
	struct log_limit said, dear;
};

/* One direction. */
struct look {
	char		 few[FEW];	/* what has gone on already, as far */
	char		*many;		/* as it is looked at, in one of them */
	size_t		 npast;
	size_t		 decided;	/* of it */
	uint64_t	 gone;		/* bytes of the direction */
	uint64_t	 since;		/* ms, nothing has come to what waits */
	size_t		 waits;		/* bytes, then */
	bool		 done;		/* nothing is looked at any more */
};

struct match {
	struct filt	 filt;
	struct look	 look[2];
};

/* What is looked at: the past, and behind it a piece of *in. */
struct piece {
	struct match		*m;
	struct look		*look;
	struct end		*from;
	struct queue		**in, **out;
	struct pattern_view	 view;
	size_t			 moved;	/* of the view, as far as it has gone */
	bool			 limited; /* nothing is looked at behind it */
};

static int	 match_start(struct filter_section *);
static int	 match_open(struct filt *, struct sess *);
static void	 match_close(struct filt *);
static enum verdict match_data(struct filt *, struct end *, struct queue **,
		    struct queue **, enum flow);
static enum verdict match_some(struct piece *, bool);
static bool	 match_more(struct match *, struct look *, struct queue **,
		    struct queue **, bool);
static enum verdict match_done(struct match *, struct end *, struct queue **,
		    struct queue **);
static const struct conf_match *match_conf(const struct match *);
static struct live *match_live(const struct match *);
static bool	 match_holds(const struct match *);
static void	 piece_begin(struct piece *, bool);
static enum verdict piece_search(struct piece *, size_t *, bool *);
static enum verdict piece_found(struct piece *, size_t, size_t);
static enum verdict piece_replace(struct piece *, size_t, size_t);
static int	 piece_pass(struct piece *, size_t);
static int	 piece_keep(struct piece *, size_t);
static enum verdict match_wait(struct match *, struct look *,
		    struct queue **, struct queue **);
static void	 say_found(const struct piece *, size_t, size_t);
static void	 say_dear(const struct piece *);

/* Every piece of this process is put together here. */
static char	 piece_text[PATTERN_BEHIND + CONF_WINDOW_MAX + PIECE];
static char	 with_text[PATTERN_TEXT];

const struct filter filter_match = {
	.size = sizeof(struct match), .why = WHY_MATCH, .start = match_start,
	.open = match_open, .data = match_data, .close = match_close
};

static const struct conf_match *
match_conf(const struct match *m)
{
	return &self.conf->matches[m->filt.section->conf.index];
}

static struct live *
match_live(const struct match *m)
{
	return m->filt.section->live;
}

/* What only looks lets everything go on at once. */
static bool
match_holds(const struct match *m)
{
	return match_conf(m)->action >= CONF_MATCH_REPLACE;
}

/* Before the process may not have memory any more that can be executed. */
static int
match_start(struct filter_section *section)
{
	const struct conf_match *c = &self.conf->matches[section->conf.index];
	const size_t window = conf_match_window(c);
	struct live *l = calloc(1, sizeof(*l));
	const char *err;
	bool in_with;

	if (l == NULL)
		return -1;
	l->pattern = pattern_new(c->pattern, c->with, window, &in_with, &err);
	if (l->pattern == NULL) {
		log_warnx("match %s: %s %s", c->name, in_with ? "with" :
		    "pattern", err);
		free(l);
		errno = EINVAL;
		return -1;
	}
	pattern_ready(l->pattern);
	l->past = pattern_behind(l->pattern) +
	    (c->action < CONF_MATCH_REPLACE ? window : 0);
	l->said.more = l->dear.more = LINES;
	section->live = l;
	return 0;
}

static int
match_open(struct filt *f, struct sess *s)
{
	struct match *m = container_of(f, struct match, filt);
	const enum conf_way way = match_conf(m)->direction;

	m->look[0].done = !filt_is_way(way, &s->client);
	m->look[1].done = !filt_is_way(way, &s->remote);
	return 1;
}

static void
match_close(struct filt *f)
{
	struct match *m = container_of(f, struct match, filt);
	unsigned i;

	for (i = 0; i < nitems_of(m->look); i++)
		if (m->look[i].many != NULL) {
			store_count(-(int64_t)match_live(m)->past);
			free(m->look[i].many);
		}
}

static enum verdict
match_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	struct match *m = container_of(f, struct match, filt);
	struct look *l = &m->look[filt_way(from)];
	struct piece p = { .m = m, .look = l, .from = from, .in = in,
	    .out = out };
	enum verdict v = FILTER_GO;

	while (v == FILTER_GO && match_more(m, l, in, out, flow != FLOW_ON))
		v = match_some(&p, flow != FLOW_ON);
	if (v == FILTER_GO && l->done)
		return match_done(m, from, in, out);
	return v == FILTER_GO ? match_wait(m, l, in, out) :
	    v == FILTER_HOLD ? FILTER_GO : v;
}

/* All else goes on without a look. */
static enum verdict
match_done(struct match *m, struct end *from, struct queue **in,
    struct queue **out)
{
	const size_t n = MIN(queue_len(*in), filt_room(&m->filt, *out));

	if (n != 0 && queue_move(in, out, n) == -1)
		return FILTER_NOMEM;
	if (*in == NULL)
		filt_leave(&m->filt, from);
	return FILTER_GO;
}

/* Has something come that was not looked at? */
static bool
match_more(struct match *m, struct look *l, struct queue **in,
    struct queue **out, bool last)
{
	if (l->done || filt_room(&m->filt, *out) == 0)
		return false;
	if (queue_len(*in) > (match_holds(m) ? l->waits : 0))
		return true;
	return last && (*in != NULL || l->npast != l->decided);
}

/* HOLD: the rest is for another turn. */
static enum verdict
match_some(struct piece *p, bool last)
{
	struct look *l = p->look;
	enum verdict v;
	size_t decided;
	bool more = false;

	piece_begin(p, last);
	v = piece_search(p, &decided, &more);
	if (v != FILTER_GO)
		return v;
	if (p->limited && !more)
		decided = p->view.len;
	if (piece_pass(p, more || match_holds(p->m) ? decided :
	    p->view.len) == -1 || piece_keep(p, decided) == -1)
		return FILTER_NOMEM;
	l->done = !more && (p->limited || (p->view.last && *p->in == NULL));
	if (match_holds(p->m)) {
		l->waits = p->view.len - decided;
		l->since = ev_now();
	}
	if (!more)
		return FILTER_GO;
	l->waits = 0;
	if (filt_room(&p->m->filt, *p->out) != 0)
		filt_wake(&p->m->filt, ev_now());
	return FILTER_HOLD;
}

static void
piece_begin(struct piece *p, bool last)
{
	const struct conf_match *c = match_conf(p->m);
	const struct look *l = p->look;
	size_t len = l->npast, most = PIECE;

	if (c->limit != 0)
		most = (size_t)MIN(most, c->limit - l->gone);
	memcpy(piece_text, l->many != NULL ? l->many : l->few, l->npast);
	len += queue_peek(*p->in, piece_text + len, most);
	p->limited = c->limit != 0 && l->gone + len - l->npast == c->limit;
	p->moved = l->npast;
	p->view = (struct pattern_view){ .text = piece_text, .len = len,
	    .from = l->decided, .last = last &&
	    len - l->npast == queue_len(*p->in) };
}

/* Up to where all is decided; *more: it would go on. */
static enum verdict
piece_search(struct piece *p, size_t *decided, bool *more)
{
	struct pattern_view v = p->view;
	enum verdict verdict;
	size_t end;

	for (;;) {
		if (filt_room(&p->m->filt, *p->out) == 0) {
			*decided = v.from;
			*more = true;
			return FILTER_GO;
		}
		switch (pattern_find(match_live(p->m)->pattern, &v, decided,
		    &end)) {
		case PATTERN_MATCH:
			verdict = piece_found(p, *decided, end);
			if (verdict != FILTER_GO)
				return verdict;
			v.from = end;
			break;
		case PATTERN_LIMIT:
			say_dear(p);
			v.from = *decided;
			break;
		case PATTERN_MORE:
			*more = true;
			return FILTER_GO;
		case PATTERN_WAIT:
		case PATTERN_NONE:
			return FILTER_GO;
		}
	}
}

static enum verdict
piece_found(struct piece *p, size_t start, size_t end)
{
	filt_hit(&p->m->filt);
	switch (match_conf(p->m)->action) {
	case CONF_MATCH_LOG:
		say_found(p, start, end);
		return FILTER_GO;
	case CONF_MATCH_COUNT:
		return FILTER_GO;
	case CONF_MATCH_REPLACE:
		return piece_replace(p, start, end);
	case CONF_MATCH_CLOSE:
		return piece_pass(p, start) == -1 ? FILTER_NOMEM :
		    FILTER_CLOSE;
	case CONF_MATCH_RESET:
		break;
	}
	return piece_pass(p, start) == -1 ? FILTER_NOMEM : FILTER_RST;
}

/* What would be too long stays as it is. */
static enum verdict
piece_replace(struct piece *p, size_t start, size_t end)
{
	ssize_t len = pattern_with(match_live(p->m)->pattern, with_text);
	const ssize_t was = (ssize_t)(end - start);

	if (len == -1) {
		say_dear(p);
		return FILTER_GO;
	}
	if (piece_pass(p, start) == -1)
		return FILTER_NOMEM;
	if (match_conf(p->m)->length == CONF_LENGTH_KEEP) {
		if (len < was)
			memset(with_text + len, ' ', (size_t)(was - len));
		len = was;
	}
	queue_taken(p->in, (size_t)was);
	p->moved = end;
	p->look->gone += (size_t)was;
	return len != 0 && queue_add(p->out, with_text, (size_t)len) == -1 ?
	    FILTER_NOMEM : FILTER_GO;
}

/* Lets go of the view as far as that, what has not gone yet. */
static int
piece_pass(struct piece *p, size_t to)
{
	const size_t n = to > p->moved ? to - p->moved : 0;

	p->moved += n;
	p->look->gone += n;
	return n == 0 ? 0 : queue_move(p->in, p->out, n);
}

/* Of what has gone on, what the next search may want to see. */
static int
piece_keep(struct piece *p, size_t decided)
{
	const struct live *live = match_live(p->m);
	struct look *l = p->look;
	size_t first;

	first = decided - MIN(decided, pattern_behind(live->pattern));
	l->npast = p->moved - first;
	l->decided = decided - first;
	if (l->npast > FEW && l->many == NULL) {
		if ((l->many = malloc(live->past)) == NULL)
			return -1;
		store_count((int64_t)live->past);
	}
	memcpy(l->many != NULL ? l->many : l->few, piece_text + first,
	    l->npast);
	return 0;
}

/* What may become a match is held until nothing more has come for a while. */
static enum verdict
match_wait(struct match *m, struct look *l, struct queue **in,
    struct queue **out)
{
	const uint64_t until = l->since + match_conf(m)->hold;
	struct piece p = { .m = m, .look = l, .in = in, .out = out };

	if (*in == NULL || l->waits == 0 || l->waits != queue_len(*in))
		return FILTER_GO;
	if (ev_now() < until && l->waits < filt_share(&m->filt) / 2) {
		filt_wake(&m->filt, until);
		return FILTER_GO;
	}
	piece_begin(&p, false);
	l->waits = 0;
	return piece_pass(&p, p.view.len) == -1 ||
	    piece_keep(&p, p.view.len) == -1 ? FILTER_NOMEM : FILTER_GO;
}

/* --- the log --- */

static void
say_found(const struct piece *p, size_t start, size_t end)
{
	char text[EXCERPT + 1], *quote;
	const size_t len = MIN(end - start, EXCERPT);
	unsigned skipped;

	if (!log_allow(&match_live(p->m)->said, ev_now(), &skipped))
		return;
	memcpy(text, piece_text + start, len);
	utf8_clean(text, len);
	text[len] = '\0';
	/* What stands behind the text is our own. */
	for (quote = text; (quote = strchr(quote, '"')) != NULL;)
		*quote = '\'';
	log_info("match %s: session %lx-%llx has \"%s\"%s at byte %llu %s; "
	    "%u others before", match_conf(p->m)->name, (long)self.pid,
	    (unsigned long long)p->m->filt.sess->id, text,
	    end - start > EXCERPT ? "..." : "",
	    (unsigned long long)(p->look->gone - p->moved + start),
	    p->from->remote ? "down" : "up", skipped);
}

static void
say_dear(const struct piece *p)
{
	unsigned skipped;

	if (log_allow(&match_live(p->m)->dear, ev_now(), &skipped))
		log_warnx("match %s: session %lx-%llx: a search took too much, "
		    "what it looked at goes on; %u others before",
		    match_conf(p->m)->name, (long)self.pid,
		    (unsigned long long)p->m->filt.sess->id, skipped);
}
