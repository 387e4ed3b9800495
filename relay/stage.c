#include "compat.h"

#include "carry.h"
#include "log.h"
#include "self.h"
#include "session.h"
#include "stage.h"
#include "stage/connect.h"
#include "stage/flush.h"
#include "stage/relay.h"

static void		 stage_run(struct sess *, enum step);
static enum step	 stage_enter(struct sess *, enum sess_stage);
static void		 stage_io(struct ev_io *, int);
static void		 stage_keepalive(struct sess *);
static void		 stage_urgent(struct end *);
static void		 stage_more(struct ev_task *);
static void		 stage_timer(struct ev_timer *);

static const struct stage {
	const char	*name;
	enum path_limit	 limit;
	enum step	(*enter)(struct sess *);
	enum step	(*event)(struct sess *, struct end *);
	enum step	(*timeout)(struct sess *);
} stages[] = {
	[STAGE_NEW] =	  { "new",     LIMIT_NONE,    NULL,
			    NULL,	   NULL },
	[STAGE_CONNECT] = { "connect", LIMIT_CONNECT, connect_enter,
			    connect_event, connect_timeout },
	[STAGE_RELAY] =	  { "relay",   LIMIT_IDLE,    relay_enter,
			    relay_event,   relay_timeout },
	[STAGE_FLUSH] =	  { "flush",   LIMIT_FLUSH,   flush_enter,
			    flush_event,   flush_timeout },
};

static const struct sess_calls calls = { stage_io, stage_timer, stage_more };

void
stage_start(int fd, const struct proto_conn *c, const struct path *path)
{
	struct sess *s = sess_new(fd, c, path, &calls);

	if (s != NULL)
		stage_run(s, STEP_NEXT);
}

/* The one place where a stage's wish is done. */
static void
stage_run(struct sess *s, enum step step)
{
	while (step == STEP_NEXT || step == STEP_ABORT)
		step = stage_enter(s, step == STEP_NEXT ? s->stage + 1 :
		    STAGE_FLUSH);
	if (step == STEP_END)
		sess_close(s);
}

/* The one place where the stage changes; only forward. */
static enum step
stage_enter(struct sess *s, enum sess_stage stage)
{
	enum step step;

	log_debug("session=%lx-%llx stage %s -> %s", (long)self.pid,
	    (unsigned long long)s->id, stages[s->stage].name,
	    stages[stage].name);
	s->stage = (uint8_t)stage;
	s->limit = (uint8_t)stages[stage].limit;
	sess_touch(s);
	step = stages[stage].enter(s);
	if (step == STEP_WAIT)
		sess_arm(s);
	return step;
}

/* Of the remote's socket, as the client's has it from the listener. Short
 * sessions are over before it matters: the timer of CONNECT goes off anyway. */
static void
stage_keepalive(struct sess *s)
{
	const int on = 1;

	s->keepalive = false;
	setsockopt(s->remote.io.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void
stage_io(struct ev_io *io, int what)
{
	struct end *e = container_of(io, struct end, io);
	struct sess *s = sess_of(e);

	if (what & IO_READ)
		e->readable = true;
	if (what & IO_WRITE)
		e->writable = true;
	if (what & IO_EOF)
		e->hup = true;
	if ((what & IO_ERROR) && !carry_by_kernel(e))
		e->error = true;
	if (what & IO_URGENT)
		stage_urgent(e);
	stage_run(s, stages[s->stage].event(s, e));
}

/* Urgent data goes on in its place, as ordinary data. TCP's sockets have the
 * option from their birth. */
static void
stage_urgent(struct end *e)
{
	const int on = 1;

	e->urgent = true;
	setsockopt(e->io.fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

static void
stage_more(struct ev_task *task)
{
	struct sess *s = container_of(task, struct sess, task);

	stage_run(s, stages[s->stage].event(s, &s->client));
}

static void
stage_timer(struct ev_timer *t)
{
	struct sess *s = container_of(t, struct sess, timer);
	enum step step = STEP_WAIT;

	if (s->keepalive)
		stage_keepalive(s);
	if (s->soon || sess_is_late(s)) {
		s->soon = false;
		step = stages[s->stage].timeout(s);
	}
	if (step == STEP_WAIT)
		sess_arm(s);
	stage_run(s, step);
}
