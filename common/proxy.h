/*
 * proxy.h - the header of the PROXY protocol, versions 1 and 2, as bytes: who
 * sends it says for whom it speaks. The protocol is HAProxy's,
 * doc/proxy-protocol.txt.
 */
#ifndef PROXY_H
#define PROXY_H

#include "addr.h"

#define PROXY_MAX	4096	/* bytes of a header, most */
#define PROXY_V1_MAX	107	/* bytes of one of version 1, most */

/* What a header says. */
struct proxy {
	bool		named;	/* whom; else the connection's own addresses
				   hold: UNKNOWN, LOCAL, UNSPEC, UNIX, UDP */
	struct source	from, to;
	const uint8_t	*fields; /* all of version 2, right behind the addresses
				    of the bytes that were read; or NULL */
	size_t		 nfields; /* bytes of them */
};

/* What version 2 tells of the TLS of the client; a text may be NULL. */
struct proxy_tls {
	const char	*version;	/* "TLSv1.3"; NULL: it has none */
	const char	*cipher;
	const char	*name;		/* CN of the client's certificate */
	bool		 certificate;	/* it has one */
	bool		 resumed;	/* shown in an earlier connection */
	bool		 verified;	/* that is trusted */
	const char	*alpn;		/* chosen */
	const char	*authority;	/* the name that it asked for (SNI) */
};

/*
 * Reads the header that the bytes begin with. Returns its length; 0 if more
 * bytes are needed; -1 with *errp (static storage) set to what is wrong. A line
 * of version 1 is looked at when it is whole, all else as soon as it is there.
 */
int		 proxy_parse(const uint8_t *, size_t len, struct proxy *,
		    const char **errp);
/* How many bytes there must be at least before it can be whole, where
 * proxy_parse() has asked for more than these. */
size_t		 proxy_need(const uint8_t *, size_t len);

/*
 * Writes the header; returns its length. Without names, or with one that is no
 * IP address, it says so (UNKNOWN, LOCAL); of two families both are written as
 * IPv6. Version 2 has a checksum and what there is of tls, which may be NULL;
 * and, as far as there is room, of the fields those that are for whoever reads
 * it, are not in tls, and need not be made anew.
 */
size_t		 proxy_put_v1(char buf[PROXY_MAX], const struct proxy *);
size_t		 proxy_put_v2(char buf[PROXY_MAX], const struct proxy *,
		    const struct proxy_tls *tls);

#endif
