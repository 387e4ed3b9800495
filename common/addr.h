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

/* A unix socket's path. Returns -1 with *errp if it is too long. */
int		 addr_unix(const char *path, struct addr *out,
		    const char **errp);
/* 0: same family, address, scope, port; else as memcmp(3) orders them. */
int		 addr_cmp(const struct addr *, const struct addr *);
uint16_t	 addr_get_port(const struct addr *);
void		 addr_set_port(struct addr *, uint16_t);
/* The address n further on, in the order of numbers. */
void		 addr_add(struct addr *, unsigned n);
/* The port stays, the address is every one of its family. */
void		 addr_set_any(struct addr *);
/* Does a machine reach itself by it, whichever it is: loopback, or what stands
 * for every address? */
bool		 addr_is_loopback(const struct addr *);

/* "1.2.3.4:80", "[::1]:80", "/path"; returns buf. */
char		*addr_str(const struct addr *, char buf[ADDR_STRLEN]);
/* The address without the port: "1.2.3.4", "::1", "/path". */
char		*addr_host_str(const struct addr *, char buf[ADDR_STRLEN]);

void		 source_set(struct source *, const struct sockaddr *);
/* The reverse, for one that is no AF_UNIX. */
void		 source_addr(const struct source *, struct addr *);
/* Same family, address, scope and port. */
bool		 source_same(const struct source *, const struct source *);
/* The network it is in, of so many bits of IPv4 or of IPv6: without a port. A
 * unix socket is in none. */
void		 source_network(struct source *, unsigned bits,
		    unsigned bits6);
/* "1.2.3.4:80", "[::1]:80" or "unix". */
char		*source_str(const struct source *, char buf[ADDR_STRLEN]);

#endif
