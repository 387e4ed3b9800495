/*
 * dest_rule.h - where clients may have themselves connected to, as users write
 * it: rules of a "targets" section.
 */
#ifndef DEST_RULE_H
#define DEST_RULE_H

#include "addr.h"
#include "host.h"

#define DEST_RULE_PORTS	16	/* ranges of one rule, most */

enum dest_what { DEST_ANY, DEST_PUBLIC, DEST_NAME, DEST_NET };

struct dest_rule {
	bool		 permit;
	bool		 below;		/* all names that end by host */
	uint8_t		 what;		/* enum dest_what */
	uint8_t		 family;	/* of a network: AF_INET, AF_INET6 */
	uint8_t		 bits;
	uint8_t		 nports;	/* 0: every port */
	struct {
		uint16_t low, high;
	}		 ports[DEST_RULE_PORTS];
	uint8_t		 ip[16];
	char		 host[HOST_LEN]; /* in lower case, without "*" */
};

/*
 * Parses "permit|deny WHERE[:PORTS]". WHERE is "*", "public", a name, "*." and
 * a name for all below it, or an address or network, of IPv6 in brackets. PORTS
 * is "*", or ports and ranges with commas. Returns NULL, or what is wrong, as
 * it follows the text in a sentence (static storage).
 */
const char	*dest_rule_parse(const char *, struct dest_rule *);
bool		 dest_rule_has_port(const struct dest_rule *, uint16_t);
/* A name in lower case; of DEST_ANY always, of networks never. */
bool		 dest_rule_has_name(const struct dest_rule *, const char *);
/* An address as such, not what it carries (special.h); of names never. */
bool		 dest_rule_has_addr(const struct dest_rule *,
		    const struct source *);

#endif
