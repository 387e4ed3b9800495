/*
 * clienthello.h - the first message of TLS, as it comes from a client: whom it
 * wants to reach, and what it wants to speak there. Nothing else is looked at,
 * and nothing is proved.
 *
 * Source: RFC 8446, 4.1.2 and 5.1 (the message, and how records cut it); RFC
 * 6066, 3 (server_name); RFC 7301, 3.1 (ALPN); RFC 8701 (GREASE).
 */
#ifndef CLIENTHELLO_H
#define CLIENTHELLO_H

#include "host.h"

#define HELLO_MAX	(64 << 10)	/* bytes of it with its records, most */
#define HELLO_ALPN	128		/* of all protocols, with the NUL */

/* Both are fit for a log: printable ASCII without spaces or quotes. */
struct hello {
	/* The name, in lower case, without a dot at its end; "" if there is
	 * none, or one that no host can have (an address of IPv6, other bytes
	 * than letters, digits, "-", "_" and "."). Of several the first. */
	char	 name[HOST_LEN];
	/* The protocols in their order, a "," between two, bytes that are not
	 * printable, commas and backslashes as "\x2c"; GREASE is left out, and
	 * so are those that there is no room for. */
	char	 alpn[HELLO_ALPN];
	size_t	 need;		/* 0 was returned: so many bytes in all, at
				   least, are needed to say more */
};

/*
 * Looks at what a client has sent first. Returns how many bytes its message
 * has, with the heads of its records; 0 if more are needed; -1 if it is none
 * or a broken one, or longer than HELLO_MAX.
 */
int	 hello_parse(const uint8_t *, size_t len, struct hello *);

#endif
