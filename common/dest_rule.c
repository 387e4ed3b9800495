#include "compat.h"

#include <arpa/inet.h>

#include "dest_rule.h"
#include "special.h"

#define RULE_TEXT	512	/* longest rule, with the NUL */

static const char *parse_where(char *, struct dest_rule *);
static const char *parse_bracket(char *, struct dest_rule *);
static const char *parse_name(const char *, struct dest_rule *);
static bool	 looks_like_ip(const char *);
static const char *parse_net(char *, int, struct dest_rule *);
static void	 unmap(struct dest_rule *);
static bool	 mask(uint8_t *, unsigned, unsigned);
static const char *parse_ports(char *, struct dest_rule *);
static int	 parse_port(const char *, uint16_t *);

static const char no_rule[] = "is no rule; use \"permit|deny WHERE[:PORTS]\", "
    "where WHERE is *, public, a name, *.name, a network, or one of IPv6 in "
    "brackets";

const char *
dest_rule_parse(const char *text, struct dest_rule *r)
{
	char buf[RULE_TEXT], *where = buf, *verb, *rest;

	memset(r, 0, sizeof(*r));
	if (strlcpy(buf, text, sizeof(buf)) >= sizeof(buf))
		return "is too long for a rule";
	where += strspn(where, " \t");
	verb = strsep(&where, " \t");
	r->permit = strcmp(verb, "permit") == 0;
	if ((!r->permit && strcmp(verb, "deny") != 0) || where == NULL)
		return no_rule;
	where += strspn(where, " \t");
	rest = where + strcspn(where, " \t");
	if (*where == '\0' || rest[strspn(rest, " \t")] != '\0')
		return no_rule;
	*rest = '\0';
	return parse_where(where, r);
}

static const char *
parse_where(char *where, struct dest_rule *r)
{
	char *ports = strchr(where, ':');
	const char *wrong;

	if (*where == '[')
		return parse_bracket(where + 1, r);
	if (ports != NULL)
		*ports++ = '\0';
	if (ports != NULL && strspn(ports, "0123456789*,-") != strlen(ports))
		return "has an address of IPv6 without brackets, or no ports; "
		    "write [2001:db8::/32]:443";
	if (ports != NULL && (wrong = parse_ports(ports, r)) != NULL)
		return wrong;
	if (strcmp(where, "*") == 0)
		return NULL;
	if (strcmp(where, "public") == 0) {
		r->what = DEST_PUBLIC;
		return NULL;
	}
	return looks_like_ip(where) ? parse_net(where, AF_INET, r) :
	    parse_name(where, r);
}

static const char *
parse_bracket(char *net, struct dest_rule *r)
{
	char *end = strchr(net, ']');
	const char *wrong;

	if (end == NULL || (end[1] != '\0' && end[1] != ':'))
		return no_rule;
	*end = '\0';
	if (end[1] == ':' && (wrong = parse_ports(end + 2, r)) != NULL)
		return wrong;
	return parse_net(net, AF_INET6, r);
}

static const char *
parse_name(const char *name, struct dest_rule *r)
{
	r->what = DEST_NAME;
	r->below = strncmp(name, "*.", 2) == 0;
	if (r->below)
		name += 2;
	return host_normal(name, strlen(name), r->host) == 0 &&
	    !host_is_number(r->host) ? NULL :
	    "has neither a network nor a name of a host; names have letters, "
	    "digits, \"-\", \"_\" and \".\", and \"*.\" in front for all "
	    "below them";
}

/* No name is made of numbers alone. */
static bool
looks_like_ip(const char *text)
{
	return text[strspn(text, "0123456789./")] == '\0';
}

static const char *
parse_net(char *net, int family, struct dest_rule *r)
{
	const unsigned width = family == AF_INET ? 32 : 128;
	char *slash = strchr(net, '/');
	const char *err = NULL;

	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(family, net, r->ip) != 1)
		return "has an address that is none";
	r->bits = (uint8_t)width;
	if (slash != NULL)
		r->bits = (uint8_t)strtonum(slash, 0, width, &err);
	if (err != NULL || (slash != NULL &&
	    slash[strspn(slash, "0123456789")] != '\0'))
		return "has a prefix length that is out of range; use 0 to 32, "
		    "or 128 of IPv6";
	if (mask(r->ip, r->bits, width))
		return "has bits set beyond its prefix";
	r->what = DEST_NET;
	r->family = (uint8_t)family;
	unmap(r);
	return NULL;
}

/* No address that is judged is a mapped one. */
static void
unmap(struct dest_rule *r)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (r->family != AF_INET6 || r->bits < 96 ||
	    memcmp(r->ip, prefix, sizeof(prefix)) != 0)
		return;
	r->family = AF_INET;
	r->bits -= 96;
	memmove(r->ip, r->ip + 12, 4);
	memset(r->ip + 4, 0, 12);
}

/* Clears the bits beyond the prefix; says whether there were any. */
static bool
mask(uint8_t *ip, unsigned bits, unsigned width)
{
	bool any = false;
	unsigned i;

	for (i = bits; i < width; i++) {
		any |= (ip[i / 8] >> (7 - i % 8)) & 1;
		ip[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	}
	return any;
}

static const char *
parse_ports(char *text, struct dest_rule *r)
{
	static const char wrong[] = "has ports that are none; use *, or "
	    "numbers and ranges from 1 to 65535 with commas";
	char *one, *high;

	if (strcmp(text, "*") == 0)
		return NULL;
	while ((one = strsep(&text, ",")) != NULL) {
		if (r->nports == DEST_RULE_PORTS)
			return "has more than 16 ranges of ports; write "
			    "another rule";
		if ((high = strchr(one, '-')) != NULL)
			*high++ = '\0';
		if (parse_port(one, &r->ports[r->nports].low) == -1 ||
		    parse_port(high == NULL ? one : high,
		    &r->ports[r->nports].high) == -1 ||
		    r->ports[r->nports].low > r->ports[r->nports].high)
			return wrong;
		r->nports++;
	}
	return NULL;
}

static int
parse_port(const char *text, uint16_t *port)
{
	const char *err;

	*port = (uint16_t)strtonum(text, 1, UINT16_MAX, &err);
	return err != NULL || text[strspn(text, "0123456789")] != '\0' ?
	    -1 : 0;
}

bool
dest_rule_has_port(const struct dest_rule *r, uint16_t port)
{
	unsigned i;

	for (i = 0; i < r->nports; i++)
		if (port >= r->ports[i].low && port <= r->ports[i].high)
			return true;
	return r->nports == 0;
}

bool
dest_rule_has_name(const struct dest_rule *r, const char *name)
{
	const size_t len = strlen(name), tail = strlen(r->host);

	if (r->what != DEST_NAME)
		return r->what == DEST_ANY;
	if (!r->below)
		return strcmp(r->host, name) == 0;
	return len > tail && name[len - tail - 1] == '.' &&
	    strcmp(name + len - tail, r->host) == 0;
}

bool
dest_rule_has_addr(const struct dest_rule *r, const struct source *s)
{
	const unsigned whole = r->bits / 8, rest = r->bits % 8;

	if (r->what == DEST_ANY)
		return true;
	if (r->what == DEST_PUBLIC)
		return special_is_public(s);
	if (r->what != DEST_NET || r->family != s->family ||
	    memcmp(r->ip, s->ip, whole) != 0)
		return false;
	return rest == 0 || (r->ip[whole] ^ s->ip[whole]) >> (8 - rest) == 0;
}
