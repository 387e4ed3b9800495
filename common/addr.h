/*
 * addr.h - socket addresses: of listeners and remotes (struct addr, any
 * family) and of clients (struct source, small, part of a message).
 */
#ifndef ADDR_H
#define ADDR_H

#include "compat.h"

#include <netinet/in.h>
#include <sys/un.h>

#define ADDR_STRLEN	128	/* fits every text form below */

struct addr {
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
		struct sockaddr_un	un;
	};
	socklen_t len;
};

/* An IP address and port as it travels from the master to a worker. An IPv4
 * address mapped into IPv6 is kept as IPv4. */
struct source {
	uint8_t		ip[16];		/* 4 bytes used for IPv4 */
	uint32_t	scope;		/* IPv6 link-local scope */
	uint16_t	port;		/* host byte order */
	uint8_t		family;		/* AF_INET, AF_INET6;
					   AF_UNIX: no address */
	uint8_t		pad;
};

/*
 * Resolves host (a name or a number; NULL: the wildcard address of each
 * family the machine has) and service (a number 0 to 65535 or a name known
 * to getservbyname(3)) for TCP. passive as AI_PASSIVE. Writes at most max
 * addresses, IPv6 first as the resolver orders them, duplicates removed.
 * Returns how many, or -1 with *errp set to a sentence that names the culprit
 * (static storage, valid until the next call).
 */
int		 addr_resolve(const char *host, const char *service,
		    bool passive, struct addr *out, size_t max,
		    const char **errp);
/* A unix socket's path. Returns -1 with *errp if it is too long. */
int		 addr_unix(const char *path, struct addr *out,
		    const char **errp);
/* A number "1".."65535" (0 allowed if zero_ok) or a service name to a port;
 * -1 with *errp otherwise. */
int		 addr_port(const char *service, bool zero_ok,
		    const char **errp);
/* 0: same family, address, scope, port; else as memcmp(3) orders them. */
int		 addr_cmp(const struct addr *, const struct addr *);
uint16_t	 addr_get_port(const struct addr *);
void		 addr_set_port(struct addr *, uint16_t);

/* "1.2.3.4:80", "[::1]:80", "/path"; returns buf. */
char		*addr_str(const struct addr *, char buf[ADDR_STRLEN]);
/* The address without the port: "1.2.3.4", "::1", "/path". */
char		*addr_host_str(const struct addr *, char buf[ADDR_STRLEN]);

void		 source_set(struct source *, const struct sockaddr *);
/* "1.2.3.4:80", "[::1]:80" or "unix". */
char		*source_str(const struct source *, char buf[ADDR_STRLEN]);

#endif
