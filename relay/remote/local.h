/*
 * local.h - the addresses that connections to remotes come from, where they are
 * configured: of each family one, or a range whose addresses take turns.
 */
#ifndef LOCAL_H
#define LOCAL_H

#include "conf/conf.h"

struct local {
	const struct conf_local	*conf;		/* NULL: none */
	unsigned		 next;		/* of the range */
};

struct locals {
	struct local	four, six;
};

/* NULL with errno. */
struct locals	*locals_new(const struct conf_local *, unsigned n);
/* What connects to addresses of a family come from; NULL: what the system
 * chooses. all may be NULL. */
struct local	*locals_for(struct locals *all, int family);
/* Whether addresses of a family can be reached from them. */
bool		 local_reaches(struct locals *all, int family);
/* How many of them are tried one after the other, when one has no port left:
 * 1 for NULL. */
unsigned	 local_tries(const struct local *);
/*
 * Binds a socket to the next one, and to no port yet where the system can
 * choose it at connect(2): so each is good for as many connections to each
 * address of a remote as there are ports (ip(7)). Returns 0, or -1 with errno.
 */
int		 local_bind(struct local *, int fd);

#endif
