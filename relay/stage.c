#include "compat.h"

#include <strings.h>

#include "carry.h"
#include "log.h"
#include "self.h"
#include "session.h"
#include "stage.h"
#include "stage/answer.h"
#include "stage/ask.h"
#include "stage/auth.h"
#include "stage/connect.h"
#include "stage/down.h"
#include "stage/flush.h"
#include "stage/proxy_in.h"
#include "stage/proxy_out.h"
#include "stage/relay.h"
#include "stage/resolve.h"
#include "stage/route.h"
#include "stage/sniff.h"
#include "stage/source.h"
#include "stage/target.h"
#include "stage/tls.h"
#include "trace.h"

static void		 stage_run(struct sess *, enum step);
static enum step	 stage_refuse(struct sess *, enum step);
static enum sess_stage	 stage_next(const struct sess *);
static enum step	 stage_enter(struct sess *, enum sess_stage);
static out_of_line void	 stage_shaken(const struct sess *);
static void		 stage_io(struct ev_io *, int);
static void		 stage_keepalive(struct sess *);
static void		 stage_urgent(struct end *);
static void		 stage_more(struct ev_task *);
static void		 stage_timer(struct ev_timer *);
static enum step	 stage_look(struct sess *);

/*
 * Stages of one limit in a row share it: it runs from the first one on. A
 * stage that is not walked by all says so in wanted. If timeout is NULL, the
 * session ends at the limit, and a look is an event of the client.
 */
static const struct stage {
	const char	*name;
	enum path_limit	 limit;
	bool		(*wanted)(const struct path *);	/* NULL: by all */
	enum step	(*enter)(struct sess *);
	enum step	(*event)(struct sess *, struct end *);
	enum step	(*timeout)(struct sess *);
} stages[STAGE_DONE] = {
	[STAGE_NEW] =	  { "new",     LIMIT_NONE,    NULL,
			    NULL,	   NULL,	  NULL },
	[STAGE_PROXY_IN] = { "proxy-in", LIMIT_HANDSHAKE, proxy_in_wanted,
			    proxy_in_enter, proxy_in_event, NULL },
	[STAGE_SOURCE] =  { "source",  LIMIT_HANDSHAKE, source_wanted,
			    source_enter,  source_event,  NULL },
	[STAGE_TLS_IN] =  { "tls-in",  LIMIT_HANDSHAKE, tls_in_wanted,
			    tls_in_enter,  tls_in_event,  NULL },
	[STAGE_SNIFF] =	  { "sniff",   LIMIT_HANDSHAKE, sniff_wanted,
			    sniff_enter,   sniff_event,   sniff_timeout },
	[STAGE_ASK] =	  { "ask",     LIMIT_HANDSHAKE, ask_wanted,
			    ask_enter,	   ask_event,	  NULL },
	[STAGE_AUTH] =	  { "auth",    LIMIT_HANDSHAKE, auth_wanted,
			    auth_enter,	   auth_event,	  auth_timeout },
	[STAGE_ROUTE] =	  { "route",   LIMIT_HANDSHAKE, route_wanted,
			    route_enter,   NULL,	  NULL },
	[STAGE_DOWN] =	  { "down",    LIMIT_HANDSHAKE, down_wanted,
			    down_enter,	   NULL,	  NULL },
	[STAGE_RESOLVE] = { "resolve", LIMIT_RESOLVE, resolve_wanted,
			    resolve_enter, resolve_event, resolve_timeout },
	[STAGE_TARGET] =  { "target",  LIMIT_CONNECT, target_wanted,
			    target_enter,  target_event,  target_timeout },
	[STAGE_CONNECT] = { "connect", LIMIT_CONNECT, connect_wanted,
			    connect_enter, connect_event, connect_timeout },
	[STAGE_PROXY_OUT] = { "proxy-out", LIMIT_CONNECT, proxy_out_wanted,
			    proxy_out_enter, proxy_out_event, NULL },
	[STAGE_TLS_OUT] = { "tls-out", LIMIT_CONNECT, tls_out_wanted,
			    tls_out_enter, tls_out_event, tls_out_timeout },
	[STAGE_PROXY_TLS] = { "proxy-tls", LIMIT_CONNECT, proxy_tls_wanted,
			    proxy_tls_enter, proxy_out_event, NULL },
	[STAGE_ANSWER] =  { "answer",  LIMIT_NONE,    answer_wanted,
			    answer_enter,  answer_event,  answer_timeout },
	[STAGE_RELAY] =	  { "relay",   LIMIT_IDLE,    NULL,
			    relay_enter,   relay_event,   relay_timeout },
	[STAGE_FLUSH] =	  { "flush",   LIMIT_FLUSH,   NULL,
			    flush_enter,   flush_event,   flush_timeout },
};

static const struct sess_calls calls = { stage_io, stage_timer, stage_more };

uint32_t
stage_set(const struct path *p)
{
	/* Without a relay only what comes before there is one. */
	const int last = p->relay == NULL ? STAGE_ROUTE : STAGE_RELAY;
	uint32_t set = 0;
	int i;

	for (i = STAGE_NEW + 1; i <= last; i++)
		if (stages[i].enter != NULL &&
		    (stages[i].wanted == NULL || stages[i].wanted(p)))
			set |= (uint32_t)1 << i;
	return set;
}

void
stage_start(int fd, const struct proto_conn *c, const struct path *path)
{
	struct sess *s = sess_new(fd, c, path, &calls);

	if (s == NULL)
		return;
	trace_look(s, "new");
	stage_run(s, STEP_NEXT);
}

const char *
stage_name(unsigned stage)
{
	return stage < STAGE_DONE ? stages[stage].name : "done";
}

/* The one place where a stage's wish is done. */
static void
stage_run(struct sess *s, enum step step)
{
	while ((step = stage_refuse(s, step)) > STEP_END)
		step = stage_enter(s, step == STEP_NEXT ? stage_next(s) :
		    step == STEP_AGAIN ? STAGE_CONNECT : STAGE_FLUSH);
	if (step == STEP_END)
		sess_close(s);
}

/* Who waits for an answer gets it before the session ends. */
static enum step
stage_refuse(struct sess *s, enum step step)
{
	if ((step != STEP_END && step != STEP_ABORT) || !answer_is_owed(s))
		return step;
	sess_goes_on(s);
	return stage_enter(s, STAGE_ANSWER);
}

/* The lowest one above the present one: RELAY is in every path that has a
 * relay, and AUTH and ROUTE leave no session on another. */
static enum sess_stage
stage_next(const struct sess *s)
{
	return (enum sess_stage)(ffs((int)(s->path->stages &
	    ~(((uint32_t)2 << s->stage) - 1))) - 1);
}

/* The one place where the stage changes. */
static enum step
stage_enter(struct sess *s, enum sess_stage stage)
{
	enum step step;

	log_debug("session=%lx-%llx stage %s -> %s", (long)self.pid,
	    (unsigned long long)s->id, stages[s->stage].name,
	    stages[stage].name);
	s->stage = (uint8_t)stage;
	trace(s, "stage", NULL);
	if (s->limit != stages[stage].limit) {
		if (s->limit == LIMIT_HANDSHAKE && stage <= STAGE_CONNECT)
			stage_shaken(s);
		s->limit = (uint8_t)stages[stage].limit;
		sess_touch(s);
	}
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

/* A client that has to say nothing for that is none that took its time. */
static void
stage_shaken(const struct sess *s)
{
	const uint32_t talks = 1 << STAGE_PROXY_IN | 1 << STAGE_TLS_IN |
	    1 << STAGE_SNIFF | 1 << STAGE_ASK | 1 << STAGE_AUTH;

	if (s->path->stages & talks)
		board_took(&s->path->more->handshake,
		    ev_now_us() - s->taken_us);
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
		step = stages[s->stage].timeout == NULL ? stage_look(s) :
		    stages[s->stage].timeout(s);
	}
	if (step == STEP_WAIT)
		sess_arm(s);
	stage_run(s, step);
}

static enum step
stage_look(struct sess *s)
{
	if (!sess_is_late(s))
		return stages[s->stage].event(s, &s->client);
	if (s->limit == LIMIT_HANDSHAKE)
		return sess_end(s, WHO_CLIENT, WHY_HANDSHAKE_TIMEOUT,
		    CUT_RESET);
	return sess_end(s, WHO_REMOTE, WHY_CONNECT_TIMEOUT, CUT_RESET);
}
