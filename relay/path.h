/*
 * path.h - what a listener and its relay section make of a session: decided
 * once at the start of the worker, the same for all that come in there.
 */
#ifndef PATH_H
#define PATH_H

#include "conf/conf.h"

struct acl_map;
struct board_listener;
struct board_listener_more;
struct filter_section;
struct remotes;
struct router;

/* The time limits; which of them runs is the stage's affair. */
enum path_limit { LIMIT_NONE, LIMIT_HANDSHAKE, LIMIT_RESOLVE, LIMIT_CONNECT,
	LIMIT_IDLE, LIMIT_HALF_CLOSE, LIMIT_FLUSH, PATH_LIMITS };

struct path {
	const struct conf_listen *listen;
	const struct conf_relay	*relay;	/* NULL: only routes have one */
	struct remotes		*remotes; /* that it may have */
	struct router		*router; /* NULL: the listener has no routes */
	const struct path	*routed; /* one a route, from there on */
	uint32_t		 stages; /* a bit for each that is walked */
	uint64_t		 limit[PATH_LIMITS];	/* ms, 0: none */
	struct acl_map		*proxy_from; /* who sends a PROXY header, or
						NULL */
	struct acl_map		*access; /* whom it may name then */
	struct acl_map		*own_access; /* the listener's; or NULL */
	bool			 fields; /* what else it says is passed on */
	struct path		**others; /* one a relay section, made when it
					     is asked for; NULL: nobody names
					     one */
	bool			 ports;	/* the listener has several */
	struct filter_section	**filters; /* the listener's, the relay
					      section's */
	unsigned		 nfilters;
	struct board_listener	*board;	/* this worker's counters */
	struct board_listener_more *more;
	uint32_t		 certs;	/* its certificates on the board: the
					   first (conf_first_cert()) */
	uint8_t			 asks;	/* CONF_ASK_...; 0: nobody is asked
					   where to go */
};

/* Makes those of all listeners; the remotes are there already. stages says
 * which stages one is walked through, when all else in it is known. Returns 0,
 * or -1 with errno. */
int			 path_init(uint32_t (*stages)(const struct path *));
/* That of a listener by its place in the configuration, or NULL. */
const struct path	*path_of(uint32_t listener);
/* The one of the same listener, which has auth, by the relay section of that
 * name and without routes. NULL with errno: ENOENT there is no such section,
 * ENOMEM. */
const struct path	*path_named(const struct path *, const char *relay);

#endif
