#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "channel.h"
#include "log.h"
#include "pump.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"
#include "stage.h"
#include "stage/connect.h"

#define FLUSH_MAX	60000	/* ms, if half-close-timeout is 0 */
#define CLOSE_TICK	20	/* ms between bursts of a spread close */

static void		 sess_enter(struct sess *, enum sess_stage);
static void		 sess_step(struct sess *, enum step);
static void		 sess_urgent(struct end *);
static void		 sess_timer(struct ev_timer *);
static uint64_t		 sess_limit(const struct sess *);
static void		 sess_more(struct ev_task *);
static void		 sess_free(struct ev_task *);
static void		 sess_log(const struct sess *);
static void		 sess_reset(struct end *);
static struct sess	*sess_alloc(int, const struct proto_conn *);
static void		 close_tick(struct ev_timer *);

static const struct stage {
	const char	*name;
	enum step	(*enter)(struct sess *);
	enum step	(*event)(struct sess *, struct end *);
	enum step	(*timeout)(struct sess *);
} stages[] = {
	[STAGE_NEW] =	  { "new",     NULL,	      NULL,	     NULL },
	[STAGE_CONNECT] = { "connect", connect_enter, connect_event,
			    connect_timeout },
	[STAGE_RELAY] =	  { "relay",   pump_enter,    pump_event,
			    pump_timeout },
	[STAGE_FLUSH] =	  { "flush",   flush_enter,   flush_event,
			    flush_timeout },
	[STAGE_DONE] =	  { "done",    NULL,	      NULL,	     NULL },
};

static const char * const who_names[] = {
	[WHO_CLIENT] = "client", [WHO_REMOTE] = "remote",
	[WHO_RELAY] = "relay"
};
static const char * const why_names[] = {
	[WHY_FIN] = "fin", [WHY_RESET] = "reset", [WHY_IDLE] = "idle-timeout",
	[WHY_HALF_CLOSE] = "half-close-timeout",
	[WHY_CONNECT] = "connect-failed",
	[WHY_CONNECT_TIMEOUT] = "connect-timeout",
	[WHY_NO_REMOTE] = "no-remote", [WHY_DRAIN] = "drain-timeout",
	[WHY_GENERATIONS] = "max-generations", [WHY_STOPPED] = "stopped",
	[WHY_ERROR] = "error"
};

static TAILQ_HEAD(, sess)	 sessions = TAILQ_HEAD_INITIALIZER(sessions);
static struct ev_timer		 close_timer = EV_TIMER(close_tick);
static enum sess_why		 close_why;
static uint64_t			 close_end;	/* ms */

uint32_t
sess_span(uint64_t from_us, uint64_t to_us)
{
	return (uint32_t)MIN(to_us - from_us, UINT32_MAX);
}

static struct sess *
sess_alloc(int fd, const struct proto_conn *c)
{
	static uint64_t serial;
	struct sess *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->remote.remote = true;
	s->remote.io.fd = -1;
	s->client.io.fd = -1;
	s->listener = c->listener;
	s->remotes = &self.remotes[self.conf->listens[c->listener].relay];
	s->id = ++serial;
	s->source = c->client;
	s->taken_us = ev_now_us();
	/* The clocks of two processes' turns: the later look may be older. */
	if (s->taken_us > c->accepted_us)
		s->queue_us = sess_span(c->accepted_us, s->taken_us);
	ev_timer_init(&s->timer, sess_timer);
	if (ev_io_add(&s->client.io, fd, IO_READ | IO_WRITE,
	    sess_io) == -1) {
		free(s);
		return NULL;
	}
	return s;
}

void
sess_new(int fd, const struct proto_conn *c)
{
	struct sess *s;

	if (c->listener >= self.conf->nlistens ||
	    (s = sess_alloc(fd, c)) == NULL) {
		sess_warn(NULL, "taking a session", errno);
		close(fd);
		board_add(&self.board.own->closed, 1);
		channel_session_ended();
		return;
	}
	self.nsessions++;
	TAILQ_INSERT_TAIL(&sessions, s, entry);
	s->remotes->sessions++;
	if (s->remotes->retire_at != 0 &&
	    s->remotes->sessions >= s->remotes->retire_at)
		channel_leave(LEAVE_RETIRED);
	sess_enter(s, STAGE_CONNECT);
}

void
sess_warn(const struct sess *s, const char *what, int err)
{
	static struct log_limit limit;
	unsigned skipped;

	if (log_allow(&limit, ev_now(), &skipped))
		log_warnx("session=%lx-%llx %s: %s (and %u other sessions "
		    "before)", (long)self.pid,
		    (unsigned long long)(s != NULL ? s->id : 0), what,
		    strerror(err), skipped);
}

/* The one place where the stage changes; only forward. */
static void
sess_enter(struct sess *s, enum sess_stage stage)
{
	enum step step;

	log_debug("session=%lx-%llx stage %s -> %s", (long)self.pid,
	    (unsigned long long)s->id, stages[s->stage].name,
	    stages[stage].name);
	s->stage = (uint8_t)stage;
	s->last = ev_now();
	if (stages[stage].enter == NULL)
		return;
	step = stages[stage].enter(s);
	if (step != STEP_DONE)
		sess_arm(s);
	sess_step(s, step);
}

void
sess_next(struct sess *s)
{
	sess_enter(s, s->stage + 1);
}

static void
sess_step(struct sess *s, enum step step)
{
	if (step == STEP_NEXT)
		sess_next(s);
}

void
sess_io(struct ev_io *io, int what)
{
	struct end *e = container_of(io, struct end, io);
	struct sess *s = sess_of(e);

	if (what & IO_READ)
		e->readable = true;
	if (what & IO_WRITE)
		e->writable = true;
	if (what & IO_EOF)
		e->hup = true;
	if ((what & IO_ERROR) && !pump_left_to_kernel(e))
		e->error = true;
	if (what & IO_URGENT)
		sess_urgent(e);
	sess_step(s, stages[s->stage].event(s, e));
}

/* Urgent data goes on in its place, as ordinary data. */
static void
sess_urgent(struct end *e)
{
	const int on = 1;

	e->urgent = true;
	setsockopt(e->io.fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

void
sess_resume(struct sess *s)
{
	ev_defer(&s->task, sess_more);
}

static void
sess_more(struct ev_task *task)
{
	struct sess *s = container_of(task, struct sess, task);

	sess_step(s, stages[s->stage].event(s, &s->client));
}

void
sess_touch(struct sess *s)
{
	s->last = ev_now();
}

/* The time, in ms, when the stage has lasted too long; 0: never. */
static uint64_t
sess_limit(const struct sess *s)
{
	const struct conf_relay *c = s->remotes->conf;
	uint64_t ms;

	if (s->stage == STAGE_CONNECT)
		ms = c->connect_timeout;
	else if (s->stage == STAGE_FLUSH)
		ms = c->half_close_timeout != 0 ? c->half_close_timeout :
		    FLUSH_MAX;
	else if (s->client.eof || s->remote.eof)
		ms = c->half_close_timeout;
	else
		ms = c->idle_timeout;
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

static void
sess_timer(struct ev_timer *t)
{
	struct sess *s = container_of(t, struct sess, timer);

	if (!s->soon && !sess_is_late(s)) {
		sess_arm(s);
		return;
	}
	s->soon = false;
	sess_step(s, stages[s->stage].timeout(s));
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
	if (s->soon && ev_timer_on(&s->timer) &&
	    s->timer.at <= ev_now() + ms)
		return;
	s->soon = true;
	ev_timer_set(&s->timer, ms);
}

/* Makes the coming close an abortive one (SO_LINGER of 0 sends RST). */
static void
sess_reset(struct end *e)
{
	const struct linger l = { .l_onoff = 1, .l_linger = 0 };

	if (e->io.fd != -1)
		setsockopt(e->io.fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

void
sess_abort(struct end *failed, enum sess_why why)
{
	struct sess *s = sess_of(failed);

	s->who = failed->remote ? WHO_REMOTE : WHO_CLIENT;
	s->why = (uint8_t)why;
	failed->failed = true;
	if (why != WHY_RESET) {
		if (pump_left_to_kernel(failed))
			pump_unsplice(failed);
		ev_io_close(&failed->io);
	}
	sess_enter(s, STAGE_FLUSH);
}

void
sess_close(struct sess *s, enum sess_who who, enum sess_why why, bool reset)
{
	s->who = (uint8_t)who;
	s->why = (uint8_t)why;
	s->stage = STAGE_DONE;
	if (reset) {
		sess_reset(&s->client);
		sess_reset(&s->remote);
	}
	pump_unsplice(&s->client);
	pump_unsplice(&s->remote);
	ev_io_close(&s->client.io);
	ev_io_close(&s->remote.io);
	ev_timer_stop(&s->timer);
	if (s->chosen != NULL)
		remote_release(s->chosen, s);
	self.nsessions--;
	board_add(&self.board.own->closed, 1);
	if (self.conf->log_sessions) {
		sess_log(s);
		atomic_store_explicit(&self.board.own->log_dropped,
		    log_dropped(), memory_order_relaxed);
	}
	TAILQ_REMOVE(&sessions, s, entry);
	ev_undefer(&s->task);
	ev_defer(&s->task, sess_free);
	channel_session_ended();
}

static void
sess_log(const struct sess *s)
{
	char source[ADDR_STRLEN], addr[ADDR_STRLEN] = "-";
	uint64_t total = ev_now_us() - s->taken_us + s->queue_us;
	bool connected = s->connect_us != 0;

	if (s->chosen != NULL && connected)
		addr_str(&s->chosen->conf->addr[s->addr], addr);
	log_info("session=%lx-%llx listener=%s client=%s remote=%s address=%s "
	    "in=%llu out=%llu queue=%.3f connect=%.3f total=%.3f tries=%u "
	    "end=%s why=%s", (long)self.pid, (unsigned long long)s->id,
	    self.conf->listens[s->listener].name,
	    source_str(&s->source, source),
	    connected ? s->chosen->conf->name : "-", addr,
	    (unsigned long long)s->client.bytes,
	    (unsigned long long)s->remote.bytes,
	    s->queue_us / 1e6, s->connect_us / 1e6, (double)total / 1e6,
	    s->ntried + connected, who_names[s->who], why_names[s->why]);
}

static void
sess_free(struct ev_task *task)
{
	struct sess *s = container_of(task, struct sess, task);

	free(s->client.kept);
	free(s->remote.kept);
	free(s->tried);
	free(s);
}

void
sess_close_all(enum sess_why why, uint64_t spread_ms)
{
	struct sess *s, *next;

	if (spread_ms == 0) {
		TAILQ_FOREACH_SAFE(s, &sessions, entry, next)
			sess_close(s, WHO_RELAY, why, false);
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
		sess_close(s, WHO_RELAY, close_why, false);
	if (!TAILQ_EMPTY(&sessions))
		ev_timer_set(t, CLOSE_TICK);
}
