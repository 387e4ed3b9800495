#include "compat.h"

#include "ev.h"
#include "filter/talk.h"
#include "log.h"
#include "queue.h"
#include "self.h"

#define TURN_READS	8	/* of one connection */
#define IN		(FILTERFRAME_HEAD + FILTERFRAME_MAX)
#define OUT		(256 * 1024)	/* bytes that wait to be written, most,
					   and one piece of a session */
#define AGAIN		50	/* ms between tries at a full channel */
#define LINES		4	/* more than one a second */
#define ROW_BITS	20	/* of an id; the rest is the session's number */
#define ROWS		(1U << ROW_BITS)

TAILQ_HEAD(talkers, talker);

/* A connection, or the place of one. */
struct talk {
	struct ev_io		 io;
	struct ev_task		 more;	/* to be read */
	struct ev_task		 flush;
	struct section		*section;
	struct proto_auth	 who;
	struct talkers		 all;
	struct talkers		 turn;	/* wait for room */
	struct talker		**rows;	/* by the low bits of id */
	unsigned		 nrows, n;
	unsigned		 hint;	/* a row that may be free */
	uint64_t		 heard;	/* ms, when it spoke */
	bool			 lost;	/* the master is to be told */
	bool			 writable;
	uint8_t			*in;	/* of IN bytes */
	size_t			 nin;
	struct queue		*out;
};

struct section {
	const struct conf_program *conf;
	struct talk		*all;
	struct talkers		 turn;	/* wait for a connection */
	struct log_limit	 wrong;
};

static int	 section_make(struct section *, unsigned);
static struct talk *section_choose(struct section *);
static void	 wait_at(struct talker *, struct talkers *);
static void	 unwait(struct talker *);
static void	 tell_all(struct talkers *);
static int	 row_find(struct talk *);
static int	 rows_grow(struct talk *);
static int	 say(struct talk *, enum filterframe_type, unsigned, uint64_t,
		    const void *, size_t);
static void	 flush(struct ev_task *);
static void	 io(struct ev_io *, int);
static void	 more(struct ev_task *);
static void	 hear(struct talk *);
static bool	 take(struct talk *, size_t);
static const char *take_frame(struct talk *, const struct filterframe *);
static void	 broken(struct talk *, const char *);
static void	 part(struct talk *);
static void	 forget(struct talker *);
static void	 tell_lost(struct ev_timer *);

static struct section	*sections;
static struct ev_timer	 lost_timer = EV_TIMER(tell_lost);
static void		(*run_again)(struct sess *);
static bool		(*tell_master)(const struct proto_auth *);

int
talk_start(void (*resume)(struct sess *),
    bool (*gone)(const struct proto_auth *))
{
	const struct conf *c = self.conf;
	unsigned i;

	run_again = resume;
	tell_master = gone;
	if (c->nprograms == 0)
		return 0;
	if ((sections = calloc(c->nprograms, sizeof(*sections))) == NULL)
		return -1;
	for (i = 0; i < c->nprograms; i++)
		if (section_make(&sections[i], i) == -1)
			return -1;
	return 0;
}

void
talk_resume(struct sess *s)
{
	run_again(s);
}

static int
section_make(struct section *s, unsigned number)
{
	const struct conf_program *c = &self.conf->programs[number];
	struct talk *t;

	s->conf = c;
	s->wrong.more = LINES;
	TAILQ_INIT(&s->turn);
	if ((s->all = calloc(c->processes, sizeof(*s->all))) == NULL)
		return -1;
	for (t = s->all; t < s->all + c->processes; t++) {
		t->io.fd = -1;
		t->section = s;
		t->who.section = conf_nauths(self.conf) + number;
		t->who.number = (uint32_t)(t - s->all);
		TAILQ_INIT(&t->all);
		TAILQ_INIT(&t->turn);
		if ((t->in = malloc(IN)) == NULL)
			return -1;
	}
	return 0;
}

void
talk_connect(const struct proto_auth *who, int fd)
{
	const uint32_t number = who->section - conf_nauths(self.conf);
	struct talk *t;

	if (number >= self.conf->nprograms ||
	    who->number >= sections[number].conf->processes) {
		close(fd);
		return;
	}
	t = &sections[number].all[who->number];
	if (t->io.fd != -1)
		part(t);
	t->who.serial = who->serial;
	t->lost = false;
	t->heard = ev_now();
	if (fd == -1 || ev_io_add(&t->io, fd, IO_READ | IO_WRITE, io) == -1) {
		t->io.fd = fd;
		broken(t, strerror(fd == -1 ? EMFILE : errno));
		return;
	}
	t->writable = true;
	tell_all(&t->section->turn);
}

/* --- sessions --- */

bool
talk_join(struct talker *r, uint64_t number)
{
	struct section *s = &sections[r->section];
	struct talk *t = section_choose(s);
	int row;

	if (t == NULL || (row = row_find(t)) == -1) {
		wait_at(r, &s->turn);
		return false;
	}
	unwait(r);
	r->talk = t;
	r->id = number << ROW_BITS | (uint64_t)row;
	t->rows[row] = r;
	t->n++;
	TAILQ_INSERT_TAIL(&t->all, r, entry);
	return true;
}

/* Who has the fewest, of those that take what they are told: sessions may come
 * and go for ever where nobody reads. */
static struct talk *
section_choose(struct section *s)
{
	struct talk *t, *best = NULL;

	for (t = s->all; t < s->all + s->conf->processes; t++)
		if (t->io.fd != -1 && queue_len(t->out) < OUT &&
		    (best == NULL || t->n < best->n))
			best = t;
	return best;
}

static int
row_find(struct talk *t)
{
	unsigned i;

	if (t->n == t->nrows && rows_grow(t) == -1)
		return -1;
	for (i = t->hint; t->rows[i % t->nrows] != NULL; i++)
		;
	t->hint = (i + 1) % t->nrows;
	return (int)(i % t->nrows);
}

static int
rows_grow(struct talk *t)
{
	const unsigned n = MIN(t->nrows == 0 ? 64 : t->nrows * 2, ROWS);
	struct talker **rows;

	if (n == t->nrows ||
	    (rows = reallocarray(t->rows, n, sizeof(*rows))) == NULL)
		return -1;
	memset(rows + t->nrows, 0, (n - t->nrows) * sizeof(*rows));
	t->hint = t->nrows;
	t->rows = rows;
	t->nrows = n;
	return 0;
}

void
talk_leave(struct talker *r)
{
	struct talk *t = r->talk;

	unwait(r);
	if (t == NULL)
		return;
	forget(r);
	/* Without memory for it nobody hears anything there any more. */
	(void)say(t, FRAME_CLOSE, 0, r->id, NULL, 0);
}

static void
forget(struct talker *r)
{
	struct talk *t = r->talk;

	TAILQ_REMOVE(&t->all, r, entry);
	t->rows[r->id & (ROWS - 1)] = NULL;
	t->n--;
	r->talk = NULL;
}

static void
wait_at(struct talker *r, struct talkers *turn)
{
	if (!r->waits)
		TAILQ_INSERT_TAIL(turn, r, turn);
	r->waits = true;
}

static void
unwait(struct talker *r)
{
	if (r->waits)
		TAILQ_REMOVE(r->talk != NULL ? &r->talk->turn :
		    &sections[r->section].turn, r, turn);
	r->waits = false;
}

/* Those who wait now; they may wait again, at the end. */
static void
tell_all(struct talkers *turn)
{
	struct talker *last = TAILQ_LAST(turn, talkers), *r;

	while ((r = TAILQ_FIRST(turn)) != NULL) {
		TAILQ_REMOVE(turn, r, turn);
		r->waits = false;
		r->ops->changed(r);
		if (r == last)
			break;
	}
}

/* --- to them --- */

bool
talk_room(struct talker *r)
{
	if (queue_len(r->talk->out) < OUT)
		return true;
	wait_at(r, &r->talk->turn);
	return false;
}

int
talk_say(struct talker *r, enum filterframe_type type, unsigned way,
    const void *contents, size_t len)
{
	return say(r->talk, type, way, r->id, contents, len);
}

/* Half of one is worse than none. */
static int
say(struct talk *t, enum filterframe_type type, unsigned way, uint64_t id,
    const void *contents, size_t len)
{
	uint8_t head[FILTERFRAME_HEAD];

	filterframe_head(head, type, way, id, len);
	if (queue_add(&t->out, (char *)head, sizeof(head)) == -1 ||
	    (len != 0 && queue_add(&t->out, contents, len) == -1)) {
		broken(t, strerror(ENOMEM));
		errno = ENOMEM;
		return -1;
	}
	ev_defer(&t->flush, flush);
	return 0;
}

static void
flush(struct ev_task *task)
{
	struct talk *t = container_of(task, struct talk, flush);
	struct iovec iov[QUEUE_IOV];
	ssize_t n;

	while (t->out != NULL && t->io.fd != -1 && t->writable) {
		n = writev(t->io.fd, iov, queue_look(t->out, iov));
		if (n > 0)
			queue_taken(&t->out, (size_t)n);
		else if (errno == EAGAIN) {
			t->writable = false;
			ev_io_again(&t->io, IO_WRITE);
		} else if (errno != EINTR) {
			broken(t, strerror(errno));
			return;
		}
	}
	if (queue_len(t->out) < OUT / 2) {
		tell_all(&t->turn);
		tell_all(&t->section->turn);
	}
}

/* --- from them --- */

static void
io(struct ev_io *io, int what)
{
	struct talk *t = container_of(io, struct talk, io);

	if (what & IO_WRITE) {
		t->writable = true;
		ev_defer(&t->flush, flush);
	}
	if (what & IO_READ)
		hear(t);
}

static void
more(struct ev_task *task)
{
	struct talk *t = container_of(task, struct talk, more);

	if (t->io.fd != -1)
		hear(t);
}

static void
hear(struct talk *t)
{
	ssize_t n;
	int i;

	for (i = 0; i < TURN_READS; i++) {
		n = recv(t->io.fd, t->in + t->nin, IN - t->nin, MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN) {
			ev_io_again(&t->io, IO_READ);
			return;
		}
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			broken(t, n == 0 ? NULL : strerror(errno));
			return;
		}
		if (!take(t, (size_t)n))
			return;
	}
	ev_defer(&t->more, more);
}

/* n bytes more have come; a whole frame fits. False: it is broken. */
static bool
take(struct talk *t, size_t n)
{
	const uint8_t *p = t->in;
	struct filterframe f;
	const char *why = NULL;
	ssize_t len = 0;

	t->nin += n;
	t->heard = ev_now();
	while (why == NULL && (len = filterframe_parse(p, t->nin, &f,
	    &why)) > 0) {
		why = take_frame(t, &f);
		p += len;
		t->nin -= (size_t)len;
	}
	if (why != NULL) {
		broken(t, why);
		return false;
	}
	memmove(t->in, p, t->nin);
	return true;
}

/* One of a session that has ended comes too late, and is nobody's. */
static const char *
take_frame(struct talk *t, const struct filterframe *f)
{
	const uint64_t row = f->session & (ROWS - 1);
	struct talker *r = row < t->nrows ? t->rows[row] : NULL;

	return r == NULL || r->id != f->session ? NULL : r->ops->heard(r, f);
}

/* --- the end of one --- */

/* why: NULL for its end, which the master tells of. */
static void
broken(struct talk *t, const char *why)
{
	unsigned skipped;

	if (t->io.fd == -1)
		return;
	if (why != NULL && log_allow(&t->section->wrong, ev_now(), &skipped))
		log_warnx("program %s: the connection is lost: %s; %u others "
		    "before", t->section->conf->name, why, skipped);
	part(t);
	t->lost = true;
	ev_timer_set(&lost_timer, 0);
}

static void
part(struct talk *t)
{
	struct talker *r;

	ev_undefer(&t->more);
	ev_undefer(&t->flush);
	ev_io_close(&t->io);
	t->writable = false;
	t->nin = 0;
	queue_free(&t->out);
	while ((r = TAILQ_FIRST(&t->all)) != NULL) {
		unwait(r);
		forget(r);
		r->ops->changed(r);
	}
}

void
talk_late(struct talker *r, uint64_t ms)
{
	if (r->talk != NULL && ev_now() - r->talk->heard >= ms)
		broken(r->talk, "it hangs");
}

/* No event tells when a full channel has room. */
static void
tell_lost(struct ev_timer *timer)
{
	const struct conf *c = self.conf;
	struct talk *t;
	unsigned i;

	for (i = 0; i < c->nprograms; i++)
		for (t = sections[i].all; t < sections[i].all +
		    c->programs[i].processes; t++) {
			if (!t->lost)
				continue;
			if (!tell_master(&t->who)) {
				ev_timer_set(timer, AGAIN);
				return;
			}
			t->lost = false;
		}
}
