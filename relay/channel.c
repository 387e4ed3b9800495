#include "compat.h"

#include "channel.h"
#include "ipc.h"
#include "log.h"
#include "self.h"
#include "session.h"

#define TURN_MESSAGES	4	/* a wake-up, so that old sessions get a turn */

static void	channel_event(struct ev_io *, int);
static void	channel_more(struct ev_task *);
static void	channel_read(void);
static void	channel_message(const struct ipc_msg *);
static void	channel_sessions(const struct ipc_msg *);
static void	channel_drain(void);
static void	channel_end_soon(struct ev_timer *);
static void	channel_check_done(void);

static struct ev_io	 channel;
static struct ev_task	 more;
static struct ev_timer	 drain_timer = EV_TIMER(channel_end_soon);
static bool		 left;		/* LEAVE has been sent */

int
channel_start(void)
{
	const struct proto_ready ready = { .version = PROTO_VERSION,
	    .pid = (int32_t)self.pid };

	if (ev_io_add(&channel, PROTO_FD_CHANNEL, IO_READ,
	    channel_event) == -1)
		return -1;
	return ipc_send(PROTO_FD_CHANNEL, MSG_READY, &ready, 1, NULL);
}

static void
channel_event(struct ev_io *io, int what)
{
	(void)io;
	(void)what;
	channel_read();
}

static void
channel_more(struct ev_task *task)
{
	(void)task;
	channel_read();
}

static void
channel_read(void)
{
	struct ipc_msg m;
	int i, r;

	for (i = 0; i < TURN_MESSAGES; i++) {
		if (channel.fd == -1)
			return;
		r = ipc_recv(channel.fd, PROTO_DOWN, &m);
		if (r == 1) {
			channel_message(&m);
			continue;
		}
		if (r == -1 && errno == EMSGSIZE) {
			/* Some systems drop all when not all fits. */
			sess_warn(NULL, "taking sessions", errno);
			continue;
		}
		if (r == -1 && errno == EAGAIN) {
			ev_io_again(&channel, IO_READ);
			return;
		}
		if (r == -1)
			log_warn("channel");
		else
			log_info("the master is gone: serving %llu sessions "
			    "to their end",
			    (unsigned long long)self.nsessions);
		ev_io_close(&channel);
		channel_drain();
		return;
	}
	ev_defer(&more, channel_more);
}

static void
channel_message(const struct ipc_msg *m)
{
	log_debug("the master says %s, %u", ipc_name(m->type), m->count);
	switch (m->type) {
	case MSG_CONN:
		channel_sessions(m);
		break;
	case MSG_DRAIN:
		channel_drain();
		if (m->drain.close)
			sess_close_all(WHY_GENERATIONS, 0);
		break;
	default:
		break;		/* ipc_recv() lets no other through */
	}
}

static void
channel_sessions(const struct ipc_msg *m)
{
	unsigned i;

	board_add(&self.board.own->taken, m->count);
	for (i = 0; i < m->count; i++) {
		if (m->fds[i] == -1) {
			sess_warn(NULL, "taking a session", EMFILE);
			board_add(&self.board.own->closed, 1);
			continue;
		}
		sess_new(m->fds[i], &m->conn[i]);
	}
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
	setproctitle("generation %u, draining", self.generation);
	if (limit != 0)
		ev_timer_set(&drain_timer, limit - limit / 10);
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
	const struct proto_leave leave = { .why = (uint32_t)why };

	if (left || self.draining)
		return;
	/* A full channel upwards: the next session asks again. */
	left = ipc_send(channel.fd, MSG_LEAVE, &leave, 1, NULL) == 0;
}

void
channel_session_ended(void)
{
	const struct proto_wake wake = { .reserved = 0 };

	/* Orders our count before our look; the master does the reverse. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&self.board.head->want_room,
	    memory_order_relaxed) != 0 && channel.fd != -1)
		ipc_send(channel.fd, MSG_WAKE, &wake, 1, NULL);
	channel_check_done();
}

static void
channel_check_done(void)
{
	if (self.draining && self.nsessions == 0)
		ev_stop();
}
