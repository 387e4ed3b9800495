#include "compat.h"

#include <signal.h>

#include "accept/listener.h"
#include "inbox.h"
#include "ledger.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "proc/auth.h"
#include "proc/channel.h"
#include "proc/foreign.h"
#include "proc/generation.h"
#include "proc/lease.h"
#include "proc/level.h"
#include "proc/live.h"
#include "proc/load.h"
#include "proc/seat.h"
#include "proc/trace.h"
#include "proc/watch.h"
#include "proc/writer.h"

#define TURN_MESSAGES	64	/* of one worker a turn */
#define AGAIN		200	/* ms until DRAIN is sent again */

static void	channel_event(struct ev_io *, int);
static void	channel_has_room(struct worker *);
static void	channel_read(struct worker *);
static void	channel_message(struct ev_io *, struct ipc_msg *);
static bool	channel_agrees(const struct worker *,
		    const struct proto_ready *);
static void	channel_ready(struct worker *, const struct proto_ready *);
static void	channel_drain(struct worker *);
static bool	channel_say(struct worker *, enum proto_type, const void *);
static void	channel_level(struct worker *);
static void	channel_log(struct worker *);
static void	channel_named(struct worker *, const struct proto_named *);
static void	channel_verdicts(struct worker *);
static void	channel_leases(struct worker *);
static void	channel_auth(struct worker *);
static void	channel_again(struct ev_timer *);

static struct ev_timer	 again_timer = EV_TIMER(channel_again);

int
channel_open(struct worker *w)
{
	int sv[2], saved;

	if (ipc_pair(sv) == -1)
		return -1;
	w->its_end = sv[1];
	if (channel_adopt(w, sv[0]) == 0)
		return 0;
	saved = errno;
	close(sv[0]);
	errno = saved;
	return -1;
}

int
channel_adopt(struct worker *w, int fd)
{
	ipc_no_fds(fd);
	/* Whether what is due fits now is not known. */
	w->full = w->drain_due;
	return ev_io_add(&w->chan, fd, w->full ? IO_READ | IO_WRITE : IO_READ,
	    channel_event);
}

static void
channel_event(struct ev_io *io, int what)
{
	struct worker *w = container_of(io, struct worker, chan);

	if ((what & IO_WRITE) && w->full)
		channel_has_room(w);
	if ((what & IO_READ) && !w->broken)
		channel_read(w);
}

/*
 * Whether the channel can be written to is watched only while it cannot: it
 * would be an event for every packet that the worker takes.
 */
void
channel_is_full(struct worker *w)
{
	w->full = true;
	if (ev_io_add(&w->chan, w->chan.fd, IO_WRITE, channel_event) == -1)
		ev_timer_set(&again_timer, AGAIN);
	ev_io_again(&w->chan, IO_WRITE);
}

static void
channel_has_room(struct worker *w)
{
	int fd = w->chan.fd;

	w->full = false;
	mark(MARK_ACCEPT | MARK_SEND);
	ev_io_del(&w->chan);
	if (ev_io_add(&w->chan, fd, IO_READ, channel_event) == 0)
		return;
	w->chan.fd = fd;
	channel_broken(w, "has a channel that cannot be watched: killed");
}

static void
channel_read(struct worker *w)
{
	if (inbox_read(&w->inbox, &w->chan, PROTO_UP, TURN_MESSAGES,
	    channel_message) == 0)
		return;
	if (errno == 0)
		channel_broken(w, "has shut its channel: killed");
	else if (errno == EPROTO)
		channel_broken(w, "speaks out of turn: killed");
	else
		ev_io_again(&w->chan, IO_READ);
}

/*
 * We have both ends of its channel until it is buried: only what it does itself
 * can end it. Nothing is read or sent there any more, even if it cannot be
 * killed.
 */
void
channel_broken(struct worker *w, const char *why)
{
	const int fd = w->chan.fd;

	if (w->broken || w->state == WORKER_DEAD)
		return;
	w->broken = true;
	w->full = true;
	worker_kill(w, SIGKILL, why);
	inbox_end(&w->inbox);
	ev_io_del(&w->chan);
	w->chan.fd = fd;	/* as it is still ours to close */
	watch_lose(w);
}

static void
channel_message(struct ev_io *io, struct ipc_msg *m)
{
	struct worker *w = container_of(io, struct worker, chan);

	log_debug("worker %ld says %s", (long)w->child.pid, ipc_name(m->type));
	switch (m->type) {
	case MSG_READY:
		channel_ready(w, &m->ready);
		break;
	case MSG_LEAVE:
		if (worker_replace(w))
			log_info("worker %ld: %s", (long)w->child.pid,
			    m->leave.why == LEAVE_RETIRED ? "retires" :
			    "asked to leave");
		break;
	case MSG_UNAUTH:
		auth_lost(w, m->auth);
		break;
	case MSG_NAMED:
		channel_named(w, &m->named);
		break;
	case MSG_SET_DONE:
		live_done(w, &m->set_done);
		break;
	case MSG_WAKE:
		mark(MARK_ACCEPT);
		break;
	case MSG_QUEUE:
		load_watch();
		lease_claim(w, m->queue.place);
		break;
	default:
		break;		/* ipc_recv() lets no other through */
	}
}

static bool
channel_agrees(const struct worker *w, const struct proto_ready *r)
{
	const char *exec = w->gen->conf->exec;

	if (r->version == (exec != NULL ? PROTO_PUBLIC : PROTO_VERSION))
		return true;
	if (exec != NULL)
		log_write(LOG_ERR, "worker %ld speaks version %u of the "
		    "protocol of workers, this spawnd %d: %s is to be built "
		    "for this release", (long)w->child.pid, r->version,
		    PROTO_PUBLIC, exec);
	else
		log_write(LOG_ERR, "worker %ld is of another release "
		    "(protocol %u, mine is %u): restart spawnd after an "
		    "upgrade", (long)w->child.pid, r->version, PROTO_VERSION);
	return false;
}

/* The worker logs who is refused; it is one of those that the listener has
 * refused. */
static void
channel_named(struct worker *w, const struct proto_named *n)
{
	const unsigned listener = seat_listener(w, n->seat);
	struct listener *l;

	if (seat_named(w, n) == LIMIT_NONE)
		return;
	board_add(&ledger->limited, 1);
	if (w->gen != master.gen)
		return;
	TAILQ_FOREACH(l, &master.listeners, entry)
		if (!l->fresh && l->index == listener) {
			l->limited++;
			return;
		}
}

static void
channel_ready(struct worker *w, const struct proto_ready *r)
{
	if (!channel_agrees(w, r)) {
		worker_kill(w, SIGKILL, NULL);
		return;
	}
	if (w->state != WORKER_STARTING)
		return;
	ev_timer_stop(&w->timer);
	w->state = WORKER_READY;
	channel_auth(w);
	level_ready(w);
	trace_ready(w);
	mark(MARK_WORKERS | MARK_ACCEPT | MARK_SEND);
	if (w->gen->old || master.stopping)
		worker_drain(w);
	else if (w->sent != 0)
		watch_look(w);
}

/* Behind the sessions that it was given this turn. */
void
channel_send_due(void)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry) {
			if (w->state == WORKER_DEAD)
				continue;
			if (w->drain_due)
				channel_drain(w);
			if (writer_wanted(w->log))
				channel_log(w);
			channel_verdicts(w);
			if (w->lease_due)
				channel_leases(w);
			if (w->level_due)
				channel_level(w);
			if (!TAILQ_EMPTY(&w->askers))
				channel_auth(w);
		}
}

static void
channel_drain(struct worker *w)
{
	const struct proto_drain drain = { .cut = CUT_NOTHING };

	watch_look(w);
	if (channel_say(w, MSG_DRAIN, &drain))
		w->drain_due = false;
}

/* False: what that is about is still due. */
static bool
channel_say(struct worker *w, enum proto_type type, const void *item)
{
	if (w->full)
		return false;
	if (ipc_send(w->chan.fd, type, item, 1, NULL) == 0)
		return true;
	if (errno == EAGAIN)
		channel_is_full(w);
	else if (!channel_failed(w))
		ev_timer_set(&again_timer, AGAIN);
	return false;
}

bool
channel_failed(struct worker *w)
{
	if (errno == EPIPE || errno == ECONNRESET)
		channel_broken(w, "has shut its channel: killed");
	else if (errno == EPROTO)
		channel_broken(w, "has a channel that takes a part only: "
		    "killed");
	else
		return false;
	return true;
}

/* In the order in which it has asked. */
static void
channel_verdicts(struct worker *w)
{
	struct proto_verdict v;

	while (seat_verdict(w, &v) && channel_say(w, MSG_VERDICT, &v))
		seat_told(w);
}

void
channel_send_set(void)
{
	struct proto_set set;
	struct worker *w;

	TAILQ_FOREACH(w, &master.gen->workers, entry)
		while (live_next(w, &set) && channel_say(w, MSG_SET, &set))
			live_sent(w, &set);
	live_look();
}

/* Which ones it sees in its board. */
static void
channel_leases(struct worker *w)
{
	const struct proto_lease lease = { .reserved = 0 };

	if (channel_say(w, MSG_LEASE, &lease))
		w->lease_due = false;
}

static void
channel_level(struct worker *w)
{
	const struct proto_level level = { .level = (uint32_t)w->level };

	if (channel_say(w, MSG_LEVEL, &level))
		w->level_due = false;
}

static void
channel_log(struct worker *w)
{
	if (w->full || writer_replace(&w->log, w->chan.fd) == -1)
		ev_timer_set(&again_timer, AGAIN);
	else
		log_warnx("worker %ld had no way to the logger any more: it "
		    "has another", (long)w->child.pid);
}

static void
channel_auth(struct worker *w)
{
	struct proto_auth who;
	int fd;

	while (!w->full && (fd = auth_next(w, &who)) != -1) {
		if (ipc_send(w->chan.fd, MSG_AUTH, &who, 1, &fd) == 0)
			auth_sent(w, &who);
		else if (errno == EAGAIN)
			channel_is_full(w);
		else {
			ev_timer_set(&again_timer, AGAIN);
			return;
		}
	}
}

/* The system could not send DRAIN, or watch for room in a channel, and no
 * event tells when it can. */
static void
channel_again(struct ev_timer *t)
{
	struct generation *g;
	struct worker *w;

	(void)t;
	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			w->full = w->broken;
	mark(MARK_ACCEPT | MARK_SEND);
}

void
channel_expire(struct worker *w)
{
	const struct proto_drain now = { .cut = CUT_GENERATIONS };

	/* A full channel means that it does not listen. */
	if (ipc_send(w->chan.fd, MSG_DRAIN, &now, 1, NULL) == -1)
		worker_kill(w, SIGINT, NULL);
	watch_expire(w);
}
