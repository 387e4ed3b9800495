/*
 * host.h - names of hosts, as clients ask for them and users write them: RFC
 * 1035, 2.3.4, and RFC 1123, 2.1, with "_" as well.
 */
#ifndef HOST_H
#define HOST_H

#include "compat.h"

#define HOST_LEN	254	/* of a name, with the NUL */

/*
 * The name in lower case, without the dot that it may end by. Returns 0, or -1
 * if these bytes are none: an empty part, or one of more than 63 bytes, more
 * than 253 in all, or others than letters, digits, "-" and "_" between dots.
 */
int	 host_normal(const void *, size_t len, char name[HOST_LEN]);

/* Whether the last part of such a name could be the one of an address of IPv4:
 * no domain is called so (RFC 3696, 2), and who looks such a name up may take
 * it for one. */
bool	 host_is_number(const char *name);

#endif
