#include "compat.h"

#include <netinet/in.h>

#include <time.h>

#include "accept/activate.h"
#include "accept/admit.h"
#include "accept/backlog.h"
#include "accept/listener.h"
#include "accept/plan.h"
#include "conf/conf.h"
#include "mark.h"
#include "master.h"
#include "sockopt.h"

#define ANY_TRIES	16	/* at one free port for several addresses */
#define HANDSHAKE	2000000	/* ns that one on its way may take to end */

static struct listener	*plan_find(const struct addr *,
			    const struct conf_listen *);
static bool		 plan_free(const struct listener *);
static bool		 plan_asks(const struct listener *, const struct addr *,
			    const struct conf_listen *);
static bool		 plan_has(unsigned, const struct addr *, const char *);
static int		 plan_all(const struct conf *, const char **);
static int		 plan_section(const struct conf *, unsigned,
			    const char **);
static void		 plan_release(unsigned);
static int		 plan_named(const struct conf *, unsigned,
			    const char **);
static int		 plan_address(const struct conf *, unsigned,
			    const struct addr *, const char **);
static int		 plan_bind(const struct conf *, unsigned,
			    const struct addr *, const char **);
static bool		 plan_covered(unsigned, const struct addr *);
static void		 plan_undo(struct listener *);
static void		 plan_shut(void);

static bool		 last;	/* the commit is next */
static uint64_t		 retry;	/* ms; 0: what has failed is not tried again */

/* A section may change its name, but "any port" is the section's own. A unix
 * socket that nobody finds any more is made again, and one that stands under
 * another name of its folder is the same. */
static struct listener *
plan_find(const struct addr *a, const struct conf_listen *c)
{
	struct unixsock file;
	struct listener *l;

	for (l = lookup_asked(a, c->name); l != NULL;
	    l = lookup_next(l, LOOKUP_ASKED))
		if (plan_free(l) && plan_asks(l, a, c) &&
		    !unixsock_gone(&l->asked, &l->file))
			return l;
	if (unixsock_at(a, &file) == -1)
		return NULL;
	for (l = lookup_file(&file); l != NULL;
	    l = lookup_next(l, LOOKUP_FILE))
		if (plan_free(l) && unixsock_is(a, &l->file))
			return l;
	return NULL;
}

static bool
plan_free(const struct listener *l)
{
	return !l->fresh && !l->keep;
}

static bool
plan_asks(const struct listener *l, const struct addr *a,
    const struct conf_listen *c)
{
	bool any = a->sa.sa_family != AF_UNIX && addr_get_port(a) == 0;

	return addr_cmp(&l->asked, a) == 0 &&
	    (!any || strcmp(l->name, c->name) == 0) &&
	    (l->from != LISTENER_BOUND ||
	    sockopt_same_socket(&l->socket, &c->socket));
}

/* Is it planned already? */
static bool
plan_has(unsigned index, const struct addr *a, const char *name)
{
	const struct listener *l;
	struct unixsock file;

	for (l = lookup_asked(a, name); l != NULL;
	    l = lookup_next(l, LOOKUP_ASKED))
		if (l->keep && l->next_index == index &&
		    addr_cmp(&l->asked, a) == 0)
			return true;
	if (unixsock_at(a, &file) == -1)
		return false;
	for (l = lookup_file(&file); l != NULL;
	    l = lookup_next(l, LOOKUP_FILE))
		if (l->keep && l->next_index == index &&
		    unixsock_is(a, &l->file))
			return true;
	return false;
}

int
plan_make(const struct conf *conf, const char **errp)
{
	struct listener *l;

	last = false;
	retry = 0;
	TAILQ_FOREACH(l, &master.listeners, entry)
		l->keep = l->fresh = false;
	if (plan_all(conf, errp) == 0)
		return 0;
	plan_rollback();
	return -1;
}

uint64_t
plan_retry(void)
{
	return retry;
}

int
plan_finish(const struct conf *conf, const char **errp)
{
	last = true;
	retry = 0;
	return plan_all(conf, errp);
}

static int
plan_all(const struct conf *conf, const char **errp)
{
	unsigned i;

	/* First, as a socket with a name is for no other section. */
	for (i = 0; i < conf->nlistens; i++)
		if (plan_named(conf, i, errp) == -1)
			return -1;
	for (i = 0; i < conf->nlistens; i++) {
		if (plan_named(conf, i, errp) != 0)
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
		plan_release(index);
	}
}

static void
plan_release(unsigned index)
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

	for (l = lookup_name(c->name); l != NULL;
	    l = lookup_next(l, LOOKUP_NAME)) {
		if (!master.opt.inetd && strcmp(l->name, c->name) != 0)
			continue;
		l->keep = true;
		l->next_index = index;
		n++;
	}
	for (; (fd = activate_by_name(c->name)) != -1; n++)
		if (listener_pass(conf, index, &c->addr[n % c->naddr], fd,
		    LISTENER_BY_NAME, errp) == -1)
			return -1;
	return n;
}

static int
plan_address(const struct conf *conf, unsigned index, const struct addr *a,
    const char **errp)
{
	const struct conf_listen *c = &conf->listens[index];
	struct listener *l;
	int fd;

	if (plan_has(index, a, c->name))
		return 0;
	if ((l = plan_find(a, c)) != NULL) {
		l->keep = true;
		l->next_index = index;
		return 0;
	}
	if ((fd = activate_by_address(a)) != -1)
		return listener_pass(conf, index, a, fd, LISTENER_BY_ADDRESS,
		    errp);
	if (plan_covered(index, a))
		return 0;
	/* What is held by one that goes is bound when it does. */
	return last || listener_holds(a) == NULL ?
	    plan_bind(conf, index, a, errp) : 0;
}

static int
plan_bind(const struct conf *conf, unsigned index, const struct addr *a,
    const char **errp)
{
	const int done = (listener_holds(a) == NULL ? listener_bind :
	    listener_bind_over)(conf, index, a, errp);

	/* ENODEV: the interface. */
	retry = done == -1 && (errno == EADDRNOTAVAIL ||
	    errno == EADDRINUSE || errno == ENODEV) ?
	    conf->listens[index].bind_retry : 0;
	return done;
}

/* A socket that was passed to us for every IPv6 address may be for every IPv4
 * address as well. */
static bool
plan_covered(unsigned index, const struct addr *a)
{
	struct addr six = { .in6 = { .sin6_family = AF_INET6 } };
	const struct listener *l;
	int v6only;

	if (a->sa.sa_family != AF_INET ||
	    a->in.sin_addr.s_addr != htonl(INADDR_ANY))
		return false;
	addr_set_any(&six);
	addr_set_port(&six, addr_get_port(a));
	for (l = lookup_bound(&six); l != NULL;
	    l = lookup_next(l, LOOKUP_BOUND))
		if (l->from != LISTENER_BOUND && l->keep &&
		    l->next_index == index &&
		    addr_cmp(&l->addr, &six) == 0 &&
		    sockopt_get(l->io.fd, IPPROTO_IPV6, IPV6_V6ONLY,
		    &v6only) == 0 && !v6only)
			return true;
	return false;
}

void
plan_unfinish(void)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next)
		if (l->over != NULL)
			plan_undo(l);
}

/* What may have come to one that was bound over another is that one's. */
static void
plan_undo(struct listener *l)
{
	if (l->over != NULL) {
		l->index = l->over->index;
		admit_all(l);
	}
	listener_free(l);
}

void
plan_rollback(void)
{
	struct listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next) {
		if (l->fresh)
			plan_undo(l);
		else
			l->keep = false;
	}
}

/* No more handshakes begin, and those that have begun may end: what the client
 * believes to be open when the socket is closed is reset. */
static void
plan_shut(void)
{
	const struct timespec moment = { .tv_nsec = HANDSHAKE };
	const struct listener *l;
	bool any = false;

	TAILQ_FOREACH(l, &master.listeners, entry)
		if (!l->keep && l->from == LISTENER_BOUND &&
		    l->addr.sa.sa_family != AF_UNIX) {
			backlog_shut(l->io.fd);
			any = true;
		}
	if (any)
		nanosleep(&moment, NULL);
}

void
plan_commit(const struct conf *conf)
{
	struct listener *l, *next;

	plan_shut();
	TAILQ_FOREACH_SAFE(l, &master.listeners, entry, next) {
		if (!l->keep) {
			admit_all(l);
			listener_free(l);
			continue;
		}
		listener_update(l, conf);
		l->fresh = l->keep = false;
		l->over = NULL;
	}
	activate_close_rest();
	mark(MARK_ACCEPT);
}
