#include "compat.h"

#include <ifaddrs.h>

#include "dest/rules.h"
#include "special.h"

static int	 own_add(const struct sockaddr *);
static void	 own_loopback(struct source *);
static bool	 own_has_learned(uint16_t);
static bool	 own_listens(const struct source *, bool);
static bool	 own_is_here(const struct source *);
static bool	 same_ip(const struct source *, const struct source *);

static const struct conf	*conf;
static struct source		*own;
static size_t			 nown;
static uint16_t			*learned;	/* ports */
static size_t			 nlearned;

int
dest_own_start(const struct conf *c)
{
	struct ifaddrs *all, *i;
	int r = 0;

	conf = c;
	if (getifaddrs(&all) == -1)
		return -1;
	for (i = all; i != NULL && r == 0; i = i->ifa_next)
		if (i->ifa_addr != NULL &&
		    (i->ifa_addr->sa_family == AF_INET ||
		    i->ifa_addr->sa_family == AF_INET6))
			r = own_add(i->ifa_addr);
	freeifaddrs(all);
	return r;
}

static int
own_add(const struct sockaddr *sa)
{
	struct source *more = reallocarray(own, nown + 1, sizeof(*own));

	if (more == NULL)
		return -1;
	own = more;
	source_set(&own[nown++], sa);
	return 0;
}

void
dest_own_learn(const struct conf_listen *l, int fd)
{
	struct addr a = { .len = sizeof(a.un) };
	uint16_t *more;

	if (l->naddr == 0 || l->addr->sa.sa_family == AF_UNIX ||
	    addr_get_port(l->addr) != 0 ||
	    getsockname(fd, &a.sa, &a.len) == -1 ||
	    own_has_learned(addr_get_port(&a)))
		return;
	more = reallocarray(learned, nlearned + 1, sizeof(*learned));
	if (more == NULL)
		return;
	learned = more;
	learned[nlearned++] = addr_get_port(&a);
}

static bool
own_has_learned(uint16_t port)
{
	size_t i;

	for (i = 0; i < nlearned; i++)
		if (learned[i] == port)
			return true;
	return false;
}

bool
dest_is_own(const struct source *to)
{
	struct source forms[SPECIAL_FORMS];
	const unsigned n = special_forms(to, forms);
	unsigned i;

	for (i = 0; i < n; i++) {
		own_loopback(&forms[i]);
		if (own_listens(&forms[i], own_is_here(&forms[i])))
			return true;
	}
	return false;
}

/* Who connects to no address at all reaches that one. */
static void
own_loopback(struct source *s)
{
	static const struct source none;

	if (memcmp(s->ip, none.ip, sizeof(none.ip)) != 0)
		return;
	if (s->family == AF_INET)
		s->ip[0] = 127;
	s->ip[s->family == AF_INET ? 3 : 15] = 1;
}

bool
dest_is_own_now(const struct source *to, const struct source *from)
{
	return own_listens(to, same_ip(to, from));
}

/* here: the address is one of this machine, and any that listens on all has it,
 * whichever family that is of. */
static bool
own_listens(const struct source *to, bool here)
{
	const struct conf_listen *l;
	struct source at;
	struct addr any;
	unsigned k;

	if (here && own_has_learned(to->port))
		return true;
	for (l = conf->listens; l < conf->listens + conf->nlistens; l++)
		for (k = 0; k < l->naddr; k++) {
			if (addr_get_port(&l->addr[k]) != to->port ||
			    l->addr[k].sa.sa_family == AF_UNIX)
				continue;
			any = l->addr[k];
			addr_set_any(&any);
			source_set(&at, &l->addr[k].sa);
			if (same_ip(&at, to) ||
			    (here && addr_cmp(&any, &l->addr[k]) == 0))
				return true;
		}
	return false;
}

static bool
own_is_here(const struct source *to)
{
	struct addr a;
	size_t i;

	source_addr(to, &a);
	if (addr_is_loopback(&a))
		return true;
	for (i = 0; i < nown; i++)
		if (same_ip(&own[i], to))
			return true;
	return false;
}

/* Scopes are left out: a link more or less is no other machine here. */
static bool
same_ip(const struct source *a, const struct source *b)
{
	return a->family == b->family &&
	    memcmp(a->ip, b->ip, a->family == AF_INET ? 4 : 16) == 0;
}
