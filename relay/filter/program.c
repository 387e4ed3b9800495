#include "compat.h"

#include "ev.h"
#include "filter.h"
#include "filter/talk.h"
#include "log.h"
#include "self.h"
#include "words.h"

#define WINDOW		65536	/* bytes of a direction without an answer */
#define CREDIT		262144	/* that a program may say before they are
				   taken */
#define LINES		4	/* of the log, more than one a second */

/* A section. */
struct live {
	struct log_limit late;
};

/* One direction. */
struct course {
	struct queue	*asked;		/* said, and without an answer */
	struct queue	*ready;		/* what was answered */
	size_t		 said;		/* of that, the program's own bytes */
	size_t		 taken;		/* of those, not told by CREDIT */
	uint64_t	 since;		/* ms, something is waited for; 0 */
	bool		 fin;		/* it was told of the end */
	bool		 ended;		/* it has said so */
	bool		 skip;		/* it sees no more */
};

struct program {
	struct filt	 filt;
	struct talker	 talker;
	struct course	 way[2];
	bool		 opened;	/* it was told of the session */
	enum verdict	 verdict;	/* of the program */
};

static int	 program_start(struct filter_section *);
static int	 program_open(struct filt *, struct sess *);
static void	 program_close(struct filt *);
static enum verdict program_data(struct filt *, struct end *, struct queue **,
		    struct queue **, enum flow);
static const struct conf_program *program_conf(const struct program *);
static const char *program_heard(struct talker *, const struct filterframe *);
static void	 program_return(struct program *);
static const char *way_heard(struct program *, struct course *,
		    const struct filterframe *);
static const char *way_pass(struct course *, size_t);
static const char *way_replace(struct program *, struct course *,
		    const struct filterframe *);
static void	 program_changed(struct talker *);
static int	 program_ready(struct program *, struct end *,
		    struct queue **);
static enum verdict program_fail(struct program *);
static bool	 program_is_lost(const struct program *);
static int	 program_ask(struct program *, struct end *, struct queue **,
		    enum flow);
static int	 program_greet(struct program *);
static int	 program_say(struct program *, struct end *, struct queue **);
static bool	 program_is_late(struct program *, struct course *);
static enum verdict give_back(struct program *, struct end *,
		    struct queue **, struct queue **);
static enum verdict program_over(const struct course *, const struct queue *,
		    enum flow);

static const struct talk_ops program_talk = { program_heard,
	program_changed };

const struct filter filter_program = {
	.size = sizeof(struct program), .why = WHY_PROGRAM,
	.start = program_start, .open = program_open, .data = program_data,
	.close = program_close
};

static const struct conf_program *
program_conf(const struct program *p)
{
	return &self.conf->programs[p->filt.section->conf.index];
}

static int
program_start(struct filter_section *section)
{
	struct live *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -1;
	l->late.more = LINES;
	section->live = l;
	return 0;
}

static int
program_open(struct filt *f, struct sess *s)
{
	struct program *p = container_of(f, struct program, filt);
	const enum conf_way way = program_conf(p)->direction;

	p->talker.ops = &program_talk;
	p->talker.section = f->section->conf.index;
	p->way[0].skip = !filt_is_way(way, &s->client);
	p->way[1].skip = !filt_is_way(way, &s->remote);
	return 1;
}

static void
program_close(struct filt *f)
{
	struct program *p = container_of(f, struct program, filt);
	unsigned i;

	talk_leave(&p->talker);
	for (i = 0; i < nitems_of(p->way); i++) {
		queue_free(&p->way[i].asked);
		queue_free(&p->way[i].ready);
	}
}

/* --- what it says --- */

static const char *
program_heard(struct talker *r, const struct filterframe *f)
{
	struct program *p = container_of(r, struct program, talker);
	struct course *w = &p->way[f->way];
	const char *why = NULL;

	/* What was on its way to it when it said SKIP it may answer, too. */
	if (f->type == FRAME_SHUT || f->type == FRAME_ABORT) {
		filt_hit(&p->filt);
		p->verdict = f->type == FRAME_SHUT ? FILTER_CLOSE :
		    FILTER_RST;
		program_return(p);
	} else if (!w->skip && !w->ended)
		why = way_heard(p, w, f);
	w->since = w->asked != NULL || (w->fin && !w->ended) ? ev_now() : 0;
	program_changed(r);
	return why;
}

/* Nobody runs a filter that both directions have left. */
static void
program_return(struct program *p)
{
	(void)filt_return(&p->filt, &p->filt.sess->client);
	(void)filt_return(&p->filt, &p->filt.sess->remote);
}

static const char *
way_heard(struct program *p, struct course *w, const struct filterframe *f)
{
	switch (f->type) {
	case FRAME_PASS:
		return way_pass(w, f->count);
	case FRAME_REPLACE:
		return way_replace(p, w, f);
	case FRAME_SKIP:
		w->skip = true;
		return way_pass(w, queue_len(w->asked));
	default:
		w->ended = true;
		queue_free(&w->asked);
		return NULL;
	}
}

static const char *
way_pass(struct course *w, size_t n)
{
	if (n > queue_len(w->asked))
		return "it passes more than it was shown";
	return n != 0 && queue_move(&w->asked, &w->ready, n) == -1 ?
	    strerror(errno) : NULL;
}

static const char *
way_replace(struct program *p, struct course *w, const struct filterframe *f)
{
	if (f->count > queue_len(w->asked))
		return "it replaces more than it was shown";
	if (w->said + f->nbytes > CREDIT)
		return "it says more than it has credit for";
	if (f->count != 0)
		queue_taken(&w->asked, f->count);
	w->said += f->nbytes;
	filt_hit(&p->filt);
	return f->nbytes != 0 && queue_add(&w->ready, (const char *)f->bytes,
	    f->nbytes) == -1 ? strerror(errno) : NULL;
}

static void
program_changed(struct talker *r)
{
	talk_resume(container_of(r, struct program, talker)->filt.sess);
}

/* --- what it is told --- */

static enum verdict
program_data(struct filt *f, struct end *from, struct queue **in,
    struct queue **out, enum flow flow)
{
	struct program *p = container_of(f, struct program, filt);
	struct course *w = &p->way[filt_way(from)];
	enum verdict v;

	if (program_ready(p, from, out) == -1)
		return FILTER_NOMEM;
	if (p->verdict == FILTER_RST || (p->verdict == FILTER_CLOSE &&
	    p->way[0].ready == NULL && p->way[1].ready == NULL))
		return p->verdict;
	if (!w->skip && !w->ended) {
		if (program_ask(p, from, in, flow) == -1)
			return FILTER_NOMEM;
		if (program_is_late(p, w) &&
		    (v = program_fail(p)) != FILTER_GO)
			return v;
	}
	if (w->skip)
		return give_back(p, from, in, out);
	return program_over(w, *in, flow);
}

/* What was answered goes on. */
static int
program_ready(struct program *p, struct end *from, struct queue **out)
{
	struct course *w = &p->way[filt_way(from)];
	const size_t n = MIN(queue_len(w->ready), filt_room(&p->filt, *out));
	const size_t own = MIN(n, w->said);
	uint8_t credit[4];

	if (n == 0)
		return 0;
	w->said -= own;
	w->taken += own;
	if (w->taken >= CREDIT / 4 && p->talker.talk != NULL && !w->skip) {
		filterframe_number(credit, (uint32_t)w->taken);
		w->taken = 0;
		(void)talk_say(&p->talker, FRAME_CREDIT, filt_way(from),
		    credit, sizeof(credit));
	}
	return queue_move(&w->ready, out, n);
}

static int
program_ask(struct program *p, struct end *from, struct queue **in,
    enum flow flow)
{
	struct course *w = &p->way[filt_way(from)];

	if (program_is_lost(p) || (*in == NULL && (flow == FLOW_ON || w->fin)))
		return 0;
	if (w->since == 0 && w->ready == NULL)
		w->since = ev_now();
	if (!p->opened && (!talk_join(&p->talker, p->filt.sess->id) ||
	    program_greet(p) == -1))
		return 0;
	if (program_say(p, from, in) == -1)
		return -1;
	if (flow == FLOW_ON || *in != NULL || w->fin || program_is_lost(p))
		return 0;
	w->fin = true;
	w->since = ev_now();
	(void)talk_say(&p->talker, flow == FLOW_LAST ? FRAME_FIN :
	    FRAME_RESET, filt_way(from), NULL, 0);
	return 0;
}

/* Had one, or was too late for one. */
static bool
program_is_lost(const struct program *p)
{
	return p->opened && p->talker.talk == NULL;
}

static int
program_greet(struct program *p)
{
	struct authline words = { .text = NULL };
	int r = -1;

	p->opened = true;
	authline_number(&words, "version", 1);
	authline_add(&words, "filter", p->filt.section->name);
	words_of(p->filt.sess, &words);
	if (!words.failed)
		r = talk_say(&p->talker, FRAME_OPEN, 0, words.text + 1,
		    words.len - 1);
	free(words.text);
	return r;
}

/* As much as may be without an answer, when nothing waits to go on. */
static int
program_say(struct program *p, struct end *from, struct queue **in)
{
	static char piece[TALK_PIECE];
	struct course *w = &p->way[filt_way(from)];
	size_t n;

	while (*in != NULL && w->ready == NULL && !program_is_lost(p) &&
	    queue_len(w->asked) < WINDOW && talk_room(&p->talker)) {
		n = MIN(sizeof(piece), WINDOW - queue_len(w->asked));
		n = queue_peek(*in, piece, n);
		if (w->asked == NULL)
			w->since = ev_now();
		if (queue_move(in, &w->asked, n) == -1)
			return -1;
		(void)talk_say(&p->talker, FRAME_DATA, filt_way(from), piece,
		    n);
	}
	return 0;
}

/* --- when it does not answer --- */

static bool
program_is_late(struct program *p, struct course *w)
{
	const struct conf_program *c = program_conf(p);
	struct live *l = p->filt.section->live;
	unsigned skipped;

	if (program_is_lost(p))
		return true;
	if (w->since == 0)
		return false;
	if (ev_now() < w->since + c->timeout) {
		filt_wake(&p->filt, w->since + c->timeout);
		return false;
	}
	if (log_allow(&l->late, ev_now(), &skipped))
		log_warnx("program %s: session %lx-%llx: no answer in time, %s"
		    "; %u others before", c->name, (long)self.pid,
		    (unsigned long long)p->filt.sess->id, c->fail ==
		    CONF_PROGRAM_PASS ? "it goes on unseen" : "it is reset",
		    skipped);
	return true;
}

/* What was shown and not answered goes on as it was, or nothing does. */
static enum verdict
program_fail(struct program *p)
{
	struct course *w;

	talk_late(&p->talker, program_conf(p)->timeout);
	talk_leave(&p->talker);
	p->opened = true;
	if (program_conf(p)->fail == CONF_PROGRAM_CLOSE)
		return FILTER_RST;
	for (w = p->way; w < p->way + nitems_of(p->way); w++) {
		if (w->ended)
			continue;
		w->skip = true;
		if (w->asked != NULL && queue_move(&w->asked, &w->ready,
		    queue_len(w->asked)) == -1)
			return FILTER_NOMEM;
	}
	program_changed(&p->talker);
	return FILTER_GO;
}

/* --- the end --- */

/* It sees no more of a direction. */
static enum verdict
give_back(struct program *p, struct end *from, struct queue **in,
    struct queue **out)
{
	size_t n;

	if (program_ready(p, from, out) == -1)
		return FILTER_NOMEM;
	if (p->way[filt_way(from)].ready != NULL)
		return FILTER_HOLD;
	n = MIN(queue_len(*in), filt_room(&p->filt, *out));
	if (n != 0 && queue_move(in, out, n) == -1)
		return FILTER_NOMEM;
	if (*in == NULL)
		filt_leave(&p->filt, from);
	return FILTER_GO;
}

static enum verdict
program_over(const struct course *w, const struct queue *in, enum flow flow)
{
	if (w->ended && w->ready == NULL)
		return flow == FLOW_ON || in != NULL ? FILTER_FIN : FILTER_GO;
	return flow == FLOW_ON ? FILTER_GO : FILTER_HOLD;
}
