#include "compat.h"

#include "authoriser.h"
#include "ev.h"
#include "log.h"
#include "self.h"
#include "utf8.h"

#define TURN_READS	8	/* of one connection */
#define OUT		8192	/* bytes of questions, written at once */
#define WORDS		(OUT / 2 - 32)	/* bytes of one, most */
#define TRIES		2	/* of a question */
#define SILENT		5	/* questions in a row, and timeouts, without a
				   word: it hangs */
#define AGAIN		50	/* ms between tries at a full channel */
#define LINES		4	/* more than one a second */
#define INDEX_BITS	14	/* of an id; what is above is never repeated */

_Static_assert(AUTHORISER_MOST <= 1 << INDEX_BITS, "ids are too short");

TAILQ_HEAD(questions, question);

/* A connection, or the place of one. */
struct authoriser {
	struct ev_io		 io;
	struct ev_task		 more;
	struct asking		*section;
	struct proto_auth	 who;
	struct questions	 asked;
	unsigned		 nasked;	/* with those given up since */
	unsigned		 ignored;	/* given up since it spoke */
	uint64_t		 heard;		/* ms, when it did */
	bool			 lost;		/* the master is to be told */
	bool			 writable;
	char			 in[AUTHLINE_ANSWER];
	size_t			 nin;
	char			*out;		/* of OUT bytes */
	size_t			 nout;
};

/* An auth section. */
struct asking {
	const struct conf_auth	*conf;
	struct authoriser	*all;
	struct questions	 open;		/* neither answered nor late */
	struct questions	 unsent;
	struct question		**table;	/* by the low bits of id */
	unsigned		 ntable, nopen;
	unsigned		 ncoming;	/* sessions, not asked yet */
	unsigned		 hint;		/* a row that may be free */
	struct ev_timer		 timer;
	struct ev_task		 task;
	struct log_limit	 late, wrong;
};

static int	 section_make(struct asking *, const struct conf_auth *,
		    unsigned);
static int	 row_find(struct asking *);
static int	 table_grow(struct asking *);
static void	 section_send(struct ev_task *);
static struct authoriser *section_choose(struct asking *);
static void	 section_idle(struct asking *);
static void	 section_late(struct ev_timer *);
static void	 section_wait(struct asking *);
static void	 put(struct authoriser *, struct question *);
static void	 flush(struct authoriser *);
static void	 io(struct ev_io *, int);
static void	 more(struct ev_task *);
static void	 hear(struct authoriser *);
static bool	 take(struct authoriser *, size_t);
static bool	 hear_line(struct authoriser *, const char *, size_t);
static void	 hear_reply(struct authoriser *, const struct reply *);
static void	 broken(struct authoriser *, const char *);
static void	 part(struct authoriser *);
static void	 tell_lost(struct ev_timer *);
static void	 resolve(struct question *, const struct reply *);
static void	 fail(struct question *, const char *);
static void	 out_of_list(struct question *);

static struct asking	*sections;
static struct ev_timer	 lost_timer = EV_TIMER(tell_lost);
static bool		 draining;
static void		(*tell_sess)(struct sess *);
static bool		(*tell_master)(const struct proto_auth *);

int
authoriser_start(void (*answered)(struct sess *),
    bool (*gone)(const struct proto_auth *))
{
	const struct conf *c = self.conf;
	unsigned i;

	tell_sess = answered;
	tell_master = gone;
	if (conf_nauths(c) == 0)
		return 0;
	if ((sections = calloc(conf_nauths(c), sizeof(*sections))) == NULL)
		return -1;
	for (i = 0; i < conf_nauths(c); i++)
		if (section_make(&sections[i], &c->auths[i], i) == -1)
			return -1;
	return 0;
}

static int
section_make(struct asking *s, const struct conf_auth *conf, unsigned number)
{
	struct authoriser *a;

	s->conf = conf;
	s->late.more = s->wrong.more = LINES;
	TAILQ_INIT(&s->open);
	TAILQ_INIT(&s->unsent);
	ev_timer_init(&s->timer, section_late);
	if ((s->all = calloc(conf->processes, sizeof(*s->all))) == NULL)
		return -1;
	for (a = s->all; a < s->all + conf->processes; a++) {
		a->io.fd = -1;
		a->section = s;
		a->who.section = number;
		a->who.number = (uint32_t)(a - s->all);
		TAILQ_INIT(&a->asked);
		if ((a->out = malloc(OUT)) == NULL)
			return -1;
	}
	return 0;
}

void
authoriser_connect(const struct proto_auth *who, int fd)
{
	struct authoriser *a;

	if (who->section >= conf_nauths(self.conf) ||
	    who->number >= sections[who->section].conf->processes) {
		close(fd);
		return;
	}
	a = &sections[who->section].all[who->number];
	if (a->io.fd != -1)
		part(a);
	a->who.serial = who->serial;
	a->lost = false;
	a->heard = ev_now();
	a->ignored = 0;
	if (fd == -1 || ev_io_add(&a->io, fd, IO_READ | IO_WRITE, io) == -1) {
		a->io.fd = fd;
		broken(a, strerror(fd == -1 ? EMFILE : errno));
		return;
	}
	a->writable = true;
	section_idle(a->section);
	ev_defer(&a->section->task, section_send);
}

/* --- questions --- */

struct question *
authoriser_ask(unsigned section, struct sess *sess, struct authline *words)
{
	static uint64_t serial;
	struct asking *s = &sections[section];
	struct question *q;
	int row;

	if (words->failed || words->text == NULL || words->len > WORDS) {
		errno = words->failed ? ENOMEM : EMSGSIZE;
		return NULL;
	}
	if ((row = row_find(s)) == -1 ||
	    (q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	q->section = s;
	q->sess = sess;
	q->text = words->text;
	words->text = NULL;
	q->id = ++serial << INDEX_BITS | (uint64_t)row;
	q->until = ev_now() + s->conf->timeout;
	s->table[row] = q;
	s->nopen++;
	TAILQ_INSERT_TAIL(&s->open, q, entry);
	TAILQ_INSERT_TAIL(&s->unsent, q, turn);
	section_wait(s);
	ev_defer(&s->task, section_send);
	return q;
}

/* A free one of the table; the search goes on where the last one ended. */
static int
row_find(struct asking *s)
{
	unsigned i;

	if (s->nopen == AUTHORISER_MOST) {
		errno = ENOBUFS;
		return -1;
	}
	if (s->nopen == s->ntable && table_grow(s) == -1)
		return -1;
	for (i = s->hint; s->table[i % s->ntable] != NULL; i++)
		;
	s->hint = (i + 1) % s->ntable;
	return (int)(i % s->ntable);
}

static int
table_grow(struct asking *s)
{
	const unsigned n = MIN(s->ntable == 0 ? 64 : s->ntable * 2,
	    AUTHORISER_MOST);
	struct question **t;

	if ((t = reallocarray(s->table, n, sizeof(*t))) == NULL)
		return -1;
	memset(t + s->ntable, 0, (n - s->ntable) * sizeof(*t));
	s->hint = s->ntable;
	s->table = t;
	s->ntable = n;
	return 0;
}

void
authoriser_forget(struct question **qp)
{
	struct question *q = *qp;

	*qp = NULL;
	if (q == NULL)
		return;
	if (!q->answered)
		out_of_list(q);
	/* There may be a password in it. */
	explicit_bzero(q->text, strlen(q->text));
	free(q->text);
	free(q);
}

/* Nobody asks any more; who was asked may answer. */
static void
out_of_list(struct question *q)
{
	struct asking *s = q->section;

	TAILQ_REMOVE(&s->open, q, entry);
	if (q->to != NULL)
		TAILQ_REMOVE(&q->to->asked, q, turn);
	else
		TAILQ_REMOVE(&s->unsent, q, turn);
	s->table[q->id & ((1 << INDEX_BITS) - 1)] = NULL;
	s->nopen--;
	q->answered = true;
	section_idle(s);
}

static void
resolve(struct question *q, const struct reply *r)
{
	out_of_list(q);
	q->reply = *r;
	tell_sess(q->sess);
}

static void
fail(struct question *q, const char *why)
{
	const struct conf_auth *c = q->section->conf;
	const struct reply r = { .answer = c->fail == CONF_FAIL_PERMIT ?
	    ANSWER_PERMIT : ANSWER_DENY };
	unsigned skipped;

	if (log_allow(&q->section->late, ev_now(), &skipped))
		log_warnx("auth %s: %s: %s; %u others before", c->name, why,
		    c->fail == CONF_FAIL_PERMIT ? "permitted" : "denied",
		    skipped);
	resolve(q, &r);
}

/* All have the same time: the first is the oldest. */
static void
section_wait(struct asking *s)
{
	const struct question *q = TAILQ_FIRST(&s->open);
	const uint64_t now = ev_now();

	if (q != NULL && !ev_timer_on(&s->timer))
		ev_timer_set(&s->timer, q->until > now ? q->until - now : 0);
}

static void
section_late(struct ev_timer *t)
{
	struct asking *s = container_of(t, struct asking, timer);
	struct authoriser *a;
	struct question *q;

	while ((q = TAILQ_FIRST(&s->open)) != NULL && q->until <= ev_now()) {
		a = q->to;
		fail(q, "no answer in time");
		if (a != NULL && a->io.fd != -1 && ++a->ignored >= SILENT &&
		    ev_now() - a->heard >= SILENT * s->conf->timeout)
			broken(a, "it hangs");
	}
	section_wait(s);
}

/* --- to those who are asked --- */

static void
section_send(struct ev_task *task)
{
	struct asking *s = container_of(task, struct asking, task);
	struct authoriser *a;
	struct question *q;
	unsigned i;

	while ((q = TAILQ_FIRST(&s->unsent)) != NULL &&
	    (a = section_choose(s)) != NULL)
		put(a, q);
	for (i = 0; i < s->conf->processes; i++)
		if (s->all[i].nout != 0)
			flush(&s->all[i]);
}

/* Who can be written to and has the least to do, or NULL. */
static struct authoriser *
section_choose(struct asking *s)
{
	struct authoriser *a, *best = NULL;

	for (a = s->all; a < s->all + s->conf->processes; a++) {
		if (a->io.fd != -1 && a->writable && a->nout > OUT / 2)
			flush(a);
		if (a->io.fd != -1 && a->writable && a->nout <= OUT / 2 &&
		    (best == NULL || a->nasked < best->nasked))
			best = a;
	}
	return best;
}

/* Half of the room is enough for any. */
static void
put(struct authoriser *a, struct question *q)
{
	const int n = snprintf(a->out + a->nout, OUT - a->nout,
	    "id=%llu%s\n", (unsigned long long)q->id, q->text);

	TAILQ_REMOVE(&q->section->unsent, q, turn);
	TAILQ_INSERT_TAIL(&a->asked, q, turn);
	q->to = a;
	q->tries++;
	a->nasked++;
	a->nout += (size_t)n;
}

static void
flush(struct authoriser *a)
{
	size_t off = 0;
	ssize_t n;

	while (a->nout != 0 && a->writable) {
		n = send(a->io.fd, a->out + off, a->nout,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			off += (size_t)n;
			a->nout -= (size_t)n;
		} else if (errno == EAGAIN) {
			a->writable = false;
			ev_io_again(&a->io, IO_WRITE);
		} else if (errno != EINTR) {
			broken(a, strerror(errno));
			return;
		}
	}
	memmove(a->out, a->out + off, a->nout);
}

static void
io(struct ev_io *io, int what)
{
	struct authoriser *a = container_of(io, struct authoriser, io);

	if (what & IO_WRITE) {
		a->writable = true;
		ev_defer(&a->section->task, section_send);
	}
	if (what & IO_READ)
		hear(a);
}

static void
more(struct ev_task *task)
{
	struct authoriser *a = container_of(task, struct authoriser, more);

	if (a->io.fd != -1)
		hear(a);
}

static void
hear(struct authoriser *a)
{
	ssize_t n;
	int i;

	for (i = 0; i < TURN_READS; i++) {
		n = recv(a->io.fd, a->in + a->nin, sizeof(a->in) - a->nin,
		    MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN) {
			ev_io_again(&a->io, IO_READ);
			return;
		}
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			broken(a, n == 0 ? NULL : strerror(errno));
			return;
		}
		if (!take(a, (size_t)n))
			return;
	}
	ev_defer(&a->more, more);
}

/* n bytes more have come. False: nothing is read there any more. */
static bool
take(struct authoriser *a, size_t n)
{
	char *line = a->in, *end;

	a->nin += n;
	a->heard = ev_now();
	a->ignored = 0;
	while ((end = memchr(line, '\n', a->nin)) != NULL) {
		if (!hear_line(a, line, (size_t)(end - line)) ||
		    a->io.fd == -1)
			return false;
		a->nin -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	memmove(a->in, line, a->nin);
	if (a->nin < sizeof(a->in))
		return true;
	broken(a, "its line is too long");
	return false;
}

static bool
hear_line(struct authoriser *a, const char *line, size_t len)
{
	struct reply r;
	char text[80];

	if (authline_reply(line, len, &r) == 0) {
		hear_reply(a, &r);
		return true;
	}
	len = MIN(len, 32);
	snprintf(text, sizeof(text), "\"%.*s\" is no answer", (int)len, line);
	utf8_clean(text, strlen(text));
	broken(a, text);
	return false;
}

/* One that nobody waits for comes too late, and is none of our business. */
static void
hear_reply(struct authoriser *a, const struct reply *r)
{
	const uint64_t row = r->id & ((1 << INDEX_BITS) - 1);
	const struct asking *s = a->section;
	struct question *q = row < s->ntable ? s->table[row] : NULL;

	a->nasked -= a->nasked > 0;
	if (q == NULL || q->id != r->id || q->to != a)
		return;
	if (r->answer == ANSWER_UNKNOWN)
		fail(q, "an answer is not understood");
	else
		resolve(q, r);
}

/* --- the end of one --- */

/* why: NULL for its end, which the master tells of. */
static void
broken(struct authoriser *a, const char *why)
{
	unsigned skipped;

	if (why != NULL && log_allow(&a->section->wrong, ev_now(), &skipped))
		log_warnx("auth %s: the connection is lost: %s; %u others "
		    "before", a->section->conf->name, why, skipped);
	part(a);
	a->lost = true;
	tell_lost(&lost_timer);
}

/* What it was asked is to be asked again, if it was not yet. */
static void
part(struct authoriser *a)
{
	struct question *q, *next;

	ev_undefer(&a->more);
	ev_io_close(&a->io);
	a->writable = false;
	a->nin = a->nout = 0;
	a->nasked = 0;
	while ((q = TAILQ_LAST(&a->asked, questions)) != NULL) {
		TAILQ_REMOVE(&a->asked, q, turn);
		TAILQ_INSERT_HEAD(&a->section->unsent, q, turn);
		q->to = NULL;
	}
	TAILQ_FOREACH_SAFE(q, &a->section->unsent, turn, next)
		if (q->tries == TRIES)
			fail(q, "who is asked breaks");
	ev_defer(&a->section->task, section_send);
}

/* No event tells when a full channel has room. */
static void
tell_lost(struct ev_timer *t)
{
	struct authoriser *a;
	unsigned i;

	for (i = 0; i < conf_nauths(self.conf); i++)
		for (a = sections[i].all; a < sections[i].all +
		    sections[i].conf->processes; a++) {
			if (!a->lost)
				continue;
			if (!tell_master(&a->who)) {
				ev_timer_set(t, AGAIN);
				return;
			}
			a->lost = false;
		}
}

void
authoriser_expect(unsigned section, int n)
{
	sections[section].ncoming += (unsigned)n;
	if (n < 0)
		section_idle(&sections[section]);
}

void
authoriser_drain(void)
{
	unsigned i;

	draining = true;
	for (i = 0; i < conf_nauths(self.conf); i++)
		section_idle(&sections[i]);
}

/* Nobody is kept for what is not asked any more. */
static void
section_idle(struct asking *s)
{
	struct authoriser *a;

	if (!draining || s->nopen != 0 || s->ncoming != 0)
		return;
	for (a = s->all; a < s->all + s->conf->processes; a++)
		if (a->io.fd != -1)
			part(a);
}
