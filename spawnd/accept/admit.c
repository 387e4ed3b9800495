#include "compat.h"

#include "accept/admit.h"
#include "accept/backlog.h"
#include "accept/handoff.h"
#include "accept/limit.h"
#include "accept/listener.h"
#include "accept/overload.h"
#include "accept/pause.h"
#include "accept/refuse.h"
#include "acl_map.h"
#include "conf/conf.h"
#include "ledger.h"
#include "mark.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/statproc.h"
#include "proto.h"

#define BURST		64	/* accepts a listener and turn */
#define BACKLOG_MOST	4096	/* accepts where nobody tells how many wait */

static void	admit_look(void);
static bool	admit_listener(struct listener *);
static bool	admit_one(struct listener *);
static bool	admit_visit(struct listener *);
static enum limit admit_over(const struct listener *, enum handoff_room);
static bool	admit_queues(const struct listener *, enum limit);
static void	admit_connection(struct listener *, enum limit, bool);
static enum limit admit_count(const struct listener *, const struct source *,
		    struct tally **);
static bool	admit_permits(const struct source *, const struct listener *);
static bool	admit_short(void);
static bool	admit_waits(struct listener *);
static int	admit_accept(struct listener *, struct proto_conn *);
static void	admit_error(struct listener *, int);
static void	admit_emptied(struct listener *);

TAILQ_HEAD(ready_list, listener);

static struct ready_list ready = TAILQ_HEAD_INITIALIZER(ready);
static int		 last_fd = -1;	/* that was accepted */
static bool		 held;		/* see admit_held() */

void
admit_event(struct ev_io *io, int what)
{
	struct listener *l = container_of(io, struct listener, io);

	(void)what;
	if (!l->ready)
		TAILQ_INSERT_TAIL(&ready, l, ready_entry);
	l->ready = true;
	l->waiting = BACKLOG_ASK;
	mark(MARK_ACCEPT);
}

void
admit_forget(struct listener *l)
{
	if (l->ready)
		TAILQ_REMOVE(&ready, l, ready_entry);
	l->ready = false;
}

void
admit_ready(void)
{
	struct ready_list served = TAILQ_HEAD_INITIALIZER(served);
	struct listener *l, *next;

	overload_look();
	held = false;
	admit_look();
	TAILQ_FOREACH_SAFE(l, &ready, ready_entry, next) {
		/* One that is fresh waits for the commit of its reload. */
		if (l->fresh || !admit_listener(l) || !l->ready)
			continue;
		/* The others are first when there is room again. */
		TAILQ_REMOVE(&ready, l, ready_entry);
		TAILQ_INSERT_TAIL(&served, l, ready_entry);
	}
	TAILQ_CONCAT(&ready, &served, ready_entry);
}

/*
 * What was kept over a pause is with workers now, and nobody may take it: if
 * sending it does not give descriptors back, one more that is accepted after
 * each pause would leave none for the control socket.
 */
static void
admit_look(void)
{
	if (!pause_was())
		return;
	handoff_send();
	if (!pause_on() && !pause_free(PAUSE_LAST))
		pause_begin("accept", EMFILE);
}

/* True if anybody was accepted. */
static bool
admit_listener(struct listener *l)
{
	int i;

	for (i = 0; i < BURST; i++)
		if (pause_on() || !l->ready || !admit_one(l))
			return i != 0;
	mark(MARK_ACCEPT);
	return true;
}

/* False: no more of this listener now. */
static bool
admit_one(struct listener *l)
{
	enum handoff_room room;
	enum limit over;

	if (!admit_waits(l))
		return false;
	if (admit_is_status(l))
		return admit_visit(l);
	if (admit_short()) {
		mark(MARK_ACCEPT);	/* what was accepted is sent first */
		return false;
	}
	/* Soon: the worker that is started now gets what waits. */
	if ((room = handoff_room()) == HANDOFF_SOON)
		return false;
	if ((over = admit_over(l, room)) == LIMIT_OVERLOAD)
		overload_begin();
	if (over != LIMIT_NONE && (l->held = admit_queues(l, over))) {
		held |= over != LIMIT_OVERLOAD;
		return false;
	}
	admit_connection(l, over, false);
	return true;
}

bool
admit_is_status(const struct listener *l)
{
	return master.gen->conf->listens[l->index].serve == SERVE_STATUS;
}

/* It is to be had also when nobody has room, and takes none. */
static bool
admit_visit(struct listener *l)
{
	struct proto_conn c;
	int fd;

	if (statproc_full())
		return false;
	if ((fd = admit_accept(l, &c)) == -1)
		return true;
	last_fd = -1;
	if (!admit_permits(&c.client, l)) {
		refuse_denied(l, fd, &c.client);
		return true;
	}
	statproc_visit(fd);
	l->accepted++;
	return true;
}

/* What is in the way of one more, whoever it is. */
static enum limit
admit_over(const struct listener *l, enum handoff_room room)
{
	const struct gates *gates = master.gen->gates;
	const struct gate *g = &gates->of[l->index];
	const struct conf_listen *c = &master.gen->conf->listens[l->index];

	if (room == HANDOFF_NONE)
		return LIMIT_OVERLOAD;
	if (gates->unfilled != 0 &&
	    gate_reserved(gates, l->index, handoff_places()))
		return LIMIT_RESERVE;
	return c->over_limit == OVER_QUEUE && g->quota != NULL &&
	    limit_full(g->quota, c) ? LIMIT_SESSIONS : LIMIT_NONE;
}

/* Is it to wait for that to be over? */
static bool
admit_queues(const struct listener *l, enum limit over)
{
	const struct conf *conf = master.gen->conf;

	return over == LIMIT_SESSIONS ?
	    conf->listens[l->index].over_limit == OVER_QUEUE :
	    conf->overload == OVERLOAD_QUEUE;
}

bool
admit_held(void)
{
	return held;
}

void
admit_all(struct listener *l)
{
	int n;

	if (admit_is_status(l))
		return;
	/* One that was passed to us goes on without us. */
	if (l->from == LISTENER_BOUND)
		backlog_shut(l->io.fd);
	n = backlog_waiting(l->io.fd);
	if (n < 0 || (n == 0 && !l->counts))
		n = BACKLOG_MOST;
	admit_event(&l->io, IO_READ);
	handoff_look();
	for (; n > 0 && l->ready && !pause_on(); n--) {
		if (admit_short())
			handoff_send();
		admit_connection(l, LIMIT_NONE, true);
	}
}

/* over: what is in the way of it. keep: even what nobody has room for. */
static void
admit_connection(struct listener *l, enum limit over, bool keep)
{
	struct tally *tally = NULL;
	struct proto_conn c;
	int fd;

	if ((fd = admit_accept(l, &c)) == -1)
		return;
	if (!admit_permits(&c.client, l)) {
		refuse_denied(l, fd, &c.client);
		return;
	}
	if (over != LIMIT_RESERVE)
		over = admit_count(l, &c.client, &tally);
	if (over != LIMIT_NONE) {
		refuse_limited(l, fd, &c.client, over);
		return;
	}
	if (l->held)
		c.backlog_ms = backlog_waited(fd);
	if (!handoff_give(fd, &c, tally)) {
		if (!keep) {
			limit_undo(tally, &master.gen->conf->listens[l->index]);
			refuse_limited(l, fd, &c.client, LIMIT_OVERLOAD);
			return;
		}
		handoff_keep(fd, &c, tally);
	}
	if (l->held)
		overload_waited();
	l->accepted++;
	board_add(&ledger->accepted, 1);
}

/* Both lists must. */
static bool
admit_permits(const struct source *client, const struct listener *l)
{
	return acl_map_permits(master.gen->acl, client) &&
	    gate_permits(&master.gen->gates->of[l->index], client);
}

/* Who speaks for others is counted when it has said for whom. */
static enum limit
admit_count(const struct listener *l, const struct source *client,
    struct tally **tally)
{
	const struct gate *g = &master.gen->gates->of[l->index];
	const struct conf_listen *c = &master.gen->conf->listens[l->index];
	enum limit over;

	if (g->quota == NULL)
		return LIMIT_NONE;
	if (c->over_limit != OVER_QUEUE && limit_full(g->quota, c))
		return LIMIT_SESSIONS;
	*tally = limit_begin(g->quota);
	if (gate_speaks_for(g, client) ||
	    (over = limit_source(tally, c, client)) == LIMIT_NONE)
		return LIMIT_NONE;
	limit_end(*tally);
	return over;
}

/*
 * Sending what was accepted gives descriptors back, unless nobody takes it.
 */
static bool
admit_short(void)
{
	if (last_fd == -1 || !pause_short(last_fd))
		return false;
	last_fd = -1;
	if (handoff_kept() != 0)
		pause_begin("accept", EMFILE);
	return true;
}

/*
 * Asked once an event: whoever comes after that is an event of its own. That
 * nobody waits is only believed of a socket that has told of somebody before.
 */
static bool
admit_waits(struct listener *l)
{
	if (l->waiting == BACKLOG_ASK)
		l->waiting = backlog_waiting(l->io.fd);
	l->counts = l->counts || l->waiting > 0;
	if (l->waiting == 0 && !l->counts)
		l->waiting = BACKLOG_UNKNOWN;
	if (l->waiting != 0)
		return true;
	admit_emptied(l);
	return false;
}

/* A connection, or -1 when there is none this time. */
static int
admit_accept(struct listener *l, struct proto_conn *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd;

	ss.ss_family = AF_UNSPEC;
	fd = accept4(l->io.fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		/* Whether the one it was about still waits is not told. */
		l->waiting = BACKLOG_UNKNOWN;
		admit_error(l, errno);
		return -1;
	}
	if (l->waiting > 0)
		l->waiting--;
	last_fd = fd;
	memset(c, 0, sizeof(*c));
	source_set(&c->client, (struct sockaddr *)&ss);
	c->listener = l->index;
	c->accepted_us = ev_now_us();
	return fd;
}

/* Sorts out what accept(2) says. */
static void
admit_error(struct listener *l, int err)
{
	switch (err) {
	case EAGAIN:
		admit_emptied(l);
		break;
	case EINTR:
		break;
	case ECONNABORTED:
		board_add(&ledger->aborted, 1);
		break;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		pause_begin("accept", err);
		break;
	default:
		/* Errors of the network that belong to one connection
		 * (accept(2) on Linux); the pause keeps the rest tame. */
		pause_begin(l->name, err);
		break;
	}
}

static void
admit_emptied(struct listener *l)
{
	l->held = false;
	admit_forget(l);
	ev_io_again(&l->io, IO_READ);
}
