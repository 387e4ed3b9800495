#include "compat.h"

#include "ev.h"
#include "packet.h"
#include "session.h"
#include "telling.h"
#include "trace.h"
#include "tracing.h"

#define MOST		4	/* at once */
#define LOOK		1000	/* ms between looks at what has moved */
#define TURN		64	/* sessions looked at in a turn */
#define PATIENCE	30000	/* ms for who reads nothing */

struct tracer {
	LIST_ENTRY(tracer)	 entry;
	struct ev_io		 io;
	struct ev_timer		 timer;		/* the next look */
	struct ev_task		 task;		/* more to do, or free */
	struct sess_walk	 walk;
	bool			 walks;
	struct proto_trace	 what;
	uint64_t		 until;		/* ms, 0: for ever */
	uint64_t		 last;		/* session that was there */
	uint64_t		 since;		/* ms, the look before this
						   began; 0: it is the first */
	uint64_t		 began;		/* ms, this one did */
	uint64_t		 stuck;		/* ms, since when; or 0 */
	uint64_t		 lost;		/* lines */
	struct telling		 out;
};

static struct tracer *tracer_new(int, const struct proto_trace *);
static void	 tracer_look(struct ev_timer *);
static void	 tracer_turn(struct ev_task *);
static void	 tracer_walk(struct tracer *);
static void	 tracer_meet(struct tracer *, struct sess *);
static void	 tracer_io(struct ev_io *, int);
static bool	 tracer_send(struct tracer *);
static bool	 tracer_wants(const struct tracer *, const struct sess *);
static void	 tracer_tell(struct tracer *, const struct sess *,
		    const struct told *);
static void	 tracer_end(struct tracer *);
static void	 tracer_free(struct ev_task *);
static bool	 tracing_mark(struct sess *);
static void	 tracing_look(struct sess *, const char *);
static void	 tracing_tell(const struct sess *, const char *,
		    const struct remote *, const char *);

static const struct trace_calls	 calls = { tracing_look, tracing_tell };
static LIST_HEAD(, tracer)	 tracers = LIST_HEAD_INITIALIZER(tracers);
static unsigned			 ntracers;

void
tracing_start(int fd, const struct proto_trace *what)
{
	struct tracer *t;

	if (ntracers == MOST || (t = tracer_new(fd, what)) == NULL) {
		telling_busy(fd);
		close(fd);
		return;
	}
	ntracers++;
	LIST_INSERT_HEAD(&tracers, t, entry);
	self.trace = &calls;
	tracer_look(&t->timer);
}

static struct tracer *
tracer_new(int fd, const struct proto_trace *what)
{
	struct tracer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if (ev_io_add(&t->io, fd, IO_READ | IO_WRITE, tracer_io) == -1) {
		free(t);
		return NULL;
	}
	ev_timer_init(&t->timer, tracer_look);
	t->what = *what;
	t->last = self.serial;
	t->until = what->ms == 0 ? 0 : ev_now() + what->ms;
	return t;
}

void
tracing_stop(void)
{
	struct tracer *t, *next;

	LIST_FOREACH_SAFE(t, &tracers, entry, next)
		if (tracer_send(t) || t->io.fd != -1)
			tracer_end(t);
}

/* --- what all sessions of it have moved, now and then --- */

static void
tracer_look(struct ev_timer *timer)
{
	struct tracer *t = container_of(timer, struct tracer, timer);
	const uint64_t now = ev_now();

	if ((t->until != 0 && now >= t->until) ||
	    (t->stuck != 0 && now - t->stuck >= PATIENCE)) {
		tracer_end(t);
		return;
	}
	ev_timer_set(timer, t->until == 0 ? LOOK : MIN(LOOK, t->until - now));
	if (t->walks)
		return;
	t->walks = true;
	t->since = t->began;
	t->began = now;
	sess_walk_begin(&t->walk);
	if (!ev_deferred(&t->task))
		ev_defer(&t->task, tracer_turn);
}

static void
tracer_turn(struct ev_task *task)
{
	struct tracer *t = container_of(task, struct tracer, task);

	if (t->walks)
		tracer_walk(t);
	if (tracer_send(t) && t->walks && !ev_deferred(&t->task))
		ev_defer(&t->task, tracer_turn);
}

static void
tracer_walk(struct tracer *t)
{
	struct sess *s;
	unsigned n;

	for (n = 0; n < TURN && telling_room(&t->out); n++) {
		if ((s = sess_walk_next(&t->walk)) == NULL) {
			sess_walk_end(&t->walk);
			t->walks = false;
			return;
		}
		if (tracer_wants(t, s))
			tracer_meet(t, s);
	}
}

static void
tracer_meet(struct tracer *t, struct sess *s)
{
	static const struct told open = { .event = "open" };
	static const struct told moved = { .event = "moved" };

	if (t->since == 0 && s->id <= t->last && tracing_mark(s))
		tracer_tell(t, s, &open);
	else if (t->since != 0 && s->extra != NULL && s->extra->traced &&
	    s->stage >= STAGE_RELAY && s->last >= t->since)
		tracer_tell(t, s, &moved);
}

/* --- to who traces --- */

/* There is nothing to be read: whoever could write has gone. */
static void
tracer_io(struct ev_io *io, int what)
{
	struct tracer *t = container_of(io, struct tracer, io);

	if (what & (IO_EOF | IO_ERROR))
		tracer_end(t);
	else if (!ev_deferred(&t->task))
		ev_defer(&t->task, tracer_turn);
}

/* False: it is not to go on, now or ever. */
static bool
tracer_send(struct tracer *t)
{
	int r;

	if (t->out.len == 0)
		return true;
	r = packet_send(t->io.fd, t->out.text, t->out.len);
	if (r == -1 && (errno == EAGAIN || errno == ENOBUFS)) {
		if (t->stuck == 0)
			t->stuck = ev_now();
		ev_io_again(&t->io, IO_WRITE);
		return false;
	}
	if (r == -1) {
		tracer_end(t);
		return false;
	}
	t->out.len = 0;
	t->stuck = 0;
	return true;
}

static bool
tracer_wants(const struct tracer *t, const struct sess *s)
{
	struct acl_rule rule = t->what.rule;
	const struct acl net = { .rules = &rule, .n = 1 };

	return acl_first(&net, &s->source, 0) != NULL;
}

/* Whole packets go at once, what is less at the end of the turn. */
static void
tracer_tell(struct tracer *t, const struct sess *s, const struct told *told)
{
	if (!telling_room(&t->out) && (t->stuck != 0 || !tracer_send(t))) {
		t->lost++;
		return;
	}
	telling_event(&t->out, s, told, t->lost);
	t->lost = 0;
	if (!ev_deferred(&t->task))
		ev_defer(&t->task, tracer_turn);
}

static void
tracer_end(struct tracer *t)
{
	if (t->walks)
		sess_walk_end(&t->walk);
	ev_timer_stop(&t->timer);
	ev_io_close(&t->io);
	LIST_REMOVE(t, entry);
	if (--ntracers == 0)
		self.trace = NULL;
	ev_undefer(&t->task);
	ev_defer(&t->task, tracer_free);
}

static void
tracer_free(struct ev_task *task)
{
	free(container_of(task, struct tracer, task));
}

/* --- of sessions --- */

/* It is traced from now on; false without memory. */
static bool
tracing_mark(struct sess *s)
{
	if (sess_extra(s) == NULL)
		return false;
	s->extra->traced = true;
	return true;
}

static void
tracing_look(struct sess *s, const char *event)
{
	const struct tracer *t;

	LIST_FOREACH(t, &tracers, entry)
		if (tracer_wants(t, s) && tracing_mark(s))
			break;
	trace(s, event, NULL);
}

static void
tracing_tell(const struct sess *s, const char *event, const struct remote *at,
    const char *what)
{
	const struct told told = { event, at, what };
	struct tracer *t, *next;

	LIST_FOREACH_SAFE(t, &tracers, entry, next)
		if (tracer_wants(t, s))
			tracer_tell(t, s, &told);
}
