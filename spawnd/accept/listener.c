#include "compat.h"

#include <sys/stat.h>

#include <netinet/in.h>

#include <inttypes.h>

#include "accept/activate.h"
#include "accept/admit.h"
#include "accept/former.h"
#include "accept/listener.h"
#include "conf/conf.h"
#include "log.h"
#include "master.h"
#include "proc/inherit.h"
#include "sockopt.h"

static const struct listener *listener_held(const struct listener *,
			    enum lookup, const struct addr *);
static bool		 listener_meets(const struct addr *,
			    const struct addr *);
static void		 listener_share(const struct addr *, bool);
static void		 listener_shared(const struct listener *, enum lookup,
			    const struct addr *, bool);
static int		 listener_tcp(const struct conf *, unsigned,
			    const struct addr *, const char **);
static int		 listener_options(int, const struct addr *,
			    const struct conf_socket *, bool);
static bool		 listener_keeps(const struct conf *,
			    const struct conf_listen *);
static int		 listener_keepalive(int, int);
static void		 listener_has(struct listener *,
			    const struct conf_socket *);
static void		 listener_change(struct listener *,
			    const struct conf_socket *);
static struct listener	*listener_add(const struct conf_listen *,
			    const struct addr *, int, enum listener_from,
			    const char **);
static void		 listener_name(struct listener *, int);
static void		 listener_close(struct listener *);
static void		 listener_save_socket(FILE *,
			    const struct conf_socket *);
static const char	*sentence(const char *, const char *, const char *);

static bool		 sharing;	/* with those that go */

int
listener_bind(const struct conf *conf, unsigned index, const struct addr *a,
    const char **errp)
{
	const struct conf_listen *c = &conf->listens[index];
	struct unixsock file = { .ino = 0 };
	struct listener *l;
	int fd;

	if (a->sa.sa_family == AF_UNIX && a->un.sun_path[0] == '@')
		fd = unixsock_abstract(a, c->backlog, errp);
	else if (a->sa.sa_family == AF_UNIX)
		fd = unixsock_listen(a, c->backlog, c->mode, c->uid, c->gid,
		    &file, errp);
	else
		fd = listener_tcp(conf, index, a, errp);
	if (fd == -1)
		return -1;
	if ((l = listener_add(c, a, fd, LISTENER_BOUND, errp)) == NULL) {
		unixsock_unlink(a, &file);
		return -1;
	}
	l->index = l->next_index = index;
	l->backlog = c->backlog;
	l->keepalive = listener_keeps(conf, c);
	listener_has(l, &c->socket);
	l->file = file;
	lookup_add(l);
	return 0;
}

const struct listener *
listener_holds(const struct addr *a)
{
	const struct listener *l;
	struct addr any = *a;

	if (a->sa.sa_family == AF_UNIX || addr_get_port(a) == 0)
		return NULL;
	addr_set_any(&any);
	if (addr_cmp(a, &any) == 0)
		return listener_held(lookup_port(a), LOOKUP_PORT, a);
	l = listener_held(lookup_bound(a), LOOKUP_BOUND, a);
	return l != NULL ? l :
	    listener_held(lookup_bound(&any), LOOKUP_BOUND, a);
}

/* The first one, from there on, that was bound before this reload. */
static const struct listener *
listener_held(const struct listener *l, enum lookup by, const struct addr *a)
{
	for (; l != NULL; l = lookup_next(l, by))
		if (!l->fresh && l->from == LISTENER_BOUND &&
		    listener_meets(&l->addr, a))
			return l;
	return NULL;
}

/* Whether nobody can have both. */
static bool
listener_meets(const struct addr *a, const struct addr *b)
{
	struct addr any = *a;

	if (a->sa.sa_family != b->sa.sa_family ||
	    a->sa.sa_family == AF_UNIX ||
	    addr_get_port(a) != addr_get_port(b))
		return false;
	addr_set_any(&any);
	return addr_cmp(a, b) == 0 || addr_cmp(a, &any) == 0 ||
	    addr_cmp(b, &any) == 0;
}

int
listener_bind_over(const struct conf *conf, unsigned index,
    const struct addr *a, const char **errp)
{
	const struct listener *over = listener_holds(a);
	int done;

	listener_share(a, true);
	sharing = true;
	done = listener_bind(conf, index, a, errp);
	sharing = false;
	listener_share(a, false);
	if (done == 0)
		TAILQ_LAST(&master.listeners, listeners)->over = over;
	return done;
}

/* For as long as it takes to bind another one, and no longer: any process of
 * the same user could take a part of the connections. */
static void
listener_share(const struct addr *a, bool share)
{
	struct addr any = *a;

	addr_set_any(&any);
	if (addr_cmp(a, &any) == 0) {
		listener_shared(lookup_port(a), LOOKUP_PORT, a, share);
		return;
	}
	listener_shared(lookup_bound(a), LOOKUP_BOUND, a, share);
	listener_shared(lookup_bound(&any), LOOKUP_BOUND, a, share);
}

static void
listener_shared(const struct listener *l, enum lookup by,
    const struct addr *a, bool share)
{
	const int on = share;

	for (; l != NULL; l = lookup_next(l, by))
		if ((!l->keep || l->fresh) && l->from == LISTENER_BOUND &&
		    listener_meets(&l->addr, a))
			setsockopt(l->io.fd, SOL_SOCKET, SO_REUSEPORT, &on,
			    sizeof(on));
}

static int
listener_tcp(const struct conf *conf, unsigned index, const struct addr *a,
    const char **errp)
{
	const struct conf_listen *c = &conf->listens[index];
	const struct listener *last = TAILQ_LAST(&master.listeners, listeners);
	struct addr want = *a;
	char text[ADDR_STRLEN];
	const char *what;
	int fd, saved;

	/* Port 0 is one port for all addresses of the section. */
	if (addr_get_port(a) == 0 && last != NULL && last->fresh &&
	    last->next_index == index)
		addr_set_port(&want, addr_get_port(&last->addr));
	fd = sockopt_socket(want.sa.sa_family, &c->socket, &what);
	if (fd != -1 && sockopt_change(fd, want.sa.sa_family, NULL, &c->socket,
	    &what) == 0) {
		what = NULL;
		if (listener_options(fd, &want, &c->socket,
		    listener_keeps(conf, c)) == 0 &&
		    bind(fd, &want.sa, want.len) == 0 &&
		    listen(fd, (int)c->backlog) == 0)
			return fd;
	}
	saved = errno;
	*errp = sentence("listen on", addr_str(&want, text),
	    sockopt_why(&c->socket, what, saved));
	if (fd != -1)
		close(fd);
	errno = saved;
	return -1;
}

/* What a listener sets, the connections that it accepts inherit: no call a
 * session for these. */
static int
listener_options(int fd, const struct addr *a, const struct conf_socket *s,
    bool keepalive)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    sockopt_common(fd, s) == -1)
		return -1;
	if (listener_keepalive(fd, keepalive) == -1)
		return -1;
	if (sharing && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on,
	    sizeof(on)) == -1)
		return -1;
	if (a->sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		return -1;
	return 0;
}

static bool
listener_keeps(const struct conf *conf, const struct conf_listen *c)
{
	const struct conf_relay *r = conf_listen_relay(conf, c);

	return r == NULL || r->keepalive;
}

static int
listener_keepalive(int fd, int on)
{
	return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

int
listener_pass(const struct conf *conf, unsigned index, const struct addr *a,
    int fd, enum listener_from from, const char **errp)
{
	struct listener *l;

	if ((l = listener_add(&conf->listens[index], a, fd, from,
	    errp)) == NULL)
		return -1;
	l->index = l->next_index = index;
	if (l->addr.sa.sa_family == AF_UNIX)
		return 0;
	sockopt_common(fd, &l->socket);
	if (!sockopt_same_socket(&l->socket, &conf->listens[index].socket))
		log_warnx("listener %s: interface, freebind and protocol are "
		    "up to who has passed its socket", l->name);
	return 0;
}

/* Takes the descriptor over. Watched from now on, as that may fail; served
 * from the commit. */
static struct listener *
listener_add(const struct conf_listen *c, const struct addr *a, int fd,
    enum listener_from from, const char **errp)
{
	struct listener *l;

	if ((l = calloc(1, sizeof(*l))) == NULL ||
	    ev_io_add(&l->io, fd, IO_READ, admit_event) == -1) {
		*errp = sentence("listen section", c->name, strerror(errno));
		free(l);
		close(fd);
		return NULL;
	}
	l->fresh = l->keep = true;
	l->from = from;
	l->keepalive = -1;
	l->asked = *a;
	l->socket.interface = NULL;
	listener_name(l, fd);
	strlcpy(l->name, c->name, sizeof(l->name));
	TAILQ_INSERT_TAIL(&master.listeners, l, entry);
	lookup_add(l);
	former_come(l);
	return l;
}

/* What it is really bound to. */
static void
listener_name(struct listener *l, int fd)
{
	/* A unix socket of ours had another name when it was bound. */
	if (l->from == LISTENER_BOUND && l->asked.sa.sa_family == AF_UNIX)
		l->addr = l->asked;
	else
		activate_address(fd, &l->addr);
}

/* "what name: why", in a buffer of its own. */
static const char *
sentence(const char *what, const char *name, const char *why)
{
	static char buf[512];

	snprintf(buf, sizeof(buf), "%s %s: %s", what, name, why);
	return buf;
}

/* What a section says besides the address. */
void
listener_update(struct listener *l, const struct conf *conf)
{
	const struct conf_listen *c = &conf->listens[l->next_index];
	const int8_t keepalive = listener_keeps(conf, c);
	const char *err;

	l->index = l->next_index;
	strlcpy(l->name, c->name, sizeof(l->name));
	if (l->backlog != c->backlog)
		listen(l->io.fd, (int)c->backlog);
	l->backlog = c->backlog;
	if (l->addr.sa.sa_family == AF_UNIX && l->from == LISTENER_BOUND)
		l->asked = l->addr = c->addr[0];
	lookup_add(l);
	if (l->addr.sa.sa_family != AF_UNIX) {
		if (l->keepalive != keepalive)
			listener_keepalive(l->io.fd, keepalive);
		l->keepalive = keepalive;
		listener_change(l, &c->socket);
		return;
	}
	/* The socket of an abstract name has neither mode nor owner. */
	if (l->addr.un.sun_path[0] == '/' && unixsock_dress(&l->addr, &l->file,
	    c->mode, c->uid, c->gid, &err) == -1)
		log_warnx("listener %s: %s", l->name, err);
}

/* Of one that was passed to us, what its section says only; the rest is as it
 * was passed. */
static void
listener_change(struct listener *l, const struct conf_socket *s)
{
	const char *what;

	if (sockopt_change(l->io.fd, l->addr.sa.sa_family, &l->socket, s,
	    &what) == -1)
		log_warnx("listener %s: %s", l->name,
		    sockopt_why(s, what, errno));
	listener_has(l, s);
}

static void
listener_has(struct listener *l, const struct conf_socket *s)
{
	l->socket = *s;
	l->socket.interface = NULL;
	if (s->interface == NULL || l->from != LISTENER_BOUND)
		return;
	strlcpy(l->interface, s->interface, sizeof(l->interface));
	l->socket.interface = l->interface;
}

void
listener_free(struct listener *l)
{
	admit_forget(l);
	lookup_del(l);
	former_go(l);
	TAILQ_REMOVE(&master.listeners, l, entry);
	ev_io_close(&l->io);
	unixsock_unlink(&l->addr, &l->file);
	free(l);
}

void
listener_stop(void)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next)
		if (!admit_is_status(l))
			listener_close(l);
}

void
listener_close_all(void)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next)
		listener_close(l);
}

static void
listener_close(struct listener *l)
{
	if (!l->fresh)
		admit_all(l);
	listener_free(l);
}

void
listener_save(FILE *f)
{
	const struct listener *l;
	const uint8_t *p;
	size_t i;

	TAILQ_FOREACH(l, &master.listeners, entry) {
		fprintf(f, "listener %d %d %u %u %" PRIu64 " %" PRIu64
		    " %" PRIu64 " %ju %ju %s %u ", inherit_fd(l->io.fd),
		    (int)l->from, l->index, l->backlog, l->accepted,
		    l->denied, l->limited, (uintmax_t)l->file.dev,
		    (uintmax_t)l->file.ino, l->name,
		    (unsigned)l->asked.len);
		p = (const uint8_t *)&l->asked.un;
		for (i = 0; i < l->asked.len; i++)
			fprintf(f, "%02x", p[i]);
		fputc('\n', f);
		listener_save_socket(f, &l->socket);
	}
	former_save(f);
}

static void
listener_save_socket(FILE *f, const struct conf_socket *s)
{
	fprintf(f, "socket %d %d %d %u %u %u %" PRIu64 " %" PRIu64 " %" PRIu64
	    " %s\n", (int)s->protocol, s->freebind, s->defer_accept, s->dscp,
	    s->fastopen, s->keepalive_count, s->keepalive_idle,
	    s->keepalive_interval, s->user_timeout,
	    s->interface == NULL ? "-" : s->interface);
}

bool
listener_take(const char *line)
{
	struct listener *l;
	uintmax_t dev, ino;
	unsigned len, byte;
	int fd, from, at;
	size_t i;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return false;
	l->io.fd = -1;
	TAILQ_INSERT_TAIL(&master.listeners, l, entry);
	if (sscanf(line, "listener %d %d %u %u %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %ju %ju %31s %u %n", &fd, &from, &l->index,
	    &l->backlog, &l->accepted, &l->denied, &l->limited, &dev, &ino,
	    l->name, &len, &at) != 11 || len > sizeof(l->asked.un))
		return false;
	l->from = (enum listener_from)from;
	for (i = 0; i < len; i++) {
		if (sscanf(line + at + 2 * i, "%2x", &byte) != 1)
			return false;
		((uint8_t *)&l->asked.un)[i] = (uint8_t)byte;
	}
	l->file.dev = (dev_t)dev;
	l->file.ino = (ino_t)ino;
	l->next_index = l->index;
	l->asked.len = len;
	l->keepalive = -1;
	listener_name(l, fd);
	lookup_add(l);
	return ev_io_add(&l->io, fd, IO_READ, admit_event) == 0;
}

/* Of the listener in the line before. */
bool
listener_take_socket(const char *line)
{
	struct listener *l = TAILQ_LAST(&master.listeners, listeners);
	int protocol, freebind, defer;
	struct conf_socket *s;

	if (l == NULL)
		return false;
	s = &l->socket;
	if (sscanf(line, "socket %d %d %d %u %u %u %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %15s", &protocol, &freebind, &defer, &s->dscp,
	    &s->fastopen, &s->keepalive_count, &s->keepalive_idle,
	    &s->keepalive_interval, &s->user_timeout, l->interface) != 10)
		return false;
	s->protocol = (enum conf_protocol)protocol;
	s->freebind = freebind != 0;
	s->defer_accept = defer != 0;
	s->interface = strcmp(l->interface, "-") == 0 ? NULL : l->interface;
	return true;
}
