/*
 * srv.h - the answer to a question for a service (RFC 2782), as bytes.
 */
#ifndef DNS_SRV_H
#define DNS_SRV_H

#include "compat.h"

#define SRV_MOST	256	/* records of one answer that are taken */
#define SRV_NAME	256	/* longest name, with the NUL */

struct srv {
	char		 host[SRV_NAME];
	uint16_t	 port, priority, weight;
};

/*
 * Reads the records of an answer, at most max of them, those of the least
 * priority first. Sets *ttl to the shortest time that one of them holds, in
 * seconds. Returns how many, or -1: that is none. A service that is said to be
 * nowhere (".") is no record.
 */
int		 srv_parse(const uint8_t *, size_t len, struct srv *, int max,
		    uint32_t *ttl);

#endif
