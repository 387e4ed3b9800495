#include "compat.h"

#include "authoriser.h"
#include "claim.h"
#include "closing.h"
#include "dest/names.h"
#include "end.h"
#include "log.h"
#include "race.h"
#include "remote/remotes.h"
#include "remote/wait.h"
#include "self.h"
#include "session.h"
#include "trace.h"
#include "unsent.h"
#include "why.h"
#include "wish.h"

#define CLOSE_TICK	20	/* ms between bursts of a spread close */

static void		 sess_leave(const struct sess *);
static void		 sess_give_up(struct sess *);
static bool		 sess_clean(const struct sess *);
static bool		 end_clean(const struct end *);
static bool		 unread(int);
static void		 end_unsplice(struct end *);
static void		 end_close(struct end *, bool);
static int		 sess_family(const struct sess *);
static void		 extra_free(struct extra **);
static void		 sess_free(struct ev_task *);
static uint64_t		 sess_limit(const struct sess *);
static void		 sess_walk_pass(struct sess *);
static void		 close_tick(struct ev_timer *);
static void		 close_one(struct sess *, enum sess_why);

static TAILQ_HEAD(, sess)	 sessions = TAILQ_HEAD_INITIALIZER(sessions);
static LIST_HEAD(, sess_walk)	 walks = LIST_HEAD_INITIALIZER(walks);
static struct ev_timer		 close_timer = EV_TIMER(close_tick);
static enum sess_why		 close_why;
static uint64_t			 close_end;	/* ms */
static void			(*ended)(void);
static void			(*end_io)(struct ev_io *, int);

void
sess_init(void (*tell)(void))
{
	ended = tell;
	closing_start();
}

int
sess_watch(struct end *e, int fd)
{
	return ev_io_add(&e->io, fd, IO_READ | IO_WRITE, end_io);
}

struct sess *
sess_new(int fd, const struct proto_conn *c, const struct path *path,
    const struct sess_calls *calls)
{
	struct sess *s;

	end_io = calls->io;
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    sess_watch(&s->client, fd) == -1) {
		sess_warn(NULL, "taking a session", errno);
		free(s);
		close(fd);
		board_close_session(&self.board, c->seat);
		ended();
		return NULL;
	}
	s->remote.remote = true;
	s->remote.io.fd = -1;
	s->path = path;
	s->id = ++self.serial;
	s->source = c->client;
	s->seat = c->seat;
	if (c->backlog_ms != 0 && sess_extra(s) != NULL)
		s->extra->backlog_ms = c->backlog_ms;
	s->taken_us = ev_now_us();
	/* The clocks of two processes' turns: the later look may be older. */
	if (s->taken_us > c->accepted_us)
		s->queue_us = sess_span(c->accepted_us, s->taken_us);
	ev_timer_init(&s->timer, calls->timer);
	s->task.cb = calls->more;
	if (path->listen->users != NULL)
		authoriser_expect(path->listen->users_auth, 1);
	if (path->listen->auth != CONF_NOREF)
		authoriser_expect(path->listen->auth, 1);
	self.nsessions++;
	board_add(&path->board->sessions, 1);
	TAILQ_INSERT_TAIL(&sessions, s, entry);
	return s;
}

void
sess_warn(const struct sess *s, const char *what, int err)
{
	static struct log_limit limit;
	char more[64] = "";
	unsigned skipped;

	if (!log_allow(&limit, ev_now(), &skipped))
		return;
	if (skipped != 0)
		snprintf(more, sizeof(more), " (and %u other sessions before)",
		    skipped);
	log_warnx("session=%lx-%llx %s: %s%s", (long)self.pid,
	    (unsigned long long)(s != NULL ? s->id : 0), what, strerror(err),
	    more);
}

struct extra *
sess_extra(struct sess *s)
{
	if (s->extra == NULL)
		s->extra = calloc(1, sizeof(*s->extra));
	return s->extra;
}

void
sess_settled(struct sess *s)
{
	if (s->extra == NULL)
		return;
	free(s->extra->fields);
	s->extra->fields = NULL;
	s->extra->nfields = 0;
}

char *
sess_word(const void *bytes, size_t len)
{
	char *word = malloc(len + 1), *p;

	if (word == NULL)
		return NULL;
	memcpy(word, bytes, len);
	word[len] = '\0';
	for (p = word; p < word + len; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	return word;
}

void
sess_count(struct end *from, uint64_t n)
{
	const struct sess *s = sess_of(from);
	struct board_listener *l = s->path->board;
	struct board_place *r = s->chosen->board;

	from->bytes += n;
	board_add(from->remote ? &l->bytes_out : &l->bytes_in, n);
	board_add(from->remote ? &r->bytes_out : &r->bytes_in, n);
}

/* --- time --- */

/* The time, in ms, when the stage has lasted too long; 0: never. */
static uint64_t
sess_limit(const struct sess *s)
{
	uint64_t ms = s->path->limit[s->limit];

	return ms == 0 ? 0 : s->last + ms;
}

/*
 * Activity only moves s->last. The timer stays where it is as long as it goes
 * off early enough, and then looks again: no work per read.
 */
void
sess_arm(struct sess *s)
{
	uint64_t limit = sess_limit(s), now = ev_now();

	if (limit != 0 && (!ev_timer_on(&s->timer) || s->timer.at > limit))
		ev_timer_set(&s->timer, limit > now ? limit - now : 0);
}

bool
sess_is_late(const struct sess *s)
{
	uint64_t limit = sess_limit(s);

	return limit != 0 && ev_now() >= limit;
}

void
sess_look_soon(struct sess *s, uint64_t ms)
{
	s->soon = true;
	if (!ev_timer_on(&s->timer) || s->timer.at > ev_now() + ms)
		ev_timer_set(&s->timer, ms);
}

void
sess_look_due(struct sess *s)
{
	const uint64_t due = chain_due(s), now = ev_now();

	if (due != 0)
		sess_look_soon(s, due > now ? due - now : 0);
}

void
sess_resume(struct sess *s)
{
	ev_defer(&s->task, s->task.cb);
}

/* --- the end --- */

void
sess_close(struct sess *s)
{
	bool reset = s->cut == CUT_RESET ||
	    (s->cut == CUT_UNLESS_CLEAN && !sess_clean(s));
	struct closing closing;

	closing_begin(&closing, s);
	sess_goes_on(s);
	s->stage = STAGE_DONE;
	end_unsplice(&s->client);
	end_unsplice(&s->remote);
	end_close(&s->client, reset);
	end_close(&s->remote, reset);
	ev_timer_stop(&s->timer);
	if (s->extra != NULL)
		sess_give_up(s);
	if (s->chosen != NULL)
		remote_release(s->chosen, s);
	sess_leave(s);
	trace(s, "end", NULL);
	if (closing.told) {
		closing_line(&closing, s);
		if (!self.inside)	/* else it is the master's count */
			atomic_store_explicit(&self.board.own->log_dropped,
			    log_dropped(), memory_order_relaxed);
	}
	if (!LIST_EMPTY(&walks))
		sess_walk_pass(s);
	TAILQ_REMOVE(&sessions, s, entry);
	ev_undefer(&s->task);
	ev_defer(&s->task, sess_free);
	ended();
}

/* The board, and what it has done there. */
static void
sess_leave(const struct sess *s)
{
	struct board_listener_more *more = s->path->more;

	board_took(&more->queue, s->queue_us);
	board_took(&more->session, ev_now_us() - s->taken_us);
	board_add(&more->ends[s->who][s->why], 1);
	if (s->connect_us == 0)
		board_add(&s->path->board->failed, 1);
	self.nsessions--;
	board_close_session(&self.board, s->seat);
}

void
sess_goes_on(const struct sess *s)
{
	const struct conf_listen *l = s->path->listen;

	if (s->stage <= STAGE_ASK && l->users != NULL)
		authoriser_expect(l->users_auth, -1);
	if (s->stage < STAGE_AUTH && l->auth != CONF_NOREF)
		authoriser_expect(l->auth, -1);
}

/* What was under way on its behalf. */
static void
sess_give_up(struct sess *s)
{
	authoriser_forget(&s->extra->question);
	claim_forget(&s->extra->claim);
	race_close(s);
	wait_end(s);
	chain_close(s);
	if (s->extra->dest != NULL)
		names_forget(&s->extra->dest->wait);
}

/* Everything that one side has sent is with the other one. */
static bool
sess_clean(const struct sess *s)
{
	return end_clean(&s->client) && end_clean(&s->remote);
}

/* In the order in which bytes go from one to the next, as a kernel may be
 * moving them. */
static bool
end_clean(const struct end *e)
{
	const struct end *to = far_of(e);

	return !unread(e->io.fd) && !end_unread(e) && sess_stored(e) == 0 &&
	    end_held(to) == 0 &&
	    (to->io.fd == -1 || unsent(to->io.fd, to->fin) == 0);
}

static bool
unread(int fd)
{
	int n = 0;

	return fd != -1 && ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

static void
end_unsplice(struct end *e)
{
	uint64_t n = splice_put(&e->splicer, e->io.fd);

	if (n != 0)
		sess_count(e, n);
}

static void
end_close(struct end *e, bool reset)
{
	if (reset)
		sess_reset(e);
	if (e->layered)
		layer_close(e, reset);
	ev_io_close(&e->io);
}

/* SO_LINGER of 0 sends RST. */
void
sess_reset(struct end *e)
{
	const struct linger l = { .l_onoff = 1, .l_linger = 0 };

	if (e->io.fd == -1)
		return;
	setsockopt(e->io.fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	sess_lost(e);
}

void
sess_lost(struct end *e)
{
	const struct sess *s = sess_of(e);
	struct end *from = far_of(e);
	uint64_t lost, own;

	if (e->io.fd == -1 || (e->remote ? sess_family(s) :
	    sess_sender(s)->family) == AF_UNIX)
		return;
	lost = (uint64_t)unsent(e->io.fd, e->fin) + end_held(e);
	own = MIN(end_own(e), lost);
	from->bytes -= MIN(lost - own, from->bytes);
}

/* Of the remote's address. */
static int
sess_family(const struct sess *s)
{
	return s->chosen == s->chosen->of->anywhere ? AF_INET :
	    remote_addr(s->chosen, s->version)->sa.sa_family;
}

static void
sess_free(struct ev_task *task)
{
	struct sess *s = container_of(task, struct sess, task);

	queue_free(&s->client.queue);
	queue_free(&s->remote.queue);
	extra_free(&s->extra);
	free(s);
}

static void
extra_free(struct extra **xp)
{
	struct extra *x = *xp;

	if (x == NULL)
		return;
	chain_free(&x->chain);
	free(x->tried);
	if (x->wish != NULL) {
		free(x->wish->dest);
		free(x->wish->user);
	}
	free(x->wish);
	free(x->dest);
	free(x->fields);
	free(x->subject);
	free(x->name);
	free(x->alpn);
	free(x);
	*xp = NULL;
}

/* --- all of them --- */

void
sess_walk_begin(struct sess_walk *w)
{
	w->next = TAILQ_FIRST(&sessions);
	LIST_INSERT_HEAD(&walks, w, entry);
}

struct sess *
sess_walk_next(struct sess_walk *w)
{
	struct sess *s = w->next;

	if (s != NULL)
		w->next = TAILQ_NEXT(s, entry);
	return s;
}

void
sess_walk_end(struct sess_walk *w)
{
	LIST_REMOVE(w, entry);
}

/* It ends before they have come to it. */
static void
sess_walk_pass(struct sess *s)
{
	struct sess_walk *w;

	LIST_FOREACH(w, &walks, entry)
		if (w->next == s)
			w->next = TAILQ_NEXT(s, entry);
}

static void
close_one(struct sess *s, enum sess_why why)
{
	sess_end(s, WHO_RELAY, why, s->stage == STAGE_FLUSH ? CUT_RESET :
	    CUT_UNLESS_CLEAN);
	sess_close(s);
}

/* Who is still connecting goes on to another one. */
unsigned
sess_close_at(const struct remote *r)
{
	struct sess *s, *next;
	unsigned n = 0;

	TAILQ_FOREACH_SAFE(s, &sessions, entry, next) {
		if (s->chosen != r || s->stage < STAGE_RELAY)
			continue;
		sess_end(s, WHO_RELAY, WHY_REMOTE_DOWN, CUT_RESET);
		sess_close(s);
		n++;
	}
	return n;
}

void
sess_close_all(enum sess_why why, uint64_t spread_ms)
{
	struct sess *s, *next;

	if (spread_ms == 0) {
		TAILQ_FOREACH_SAFE(s, &sessions, entry, next)
			close_one(s, why);
		return;
	}
	close_why = why;
	close_end = ev_now() + spread_ms;
	ev_timer_set(&close_timer, 0);
}

/* Closes as many as keeps the rate even until close_end; oldest first. */
static void
close_tick(struct ev_timer *t)
{
	uint64_t n, now = ev_now();
	struct sess *s;

	if (now + CLOSE_TICK >= close_end)
		n = self.nsessions;
	else
		n = self.nsessions * CLOSE_TICK / (close_end - now) + 1;
	for (; n > 0 && (s = TAILQ_FIRST(&sessions)) != NULL; n--)
		close_one(s, close_why);
	if (!TAILQ_EMPTY(&sessions))
		ev_timer_set(t, CLOSE_TICK);
}
