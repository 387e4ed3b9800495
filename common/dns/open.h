/*
 * open.h - a channel of c-ares.
 */
#ifndef DNS_OPEN_H
#define DNS_OPEN_H

#include <ares.h>

#include "compat.h"

/* Reads how names are asked for here (resolv.conf(5)) into a channel, whose
 * sockets are told to that function, or NULL, as ares_init_options(3) says.
 * as_is: see resolver_start(). Returns 0, or -1 with *errp (static). */
int	 dns_open(ares_channel *, ares_sock_state_cb, bool as_is,
	    const char **errp);
#endif
