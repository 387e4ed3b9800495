/*
 * dest.h - where a client has asked to go, as a value. Users call it target.
 */
#ifndef DEST_H
#define DEST_H

#include "addr.h"
#include "host.h"

/* What has become of it. */
enum dest_fault {
	DEST_OK,
	DEST_DENIED,		/* by rules, or it is one of ours */
	DEST_NO_NAME,		/* there is no such name, or it is none */
	DEST_NAME_FAILED,	/* whether there is cannot be known now */
	DEST_NAME_TIMEOUT,	/* the same: nobody has answered */
	DEST_REFUSED,		/* a connect was */
	DEST_UNREACHABLE,	/* host */
	DEST_NET_UNREACHABLE,
	DEST_TIMEOUT,		/* of the connect */
	DEST_LACKS		/* something here: memory, descriptors */
};

struct name_wait;

#define DEST_STRLEN	(HOST_LEN + 8)
#define DEST_ADDRS	16	/* of one name that are taken, most */

struct dest {
	char		 host[HOST_LEN]; /* a name in lower case, or "" */
	struct addr	 addr;		/* without one: with the port; len 0:
					   it was neither */
	uint16_t	 port;
	uint8_t		 fault;		/* enum dest_fault */
	bool		 answered;	/* the client knows */
	uint8_t		 n, next;	/* addresses; those that were tried */
	struct source	 to[DEST_ADDRS]; /* that are permitted, as they are
					   tried; a session's version is the
					   place of its own */
	struct source	 from;		/* the session's own address there, once
					   it is connected */
	struct name_wait *wait;		/* for an answer, or NULL */
};

/*
 * By text, as clients write it: a name, numbers of IPv4 in each form that
 * inet_aton(3) has for them, of IPv6 in brackets or without. Returns 0, or -1
 * if it is none of these; to connect to that is DEST_NO_NAME.
 */
int	 dest_set_host(struct dest *, const void *, size_t len, uint16_t port);
/* By bytes: 4 of AF_INET, 16 of AF_INET6. */
void	 dest_set_ip(struct dest *, int family, const void *ip,
	    uint16_t port);
/* "a.example:80", "[::1]:80"; "?" for what is neither. Returns buf. */
char	*dest_str(const struct dest *, char buf[DEST_STRLEN]);

#endif
