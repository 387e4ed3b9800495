/*
 * resolve.h - what a host and a port stand for. Asks the resolver and may take
 * its time.
 */
#ifndef CONF_RESOLVE_H
#define CONF_RESOLVE_H

#include "addr.h"

/*
 * Resolves host (a name or a number; NULL: the wildcard address of each
 * family the machine has) and service (a number 0 to 65535 or a name known
 * to getservbyname(3)) for TCP. passive as AI_PASSIVE. Writes at most max
 * addresses, IPv6 first as the resolver orders them, duplicates removed.
 * Returns how many, or -1 with *errp set to a sentence that names the culprit
 * (static storage, valid until the next call).
 */
int		 resolve_host(const char *host, const char *service,
		    bool passive, struct addr *out, size_t max,
		    const char **errp);
/* Whether what resolve_host() has failed at last can be no host at all: it is
 * nothing that a resolver was asked for. */
bool		 resolve_is_wrong(void);
/* Whether it has failed because no name server has answered. */
bool		 resolve_is_silent(void);
/* The addresses, with their ports, of a service (RFC 2782): max at most, those
 * that come first by priority first. Returns how many, or -1 with *errp as
 * above. Whoever can ask for such sets it; until then it fails. */
extern int	 (*resolve_service)(const char *name, struct addr *out,
		    size_t max, const char **errp);
/* A number "1".."65535" (0 allowed if zero_ok) or a service name to a port;
 * -1 with *errp otherwise. */
int		 resolve_port(const char *service, bool zero_ok,
		    const char **errp);
/* The same, or a range of numbers "8000-8010", of none of which is 0. Sets both
 * ends. Returns 0, or -1 with *errp. */
int		 resolve_ports(const char *text, bool zero_ok, uint16_t *low,
		    uint16_t *high, const char **errp);

#endif
