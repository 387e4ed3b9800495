/*
 * haproxy.h - between the files that convert HAProxy's configuration.
 *
 *   haproxy.c		lines, sections, what is global
 *   haproxy_front.c	what is listened on, and who may
 *   haproxy_route.c	acl, use_backend
 *   haproxy_back.c	what is relayed to
 */
#ifndef HAPROXY_H
#define HAPROXY_H

#include "convert/conv.h"

/* Of one line; behind the last one is an empty word. */
struct ha_line {
	TAILQ_ENTRY(ha_line)	 entry;
	unsigned		 number;
	unsigned		 n;
	char			**words;
};
TAILQ_HEAD(ha_lines, ha_line);

/* A section frontend, backend or listen, behind the lines of its defaults. */
struct ha_proxy {
	TAILQ_ENTRY(ha_proxy)	 entry;
	struct ha_lines		 lines;
	const struct ha_line	*head;
	const char		*name;
	bool			 front, back;
	bool			 tcp;
	struct part		*relay;	/* of the latter; or NULL */
};

struct haproxy {
	struct conv		*c;
	TAILQ_HEAD(, ha_proxy)	 proxies;
	struct ha_lines		 global;
	unsigned		 threads, maxconn, maxconn_line;
	const char		*user, *group;
	unsigned		 user_line;
};

/* An address as it stands there: either a path, or a host (empty: none) and a
 * port (empty: none). */
struct ha_address {
	const char	*host, *port, *path;
};

void		 ha_address(struct conv *, const char *, struct ha_address *);
/* A time as ours; NULL: it is none. There, a bare number is milliseconds. */
const char	*ha_time(struct conv *, const char *);
uint64_t	 ha_ms(const char *);
bool		 ha_is(const struct ha_line *, const char *first,
		    const char *second);

/* A log of the file, global or of a proxy. */
void		 ha_log(struct conv *, const struct ha_line *);

/* Makes the relay section. */
void		 ha_back(struct haproxy *, struct ha_proxy *);
/* Is the line one of a backend, which that has seen to? */
bool		 ha_back_knows(const struct ha_line *);
/* Makes the listeners, when all relay sections are there. */
void		 ha_front(struct haproxy *, struct ha_proxy *);
/* The routes of use_backend, to all of these listeners. */
struct ha_listens {
	struct part	*part[64];
	unsigned	 n;
	bool		 closed;	/* no access rule is reached any more */
};
bool		 ha_route(struct haproxy *, const struct ha_proxy *,
		    const struct ha_line *, struct ha_listens *);
/* The access rules of tcp-request. */
bool		 ha_access(struct haproxy *, const struct ha_proxy *,
		    const struct ha_line *, struct ha_listens *);
/* The end of them. */
void		 ha_access_end(struct haproxy *, struct ha_listens *);
/* The relay section of that backend; NULL: there is none. */
struct part	*ha_relay_of(const struct haproxy *, const char *name);

#endif
