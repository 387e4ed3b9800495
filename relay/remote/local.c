#include "compat.h"

#include "remote/local.h"
#include "sockopt.h"

#define TRIES	64	/* a session is not to take long about it */

struct locals *
locals_new(const struct conf_local *conf, unsigned n)
{
	struct locals *all = calloc(1, sizeof(*all));
	struct local *l;
	unsigned i;

	for (i = 0; all != NULL && i < n; i++) {
		l = conf[i].addr.sa.sa_family == AF_INET6 ? &all->six :
		    &all->four;
		l->conf = &conf[i];
		l->next = arc4random_uniform(conf[i].n);
	}
	return all;
}

struct local *
locals_for(struct locals *all, int family)
{
	struct local *l;

	if (all == NULL || family == AF_UNIX)
		return NULL;
	l = family == AF_INET6 ? &all->six : &all->four;
	return l->conf == NULL ? NULL : l;
}

bool
local_reaches(struct locals *all, int family)
{
	return all == NULL || family == AF_UNIX ||
	    locals_for(all, family) != NULL;
}

unsigned
local_tries(const struct local *l)
{
	return l == NULL ? 1 : MIN(l->conf->n, TRIES);
}

int
local_bind(struct local *l, int fd)
{
	struct addr a = l->conf->addr;

	addr_add(&a, l->next);
	l->next = (l->next + 1) % l->conf->n;
	return sockopt_bind(fd, &a);
}
