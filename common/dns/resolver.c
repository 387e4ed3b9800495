#include "compat.h"

#include <poll.h>

#include "dns/open.h"
#include "dns/resolver.h"
#include "ev.h"

#define SOCKETS		64	/* at the same time, most that are watched */
#define ROUNDS		32	/* a turn, while there is something to read */

/* One that c-ares has. */
struct sock {
	struct ev_io	 io;
	short		 wants;		/* POLLIN, POLLOUT */
};

static void	 sock_state(void *, ares_socket_t, int, int);
static struct sock *sock_of(ares_socket_t);
static void	 sock_event(struct ev_io *, int);
static void	 serve(struct ev_task *);
static bool	 serve_once(void);
static void	 due(struct ev_timer *);
static void	 arm(void);

static ares_channel	 channel;
static struct sock	 socks[SOCKETS];
static struct ev_task	 task;
static struct ev_timer	 timer = EV_TIMER(due);

int
resolver_start(bool as_is, const char **errp)
{
	size_t i;

	for (i = 0; i < SOCKETS; i++)
		socks[i].io.fd = -1;
	return dns_open(&channel, sock_state, as_is, errp);
}

ares_channel
resolver_channel(void)
{
	return channel;
}

void
resolver_go_on(void)
{
	ev_defer(&task, serve);
}

/* Whether it may be read or written now is looked at in serve(): edges may have
 * been before it is wanted. */
static void
sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct sock *s = sock_of(fd);

	(void)arg;
	if (s == NULL && (s = sock_of(-1)) == NULL)
		return;		/* it will be too late for that answer */
	s->wants = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
	if (s->wants == 0)
		ev_io_del(&s->io);
	else if (s->io.fd == -1 &&
	    ev_io_add(&s->io, fd, IO_READ | IO_WRITE, sock_event) == -1)
		s->io.fd = -1;
	ev_defer(&task, serve);
}

static struct sock *
sock_of(ares_socket_t fd)
{
	size_t i;

	for (i = 0; i < SOCKETS; i++)
		if (socks[i].io.fd == fd)
			return &socks[i];
	return NULL;
}

static void
sock_event(struct ev_io *io, int what)
{
	(void)io;
	(void)what;
	ev_defer(&task, serve);
}

static void
serve(struct ev_task *t)
{
	struct sock *s;
	int i;

	for (i = 0; i < ROUNDS && serve_once(); i++)
		continue;
	if (i == ROUNDS)
		ev_defer(t, serve);
	for (s = socks; s < socks + SOCKETS; s++)
		if (s->io.fd != -1)
			ev_io_again(&s->io, IO_READ |
			    (s->wants & POLLOUT ? IO_WRITE : 0));
	arm();
}

/* True if there was something to do. */
static bool
serve_once(void)
{
	struct pollfd polls[SOCKETS];
	nfds_t i, n = 0;
	struct sock *s;

	for (s = socks; s < socks + SOCKETS; s++)
		if (s->io.fd != -1) {
			polls[n].fd = s->io.fd;
			polls[n++].events = s->wants;
		}
	if (n == 0 || poll(polls, n, 0) <= 0)
		return false;
	for (i = 0; i < n; i++)
		if (polls[i].revents != 0)
			ares_process_fd(channel,
			    polls[i].revents & (POLLIN | POLLERR | POLLHUP) ?
			    polls[i].fd : ARES_SOCKET_BAD,
			    polls[i].revents & POLLOUT ? polls[i].fd :
			    ARES_SOCKET_BAD);
	return true;
}

static void
due(struct ev_timer *t)
{
	(void)t;
	ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	ev_defer(&task, serve);
}

static void
arm(void)
{
	struct timeval tv;

	ev_timer_stop(&timer);
	if (ares_timeout(channel, NULL, &tv) != NULL)
		ev_timer_set(&timer, (uint64_t)tv.tv_sec * 1000 +
		    (uint64_t)tv.tv_usec / 1000 + 1);
}
