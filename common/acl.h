/*
 * acl.h - who may connect: an ordered list of permit and deny rules, as text
 * and as a value. acl_map.h applies them.
 */
#ifndef ACL_H
#define ACL_H

#include "addr.h"
#include "window.h"

struct acl_rule {
	uint8_t		ip[16];
	uint8_t		family;		/* AF_INET, AF_INET6; 0: "all";
					   AF_UNIX: "unix", of a network */
	uint8_t		bits;		/* prefix length */
	bool		permit;
	bool		negate;		/* "not": the rest of the world */
	struct window	window;		/* when it holds; not of a network */
};

struct acl {
	struct acl_rule	*rules;
	size_t		 n;
};

/*
 * Parses "permit|deny [not] all|address[/bits] [days] [hours]" (window.h).
 * Host bits that are set beyond the prefix are an error. Returns 0, or -1 with
 * *errp set to a sentence (static storage).
 */
int	 acl_parse(const char *text, struct acl_rule *, const char **errp);
/* The same for "address[/bits]|unix", a rule that permits: in a list of
 * networks, which acl_map_has() looks in. */
int	 acl_parse_network(const char *text, struct acl_rule *,
	    const char **errp);
/* "deny 10.9.0.0/16", "10.9.0.0/16", canonical; returns buf. */
char	*acl_str(const struct acl_rule *, char buf[ADDR_STRLEN]);
char	*acl_network_str(const struct acl_rule *, char buf[ADDR_STRLEN]);
/* The first rule that matches, of those that hold at that minute of the week,
 * or NULL: one after the other, for who wants to know why; acl_map.h answers
 * quickly. */
const struct acl_rule *acl_first(const struct acl *, const struct source *,
	    unsigned minute);
/* Whether there is a rule that permits, at whatever time: then whom no rule
 * matches is refused. */
bool	 acl_lists(const struct acl *);
/* Whether a rule holds at some times only. */
bool	 acl_timed(const struct acl *);

#endif
