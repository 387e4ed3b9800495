#include "compat.h"

#include <sys/resource.h>

#include "accept/admit.h"
#include "accept/backlog.h"
#include "accept/handoff.h"
#include "accept/listener.h"
#include "acl_map.h"
#include "conf/conf.h"
#include "ev.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proto.h"

#define BURST		64	/* accepts a listener and turn */
#define PAUSE		200	/* ms without accepting */
#define FD_RESERVE	16	/* kept free for control, reload, workers */

static void	admit(struct listener *, bool);
static bool	admit_waits(struct listener *);
static int	admit_accept(struct listener *, struct proto_conn *);
static void	admit_error(struct listener *, int);
static void	admit_refuse(struct listener *, int);
static void	overload_begin(void);
static void	overload_end(void);
static void	reserve(void);
static void	pause_over(struct ev_timer *);
static void	more(struct ev_task *);

static struct ev_timer	 pause_timer = EV_TIMER(pause_over);
static struct ev_task	 more_task;
static bool		 paused, overload;
static struct log_limit	 pause_limit, overload_limit;
static int		 fd_high = -1;	/* the reserve begins here */
static int		 last_fd = -1;	/* that was accepted */

void
admit_event(struct ev_io *io, int what)
{
	struct listener *l = container_of(io, struct listener, io);

	(void)what;
	l->ready = true;
	l->waiting = BACKLOG_ASK;
	if (!l->fresh)		/* else the commit comes back to it */
		admit(l, false);
}

bool
admit_overload(void)
{
	return overload;
}

bool
admit_paused(void)
{
	return paused;
}

void
admit_all(struct listener *l)
{
	l->ready = true;
	l->waiting = BACKLOG_UNKNOWN;
	while (l->ready && !paused)
		admit(l, true);
}

/*
 * Accepts what waits, a burst at most. all: even what nobody has room for,
 * because the listener is about to go.
 */
static void
admit(struct listener *l, bool all)
{
	const struct conf *conf = master.gen->conf;
	struct proto_conn c;
	int fd, i;

	handoff_retry();	/* who was first is served first */
	for (i = 0; i < BURST; i++) {
		if (paused || !l->ready || !admit_waits(l))
			return;
		if (last_fd != -1 && fd_high != -1 && last_fd >= fd_high) {
			/* Sending what was accepted gives descriptors back,
			 * unless nobody takes it. */
			last_fd = -1;
			if (handoff_kept() != 0)
				admit_pause("accept", EMFILE);
			break;
		}
		if (!all && conf->overload == OVERLOAD_QUEUE &&
		    !handoff_room()) {
			overload_begin();
			return;
		}
		if ((fd = admit_accept(l, &c)) == -1)
			continue;
		if (!acl_map_permits(master.gen->acl, &c.client)) {
			l->refused++;
			master.refused++;
			close(fd);
			continue;
		}
		if (handoff_give(fd, &c)) {
			l->accepted++;
			master.accepted++;
			if (overload)
				overload_end();
		} else if (all)
			handoff_keep(fd, &c);
		else
			admit_refuse(l, fd);
	}
	ev_defer(&more_task, more);
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
	l->ready = false;
	ev_io_again(&l->io, IO_READ);
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
		l->ready = false;
		ev_io_again(&l->io, IO_READ);
		break;
	case EINTR:
	case ECONNABORTED:
		break;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		admit_pause("accept", err);
		break;
	default:
		/* Errors of the network that belong to one connection
		 * (accept(2) on Linux); the pause keeps the rest tame. */
		admit_pause(l->name, err);
		break;
	}
}

/* Nobody has room and nobody is to wait. */
static void
admit_refuse(struct listener *l, int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	overload_begin();
	l->refused++;
	master.refused++;
	if (master.gen->conf->overload == OVERLOAD_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

static void
overload_begin(void)
{
	const struct conf *conf = master.gen->conf;
	unsigned skipped;

	if (!overload && handoff_kept() == 0 &&
	    log_allow(&overload_limit, ev_now(), &skipped))
		log_warnx("overload (%s): servers max %u and users max %u are "
		    "reached", conf_overload_name(conf->overload),
		    conf->servers_max, conf->users_max);
	overload = true;
	/* First ask to be woken, then look again: a session that ended in
	 * between is seen here, a later one sends WAKE. */
	atomic_store(&master.gen->board.head->want_room, 1);
	atomic_thread_fence(memory_order_seq_cst);
	handoff_changed();
	if (handoff_room())
		ev_defer(&more_task, more);
}

static void
overload_end(void)
{
	overload = false;
	atomic_store(&master.gen->board.head->want_room, 0);
}

void
admit_resume(void)
{
	struct listener *l;

	if (master.gen == NULL)
		return;
	if (fd_high == -1)
		reserve();
	handoff_changed();
	handoff_retry();
	if (overload && handoff_room())
		overload_end();
	TAILQ_FOREACH(l, &master.listeners, entry)
		if (l->ready && !l->fresh)
			admit(l, false);
}

/* Looked at again after a pause: the limit may have been changed, by a reload
 * or from outside. */
static void
reserve(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < INT32_MAX)
		fd_high = rl.rlim_cur <= FD_RESERVE ? 0 :
		    (int)rl.rlim_cur - FD_RESERVE;
	else
		fd_high = INT32_MAX;
}

static void
more(struct ev_task *task)
{
	(void)task;
	admit_resume();
}

void
admit_pause(const char *what, int err)
{
	unsigned skipped;

	if (log_allow(&pause_limit, ev_now(), &skipped))
		log_warnx("%s: %s; accepting pauses", what, strerror(err));
	if (paused)
		return;
	paused = true;
	ev_timer_set(&pause_timer, PAUSE);
}

static void
pause_over(struct ev_timer *t)
{
	(void)t;
	paused = false;
	reserve();
	admit_resume();
}
