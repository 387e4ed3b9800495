#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fcntl.h>

#include "remote/hold.h"
#include "remote/local.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"
#include "stage/connect.h"

#define FULL_LOOK	20	/* ms between tries at a full backlog */

static enum step	 connect_start(struct sess *);
static enum step	 connect_try(struct sess *);
static int		 connect_socket(const struct sess *,
			    const struct addr *);
static int		 connect_from(struct local *, const struct addr *);
static void		 connect_options(int, const struct addr *);
static bool		 connect_is_from(const struct conf_listen *,
			    const struct conf_relay *);
static bool		 connect_lacks(int);
static enum step	 connect_failed(struct sess *, int);
static bool		 connect_next(struct sess *);
static bool		 connect_remember(struct sess *);
static enum step	 connect_done(struct sess *);
static bool		 connect_to_self(const struct sess *);
static bool		 connect_is_listener(const struct sess *,
			    const struct addr *);

enum step
connect_enter(struct sess *s)
{
	if (s->chosen == NULL &&
	    (s->chosen = remote_pick(s->path->remotes, s)) == NULL)
		return sess_end(s, WHO_RELAY, WHY_NO_REMOTE, CUT_RESET);
	return connect_start(s);
}

static enum step
connect_start(struct sess *s)
{
	sess_touch(s);
	return connect_try(s);
}

static enum step
connect_try(struct sess *s)
{
	const struct addr *to = s->chosen->addr;
	int fd;

	/* Each connect to ourselves would bring a session that connects. */
	if (s->chosen->whose == REMOTE_OURS && hold_is(s->chosen))
		return connect_failed(s, ELOOP);
	if ((fd = connect_socket(s, to)) == -1) {
		/* A unix socket whose backlog is full: no event will tell
		 * when there is room. */
		if (errno != EAGAIN || to->sa.sa_family != AF_UNIX)
			return connect_failed(s, errno);
		sess_look_soon(s, FULL_LOOK);
		return STEP_WAIT;
	}
	s->remote.readable = s->remote.writable = false;
	s->remote.hup = s->remote.error = false;
	if (sess_watch(&s->remote, fd) == -1) {
		close(fd);
		return connect_failed(s, errno);
	}
	return STEP_WAIT;
}

/* A connecting socket, or -1 with errno. If the ports of one source address are
 * used up there may be another. */
static int
connect_socket(const struct sess *s, const struct addr *to)
{
	struct local *l = locals_for(s->chosen->locals, to->sa.sa_family);
	unsigned tries = local_tries(l);
	int fd;

	do
		fd = connect_from(l, to);
	while (fd == -1 && errno == EADDRNOTAVAIL && --tries > 0);
	return fd;
}

static int
connect_from(struct local *l, const struct addr *to)
{
	int fd, saved;

	fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	connect_options(fd, to);
	if (local_bind(l, fd) == -1 ||
	    (connect(fd, &to->sa, to->len) == -1 && errno != EINPROGRESS &&
	    errno != EINTR)) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Urgent data has its place in the stream from the first byte on: what comes
 * before the option is set would be lost to the next urgent byte. */
static void
connect_options(int fd, const struct addr *to)
{
	const int on = 1;

	if (to->sa.sa_family == AF_UNIX)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

enum step
connect_event(struct sess *s, struct end *e)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (!e->remote) {
		/* Its data waits in the kernel; only a reset matters now. */
		if (!e->error)
			return STEP_WAIT;
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	}
	if (e->hup && getsockopt(e->io.fd, SOL_SOCKET, SO_ERROR, &err,
	    &len) == -1)
		err = errno;
	if (err != 0)
		return connect_failed(s, err);
	return e->writable ? connect_done(s) : STEP_WAIT;
}

enum step
connect_timeout(struct sess *s)
{
	if (!sess_is_late(s))
		return s->remote.io.fd == -1 ? connect_try(s) : STEP_WAIT;
	return connect_failed(s, ETIMEDOUT);
}

static enum step
connect_done(struct sess *s)
{
	/* Once, until one fails: who answers now was there before. */
	if (s->chosen->whose != REMOTE_OTHER && connect_to_self(s))
		return connect_failed(s, ELOOP);
	s->chosen->whose = REMOTE_OTHER;
	s->connect_us = MAX(1, sess_span(s->taken_us, ev_now_us()));
	s->keepalive = s->path->relay->keepalive &&
	    s->chosen->addr->sa.sa_family != AF_UNIX;
	if (s->chosen->conf->tls == CONF_NOREF)
		remote_ok(s->chosen);
	return STEP_NEXT;
}

/*
 * A port out of those that the kernel gives to who connects may be our own:
 * then a connection to this machine meets itself, and is one. Or the address
 * has become one of this machine, and our listener takes it.
 */
static bool
connect_to_self(const struct sess *s)
{
	const struct addr *to = s->chosen->addr;
	struct addr own = { .len = sizeof(own.un) };
	const uint16_t port = addr_get_port(to);
	bool met;

	if (to->sa.sa_family == AF_UNIX ||
	    getsockname(s->remote.io.fd, &own.sa, &own.len) == -1)
		return false;
	met = addr_get_port(&own) == port;
	addr_set_port(&own, port);
	return addr_cmp(&own, to) == 0 && (met || connect_is_listener(s, to));
}

/* Of this relay section: the others may be meant. */
static bool
connect_is_listener(const struct sess *s, const struct addr *to)
{
	const struct conf_listen *l;
	struct addr any = *to;
	unsigned i, k;

	addr_set_any(&any);
	for (i = 0; i < self.conf->nlistens; i++) {
		l = &self.conf->listens[i];
		if (!connect_is_from(l, s->path->relay))
			continue;
		for (k = 0; k < l->naddr; k++)
			if (addr_cmp(&l->addr[k], to) == 0 ||
			    addr_cmp(&l->addr[k], &any) == 0)
				return true;
	}
	return false;
}

/* Whether sessions of a listener may come to a relay section. */
static bool
connect_is_from(const struct conf_listen *l, const struct conf_relay *relay)
{
	const unsigned index = (unsigned)(relay - self.conf->relays);
	unsigned i;

	for (i = 0; i < l->nroutes; i++)
		if (l->routes[i].relay == index)
			return true;
	return l->relay == index;
}

/* What this machine lacks is no fault of the remote, which is not held for it.
 * EADDRNOTAVAIL: all source ports towards an address are used up, or its own
 * address is gone. */
static bool
connect_lacks(int err)
{
	return err == EADDRNOTAVAIL || err == EMFILE || err == ENFILE ||
	    err == ENOBUFS || err == ENOMEM;
}

/* The next place of the remote, else the next remote, else the end; at once
 * if another one would need what is lacking as well. */
static enum step
connect_failed(struct sess *s, int err)
{
	bool lacks = connect_lacks(err);

	s->chosen->whose = err == ELOOP ? REMOTE_OURS : REMOTE_UNSEEN;
	ev_io_close(&s->remote.io);
	if (lacks)
		sess_warn(s, "connect", err);
	if (lacks && err != EADDRNOTAVAIL)
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	if (!lacks)
		remote_failed(s->chosen, err == ELOOP ?
		    "it leads back to spawnd itself" : strerror(err));
	if (connect_next(s))
		return connect_start(s);
	if (lacks)
		return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
	return sess_end(s, WHO_REMOTE, err == ETIMEDOUT ?
	    WHY_CONNECT_TIMEOUT : WHY_CONNECT, CUT_RESET);
}

/* Notes the place as tried, and chooses another one: of the same remote, else
 * of another one, if that may be tried. False if there is none. */
static bool
connect_next(struct sess *s)
{
	struct remote *r = s->chosen, *next;

	if (!connect_remember(s)) {
		s->ntried++;
		return false;
	}
	if ((next = remote_other(r, s)) == NULL) {
		if (++s->ntried > s->path->relay->retries)
			return false;
		next = remote_pick(s->path->remotes, s);
	}
	remote_release(r, s);
	s->chosen = next;
	return next != NULL;
}

/* False without memory. */
static bool
connect_remember(struct sess *s)
{
	const struct path *p = s->path;
	struct extra *x = sess_extra(s);

	if (x != NULL && x->tried == NULL)
		x->tried = calloc((p->relay->retries + 1) * REMOTE_PLACES,
		    sizeof(*x->tried));
	if (x == NULL || x->tried == NULL)
		return false;
	x->tried[x->ntried++] = (uint32_t)(s->chosen - p->remotes->all);
	return true;
}

enum step
connect_again(struct sess *s, enum sess_why why)
{
	s->connect_us = 0;
	if (connect_next(s))
		return STEP_AGAIN;
	return sess_end(s, WHO_REMOTE, why, CUT_RESET);
}
