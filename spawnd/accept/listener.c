#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <inttypes.h>

#include "accept/activate.h"
#include "accept/admit.h"
#include "accept/listener.h"
#include "accept/unixsock.h"
#include "conf/conf.h"
#include "ev.h"
#include "log.h"
#include "master.h"
#include "proc/inherit.h"

#define ANY_TRIES	16	/* at one free port for several addresses */

static struct listener	*listener_find(const struct addr *, const char *);
static int		 plan(const struct conf *, const char **);
static int		 plan_section(const struct conf *, unsigned,
			    const char **);
static void		 section_release(unsigned);
static int		 plan_named(const struct conf *, unsigned,
			    const char **);
static int		 plan_address(const struct conf *, unsigned,
			    const struct addr *, const char **);
static bool		 listener_covered(unsigned, const struct addr *);
static int		 listener_bind(const struct conf *, unsigned,
			    const struct addr *, const char **);
static int		 listener_add(const struct conf *, unsigned,
			    const struct addr *, int, enum listener_from,
			    const char **);
static int		 listener_tcp(const struct addr *, bool, unsigned,
			    const char **);
static void		 listener_name(struct listener *, int);
static int		 listener_keepalive(int, int);
static void		 listener_update(struct listener *,
			    const struct conf *);
static int		 listener_options(int, const struct addr *, bool);
static void		 listener_free(struct listener *);
static const char	*sentence(const char *, const char *, const char *);

/* "what name: why", in a buffer of its own. */
static const char *
sentence(const char *what, const char *name, const char *why)
{
	static char buf[512];

	snprintf(buf, sizeof(buf), "%s %s: %s", what, name, why);
	return buf;
}

/* A section may change its name, but "any port" is the section's own. */
static struct listener *
listener_find(const struct addr *a, const char *name)
{
	bool any = a->sa.sa_family != AF_UNIX && addr_get_port(a) == 0;
	struct listener *l;

	TAILQ_FOREACH(l, &master.listeners, entry)
		if (!l->fresh && !l->keep && addr_cmp(&l->asked, a) == 0 &&
		    (!any || strcmp(l->name, name) == 0))
			return l;
	return NULL;
}

int
listener_plan(const struct conf *conf, const char **errp)
{
	struct listener *l;

	TAILQ_FOREACH(l, &master.listeners, entry)
		l->keep = l->fresh = false;
	if (plan(conf, errp) == 0)
		return 0;
	listener_rollback();
	return -1;
}

static int
plan(const struct conf *conf, const char **errp)
{
	unsigned i;
	int n;

	/* First, as a socket with a name is for no other section. */
	for (i = 0; i < conf->nlistens; i++)
		if (plan_named(conf, i, errp) == -1)
			return -1;
	for (i = 0; i < conf->nlistens; i++) {
		if ((n = plan_named(conf, i, errp)) != 0)
			continue;
		if (plan_section(conf, i, errp) == -1)
			return -1;
	}
	return 0;
}

/* "Any port" is one for all addresses: where one of them has that port in use
 * already, another port is tried. */
static int
plan_section(const struct conf *conf, unsigned index, const char **errp)
{
	const struct conf_listen *c = &conf->listens[index];
	unsigned k, tries;

	for (tries = 0;; tries++) {
		for (k = 0; k < c->naddr; k++)
			if (plan_address(conf, index, &c->addr[k], errp) == -1)
				break;
		if (k == c->naddr)
			return 0;
		if (errno != EADDRINUSE || k == 0 || tries == ANY_TRIES ||
		    addr_get_port(&c->addr[k]) != 0)
			return -1;
		section_release(index);
	}
}

static void
section_release(unsigned index)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next)
		if (l->fresh && l->from == LISTENER_BOUND &&
		    l->next_index == index)
			listener_free(l);
}

/*
 * Passed sockets that have the name of a section stand for all its addresses,
 * whatever these are: after a reload as they would after another start.
 * Returns how many there are, or -1.
 */
static int
plan_named(const struct conf *conf, unsigned index, const char **errp)
{
	const struct conf_listen *c = &conf->listens[index];
	struct listener *l;
	int fd, n = 0;

	TAILQ_FOREACH(l, &master.listeners, entry) {
		if (l->from != LISTENER_BY_NAME || (!master.opt.inetd &&
		    strcmp(l->name, c->name) != 0))
			continue;
		l->keep = true;
		l->next_index = index;
		n++;
	}
	for (; (fd = activate_by_name(c->name)) != -1; n++)
		if (listener_add(conf, index, &c->addr[n % c->naddr], fd,
		    LISTENER_BY_NAME, errp) == -1)
			return -1;
	return n;
}

static int
plan_address(const struct conf *conf, unsigned index, const struct addr *a,
    const char **errp)
{
	struct listener *l;
	int fd;

	if ((l = listener_find(a, conf->listens[index].name)) != NULL) {
		l->keep = true;
		l->next_index = index;
		return 0;
	}
	if ((fd = activate_by_address(a)) != -1)
		return listener_add(conf, index, a, fd, LISTENER_BY_ADDRESS,
		    errp);
	if (listener_covered(index, a))
		return 0;
	return listener_bind(conf, index, a, errp);
}

/* A socket that was passed to us for every IPv6 address may be for every IPv4
 * address as well. */
static bool
listener_covered(unsigned index, const struct addr *a)
{
	const struct listener *l;
	int v6only = 1;
	socklen_t len = sizeof(v6only);

	if (a->sa.sa_family != AF_INET ||
	    a->in.sin_addr.s_addr != htonl(INADDR_ANY))
		return false;
	TAILQ_FOREACH(l, &master.listeners, entry)
		if (l->from != LISTENER_BOUND && l->keep &&
		    l->next_index == index &&
		    l->addr.sa.sa_family == AF_INET6 &&
		    IN6_IS_ADDR_UNSPECIFIED(&l->addr.in6.sin6_addr) &&
		    addr_get_port(&l->addr) == addr_get_port(a) &&
		    getsockopt(l->io.fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only,
		    &len) == 0 && !v6only)
			return true;
	return false;
}

static int
listener_bind(const struct conf *conf, unsigned index, const struct addr *a,
    const char **errp)
{
	const struct conf_listen *c = &conf->listens[index];
	const struct listener *last;
	struct unixsock file = { .ino = 0 };
	struct addr want = *a;
	int fd;

	/* Port 0 is one port for all addresses of the section. */
	last = TAILQ_LAST(&master.listeners, listeners);
	if (a->sa.sa_family != AF_UNIX && addr_get_port(a) == 0 &&
	    last != NULL && last->fresh && last->next_index == index)
		addr_set_port(&want, addr_get_port(&last->addr));
	if (a->sa.sa_family == AF_UNIX)
		fd = unixsock_listen(a, c->backlog, c->mode, c->uid, c->gid,
		    &file, errp);
	else
		fd = listener_tcp(&want, conf->relays[c->relay].keepalive,
		    c->backlog, errp);
	if (fd == -1)
		return -1;
	if (listener_add(conf, index, a, fd, LISTENER_BOUND, errp) == -1) {
		unixsock_unlink(a, &file);
		return -1;
	}
	TAILQ_LAST(&master.listeners, listeners)->file = file;
	return 0;
}

/* Takes the descriptor over. */
static int
listener_add(const struct conf *conf, unsigned index, const struct addr *a,
    int fd, enum listener_from from, const char **errp)
{
	const struct conf_listen *c = &conf->listens[index];
	const int on = 1;
	struct listener *l;

	/* Watched from now on, as that may fail; served from the commit. */
	if ((l = calloc(1, sizeof(*l))) == NULL ||
	    ev_io_add(&l->io, fd, IO_READ, admit_event) == -1) {
		*errp = sentence("listen section", c->name, strerror(errno));
		free(l);
		close(fd);
		return -1;
	}
	l->fresh = l->keep = true;
	l->from = from;
	l->asked = *a;
	listener_name(l, fd);
	l->index = l->next_index = index;
	strlcpy(l->name, c->name, sizeof(l->name));
	if (from == LISTENER_BOUND)
		l->backlog = c->backlog;
	else if (l->addr.sa.sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	TAILQ_INSERT_TAIL(&master.listeners, l, entry);
	return 0;
}

static int
listener_keepalive(int fd, int on)
{
	return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
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

/* What a listener sets, the connections that it accepts inherit: no call a
 * session for these. */
static int
listener_options(int fd, const struct addr *a, bool keepalive)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		return -1;
	if (listener_keepalive(fd, keepalive) == -1)
		return -1;
	if (a->sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		return -1;
	return 0;
}

static int
listener_tcp(const struct addr *a, bool keepalive, unsigned backlog,
    const char **errp)
{
	char text[ADDR_STRLEN];
	int fd, saved;

	fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd == -1 || listener_options(fd, a, keepalive) == -1 ||
	    bind(fd, &a->sa, a->len) == -1 || listen(fd, (int)backlog) == -1) {
		saved = errno;
		*errp = sentence("listen on", addr_str(a, text),
		    strerror(saved));
		if (fd != -1)
			close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static void
listener_free(struct listener *l)
{
	TAILQ_REMOVE(&master.listeners, l, entry);
	ev_io_close(&l->io);
	unixsock_unlink(&l->addr, &l->file);
	free(l);
}

void
listener_rollback(void)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next) {
		if (l->fresh)
			listener_free(l);
		else
			l->keep = false;
	}
}

void
listener_commit(const struct conf *conf)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next) {
		if (!l->keep) {
			admit_all(l);
			listener_free(l);
			continue;
		}
		listener_update(l, conf);
		l->fresh = l->keep = false;
	}
	activate_close_rest();
}

/* What a section says besides the address. */
static void
listener_update(struct listener *l, const struct conf *conf)
{
	const struct conf_listen *c = &conf->listens[l->next_index];
	const char *err;

	l->index = l->next_index;
	strlcpy(l->name, c->name, sizeof(l->name));
	if (l->backlog != c->backlog)
		listen(l->io.fd, (int)c->backlog);
	l->backlog = c->backlog;
	if (l->addr.sa.sa_family != AF_UNIX) {
		listener_keepalive(l->io.fd,
		    conf->relays[c->relay].keepalive);
		return;
	}
	/* The socket of an abstract name has neither mode nor owner. */
	if (l->addr.un.sun_path[0] == '/' && unixsock_dress(&l->addr, &l->file,
	    c->mode, c->uid, c->gid, &err) == -1)
		log_warnx("listener %s: %s", l->name, err);
}

void
listener_close_all(void)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next) {
		if (!l->fresh)
			admit_all(l);
		listener_free(l);
	}
}

void
listener_save(FILE *f)
{
	const struct listener *l;
	const uint8_t *p;
	size_t i;

	TAILQ_FOREACH(l, &master.listeners, entry) {
		fprintf(f, "listener %d %d %u %u %" PRIu64 " %" PRIu64
		    " %ju %ju %s %u ", inherit_fd(l->io.fd), (int)l->from,
		    l->index, l->backlog, l->accepted, l->refused,
		    (uintmax_t)l->file.dev, (uintmax_t)l->file.ino, l->name,
		    (unsigned)l->asked.len);
		p = (const uint8_t *)&l->asked.un;
		for (i = 0; i < l->asked.len; i++)
			fprintf(f, "%02x", p[i]);
		fputc('\n', f);
	}
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
	    " %ju %ju %31s %u %n", &fd, &from, &l->index, &l->backlog,
	    &l->accepted, &l->refused, &dev, &ino, l->name, &len, &at) != 10 ||
	    len > sizeof(l->asked.un))
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
	listener_name(l, fd);
	return ev_io_add(&l->io, fd, IO_READ, admit_event) == 0;
}

int
listener_write_addrs(const char *path)
{
	char tmp[1024], text[ADDR_STRLEN];
	const struct listener *l;
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	if ((f = fopen(tmp, "we")) == NULL)
		return -1;
	TAILQ_FOREACH(l, &master.listeners, entry)
		fprintf(f, "%s %s\n", l->name, addr_str(&l->addr, text));
	if (fclose(f) == EOF || rename(tmp, path) == -1) {
		unlink(tmp);
		return -1;
	}
	return 0;
}
