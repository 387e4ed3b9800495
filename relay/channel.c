#include "compat.h"

#include "authoriser.h"
#include "change.h"
#include "claim.h"
#include "channel.h"
#include "filter/talk.h"
#include "inbox.h"
#include "layer/tls_ctx.h"
#include "listing.h"
#include "log.h"
#include "remote/lease.h"
#include "remote/remotes.h"
#include "remote/wait.h"
#include "self.h"
#include "session.h"
#include "stage.h"
#include "tracing.h"

#define TURN_MESSAGES	4	/* a wake-up, so that old sessions get a turn */
#define LEAVE_AGAIN	50	/* ms between tries at a full channel */

static void	channel_event(struct ev_io *, int);
static void	channel_lost(void);
static void	channel_message(struct ev_io *, struct ipc_msg *);
static void	channel_sessions(const struct ipc_msg *);
static void	channel_session(int, const struct proto_conn *);
static void	channel_log(int);
static void	channel_auth(const struct ipc_msg *);
static bool	channel_unauth(const struct proto_auth *);
static bool	channel_named(const struct proto_named *);
static void	channel_drain(void);
static void	channel_end_soon(struct ev_timer *);
static void	channel_ask(struct ev_timer *);
static void	channel_set_done(struct ev_timer *);
static bool	channel_claim(unsigned);
static void	channel_session_ended(void);
static void	channel_check_done(void);

static struct ev_io	 channel;
static struct inbox	 inbox;
static struct ev_timer	 drain_timer = EV_TIMER(channel_end_soon);
static struct ev_timer	 leave_timer = EV_TIMER(channel_ask);
static struct ev_timer	 set_timer = EV_TIMER(channel_set_done);
static struct proto_set_done set_done;
static struct proto_leave leave;	/* why is 0 until somebody wants it */
static void		 (*done)(void);

int
channel_start(void (*tell)(void))
{
	const struct proto_ready ready = { .version = PROTO_VERSION,
	    .pid = (int32_t)self.pid };

	done = tell;
	sess_init(channel_session_ended);
	lease_init(channel_claim);
	if (authoriser_start(sess_resume, channel_unauth) == -1 ||
	    talk_start(sess_resume, channel_unauth) == -1)
		return -1;
	claim_start(sess_resume, channel_named);
	if (ev_io_add(&channel, self.fd[PROTO_FD_CHANNEL], IO_READ,
	    channel_event) == -1)
		return -1;
	return ipc_send(channel.fd, MSG_READY, &ready, 1, NULL);
}

static void
channel_event(struct ev_io *io, int what)
{
	(void)what;
	if (inbox_read(&inbox, io, PROTO_DOWN, TURN_MESSAGES,
	    channel_message) == 0)
		return;
	/* Some systems drop all descriptors when not all fit. */
	if (errno == EMSGSIZE)
		sess_warn(NULL, "taking sessions", errno);
	else
		channel_lost();
}

static void
channel_lost(void)
{
	if (errno != 0)
		log_warn("channel");
	else
		log_info("the master is gone: serving %llu sessions to their "
		    "end", (unsigned long long)self.nsessions);
	ev_io_close(&channel);
	channel_drain();
}

static void
channel_message(struct ev_io *io, struct ipc_msg *m)
{
	(void)io;
	log_debug("the master says %s, %u", ipc_name(m->type), m->count);
	switch (m->type) {
	case MSG_CONN:
		channel_sessions(m);
		break;
	case MSG_DRAIN:
		channel_drain();
		if (m->drain.cut != CUT_NOTHING)
			sess_close_all(m->drain.cut == CUT_STOPPED ?
			    WHY_STOPPED : WHY_GENERATIONS, 0);
		break;
	case MSG_KEYS:
		tls_ctx_keys(&m->keys);
		explicit_bzero(&m->keys, sizeof(m->keys));
		break;
	case MSG_LOG:
		channel_log(m->fds[0]);
		break;
	case MSG_AUTH:
		channel_auth(m);
		break;
	case MSG_LEASE:
		wait_leases();
		break;
	case MSG_LEVEL:
		log_set_level((int)MIN(m->level.level, LOG_DEBUG));
		break;
	case MSG_LIST:
		if (m->fds[0] != -1)
			listing_start(m->fds[0], &m->list);
		break;
	case MSG_SET:
		change_take(&m->set);
		set_done.serial = m->set.serial;
		channel_set_done(&set_timer);
		break;
	case MSG_TRACE:
		if (m->fds[0] != -1)
			tracing_start(m->fds[0], &m->trace);
		break;
	case MSG_VERDICT:
		claim_answer(&m->verdict);
		break;
	default:
		break;		/* ipc_recv() lets no other through */
	}
}

/* In the place of the former one, as nobody may end what is there. */
static void
channel_log(int fd)
{
	if (fd == -1)
		return;
	dup2(fd, self.fd[PROTO_FD_LOG]);
	close(fd);
}

/* One that did not fit into our table is asked for again. */
static void
channel_auth(const struct ipc_msg *m)
{
	unsigned i;

	for (i = 0; i < m->count; i++)
		(m->auth[i].section < conf_nauths(self.conf) ?
		    authoriser_connect : talk_connect)(&m->auth[i],
		    m->fds[i]);
}

static bool
channel_unauth(const struct proto_auth *a)
{
	return channel.fd == -1 || ipc_send(channel.fd, MSG_UNAUTH, a, 1,
	    NULL) == 0 || errno != EAGAIN;
}

static bool
channel_named(const struct proto_named *n)
{
	return ipc_send(channel.fd, MSG_NAMED, n, 1, NULL) == 0;
}

static void
channel_sessions(const struct ipc_msg *m)
{
	unsigned i;

	board_add(&self.board.own->taken, m->count);
	for (i = 0; i < m->count; i++)
		channel_session(m->fds[i], &m->conn[i]);
}

static void
channel_session(int fd, const struct proto_conn *c)
{
	const struct path *path = path_of(c->listener);

	if (fd == -1 || path == NULL) {
		sess_warn(NULL, "taking a session",
		    fd == -1 ? EMFILE : EINVAL);
		if (fd != -1)
			close(fd);
		board_close_session(&self.board, c->seat);
		channel_session_ended();
		return;
	}
	/* Else the stage counts that chooses one. */
	self.retire |= path->router == NULL &&
	    path->listen->auth == CONF_NOREF && remotes_count(path->remotes);
	stage_start(fd, c, path);
	if (self.retire)
		channel_leave(LEAVE_RETIRED);
}

/* Nine tenths of the time for the sessions to end by themselves, the last
 * tenth to close them one after the other. */
static void
channel_drain(void)
{
	uint64_t limit = self.conf->drain_timeout;

	if (self.draining)
		return;
	self.draining = true;
	atomic_store(&self.board.own->draining, 1);
	if (!self.inside)
		setproctitle("generation %u, draining", self.generation);
	if (limit != 0)
		ev_timer_set(&drain_timer, limit - limit / 10);
	authoriser_drain();
	channel_check_done();
}

static void
channel_end_soon(struct ev_timer *t)
{
	(void)t;
	log_info("drain-timeout: closing %llu sessions",
	    (unsigned long long)self.nsessions);
	sess_close_all(WHY_DRAIN, self.conf->drain_timeout / 10);
}

void
channel_leave(enum proto_why why)
{
	if (leave.why != 0 || self.draining)
		return;
	leave.why = (uint32_t)why;
	channel_ask(&leave_timer);
}

/* No event tells when a full channel has room. */
static void
channel_ask(struct ev_timer *t)
{
	if (!self.draining &&
	    ipc_send(channel.fd, MSG_LEAVE, &leave, 1, NULL) == -1)
		ev_timer_set(t, LEAVE_AGAIN);
}

static void
channel_set_done(struct ev_timer *t)
{
	if (channel.fd != -1 && ipc_send(channel.fd, MSG_SET_DONE, &set_done,
	    1, NULL) == -1 && errno == EAGAIN)
		ev_timer_set(t, LEAVE_AGAIN);
}

/* Without a master nobody has leases to give. */
static bool
channel_claim(unsigned place)
{
	const struct proto_queue queue = { .place = place };

	return channel.fd == -1 ||
	    ipc_send(channel.fd, MSG_QUEUE, &queue, 1, NULL) == 0;
}

/* Wakes a master that waits for room, and ends a worker that drains if this
 * was the last. */
static void
channel_session_ended(void)
{
	const struct proto_wake wake = { .reserved = 0 };

	/* Orders our count before our look; the master does the reverse. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&self.board.head->want_room,
	    memory_order_relaxed) != 0 && channel.fd != -1)
		ipc_send(channel.fd, MSG_WAKE, &wake, 1, NULL);
	if (self.retire)
		channel_leave(LEAVE_RETIRED);
	channel_check_done();
}

static void
channel_check_done(void)
{
	if (!self.draining || self.nsessions != 0)
		return;
	ev_timer_stop(&drain_timer);
	if (channel.fd != -1)
		ev_io_close(&channel);
	listing_stop();
	tracing_stop();
	done();
}
