/*
 * special.h - addresses that are not what they look like, and those that are
 * not public: the registries of special-purpose addresses (RFC 6890) as of
 * today, and what clouds keep for themselves.
 */
#ifndef SPECIAL_H
#define SPECIAL_H

#include "addr.h"

#define SPECIAL_FORMS	3

/*
 * What an address stands for: itself first, with ::ffff:a.b.c.d as IPv4; after
 * that the IPv4 addresses that it carries: IPv4-compatible (RFC 4291, 2.5.5.1),
 * translated (RFC 2765), NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC
 * 4380: the server's and the client's) and ISATAP (RFC 5214). Who judges an
 * address judges all. Returns how many there are.
 */
unsigned	 special_forms(const struct source *,
		    struct source forms[SPECIAL_FORMS]);
/* Whether it is an address of the internet as such: in no registry as anything
 * else, but for the prefix of NAT64, which is as public as what is behind it.
 */
bool		 special_is_public(const struct source *);

#endif
