/*
 * router.h - which route of a listener a session takes: the first of those
 * whose conditions all hold. Ready to be asked: what that costs grows with the
 * logarithm of how many there are, but for routes that share a name and differ
 * in something else, and those that look for targets and no name, which are
 * tried one after the other.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include "conf/conf.h"

struct dest;
struct router;

/* What is known of a session. */
struct asked {
	const char		*name;	/* in lower case; NULL: none */
	const char		*alpn;	/* protocols, "," between; or NULL */
	const struct source	*source;
	const struct dest	*target;	/* NULL: it has not asked */
};

/* Of the routes of a listener, which have to stay. NULL with errno. */
struct router	*router_new(const struct conf_listen *);
/* Sets the pointer to NULL; that may have been NULL. */
void		 router_free(struct router **);
/* Whether a name or protocols are asked for by any route. */
bool		 router_sniffs(const struct router *);
/* The place of the route in the listener's, or -1. */
int		 router_find(const struct router *, const struct asked *);

#endif
