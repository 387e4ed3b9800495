#include "compat.h"

#include <arpa/inet.h>
#include <stdarg.h>

#include "acl.h"

#define ACL_WORDS	7
#define ACL_TEXT	128	/* longest rule, with the NUL */

static int	 acl_fail(const char **, const char *, ...) printf_like(2, 3);
static int	 acl_fail_words(const char **, const char *, bool);
static int	 acl_split(char *, char *[ACL_WORDS]);
static int	 acl_parse_times(char *const *, int, struct acl_rule *,
		    const char **);
static int	 acl_parse_net(char *, struct acl_rule *, const char **,
		    const char *);
static int	 acl_parse_bits(const char *, unsigned, const char **,
		    const char *);
static int	 acl_parse_ip(const char *, struct acl_rule *);
static void	 acl_unmap(struct acl_rule *);
static unsigned	 acl_width(const struct acl_rule *);
static bool	 acl_mask(uint8_t ip[16], unsigned bits, unsigned width);
static bool	 acl_matches(const struct acl_rule *, const struct source *);
static char	*acl_net_str(const struct acl_rule *, char *, size_t);

static char acl_error[512];

static int
acl_fail(const char **errp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(acl_error, sizeof(acl_error), fmt, ap);
	va_end(ap);
	*errp = acl_error;
	return -1;
}

int
acl_parse(const char *text, struct acl_rule *rule, const char **errp)
{
	char buf[ACL_TEXT], *word[ACL_WORDS];
	int n, i = 1;

	memset(rule, 0, sizeof(*rule));
	if (strlcpy(buf, text, sizeof(buf)) >= sizeof(buf))
		return acl_fail(errp, "access rule \"%.32s...\" is too long",
		    text);
	if ((n = acl_split(buf, word)) == 0)
		return acl_fail(errp, "access rule is empty; use "
		    "\"permit|deny [not] all|address[/bits]\"");
	rule->permit = strcmp(word[0], "permit") == 0;
	if (!rule->permit && strcmp(word[0], "deny") != 0)
		return acl_fail(errp, "access rule \"%s\" starts with \"%s\"; "
		    "use \"permit\" or \"deny\"", text, word[0]);
	if (n > 1 && strcmp(word[1], "not") == 0) {
		rule->negate = true;
		i++;
	}
	if (n <= i || n > i + 3)
		return acl_fail_words(errp, text, n > i);
	if (strcmp(word[i], "all") != 0 &&
	    acl_parse_net(word[i], rule, errp, "access rule") == -1)
		return -1;
	return acl_parse_times(word + i + 1, n - i - 1, rule, errp);
}

static int
acl_fail_words(const char **errp, const char *text, bool many)
{
	return acl_fail(errp, "access rule \"%s\" has too %s words; use "
	    "\"permit|deny [not] all|address[/bits] [days] [hours]\"", text,
	    many ? "many" : "few");
}

/* Days, hours, or both. */
static int
acl_parse_times(char *const *word, int n, struct acl_rule *rule,
    const char **errp)
{
	if (n > 0 && window_days(*word, &rule->window) == 0) {
		word++;
		n--;
	}
	if (n == 0 || (n == 1 && window_hours(*word, &rule->window) == 0))
		return 0;
	return acl_fail(errp, "access rule: \"%s\" is neither days such as "
	    "mon-fri nor hours such as 08:00-18:00", *word);
}

int
acl_parse_network(const char *text, struct acl_rule *rule, const char **errp)
{
	char buf[ACL_TEXT];

	memset(rule, 0, sizeof(*rule));
	rule->permit = true;
	if (strcmp(text, "unix") == 0) {
		rule->family = AF_UNIX;
		return 0;
	}
	if (strlcpy(buf, text, sizeof(buf)) >= sizeof(buf))
		return acl_fail(errp, "network \"%.32s...\" is too long",
		    text);
	return acl_parse_net(buf, rule, errp, "network");
}

/* Returns how many words there are; more than ACL_WORDS count as that. */
static int
acl_split(char *buf, char *word[ACL_WORDS])
{
	char *w;
	int n = 0;

	while (n < ACL_WORDS && (w = strsep(&buf, " \t\n")) != NULL)
		if (*w != '\0')
			word[n++] = w;
	return n;
}

/* what: in which the network stands, for who reads of a mistake. */
static int
acl_parse_net(char *text, struct acl_rule *rule, const char **errp,
    const char *what)
{
	char *slash, net[ADDR_STRLEN];
	unsigned width;
	int bits;

	if ((slash = strchr(text, '/')) != NULL)
		*slash++ = '\0';
	if (acl_parse_ip(text, rule) == -1)
		return acl_fail(errp, "%s: \"%s\" is neither \"%s\" nor an "
		    "IPv4 or IPv6 address", what, text,
		    strcmp(what, "network") == 0 ? "unix" : "all");
	bits = width = acl_width(rule);
	if (slash != NULL &&
	    (bits = acl_parse_bits(slash, width, errp, what)) == -1)
		return -1;
	rule->bits = bits;
	if (acl_mask(rule->ip, bits, width))
		return acl_fail(errp, "%s: %s/%d has bits set beyond its "
		    "prefix; use %s", what, text, bits,
		    acl_net_str(rule, net, sizeof(net)));
	acl_unmap(rule);
	return 0;
}

static int
acl_parse_bits(const char *text, unsigned width, const char **errp,
    const char *what)
{
	const char *err;
	int bits;

	bits = strtonum(text, 0, width, &err);
	if (err != NULL || text[strspn(text, "0123456789")] != '\0')
		return acl_fail(errp, "%s: prefix length \"%s\" is out of "
		    "range; use 0 to %u", what, text, width);
	return bits;
}

static int
acl_parse_ip(const char *text, struct acl_rule *rule)
{
	if (inet_pton(AF_INET, text, rule->ip) == 1)
		rule->family = AF_INET;
	else if (inet_pton(AF_INET6, text, rule->ip) == 1)
		rule->family = AF_INET6;
	else
		return -1;
	return 0;
}

/* Sources never are mapped addresses (source_set), so rules must not be. */
static void
acl_unmap(struct acl_rule *rule)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (rule->family != AF_INET6 || rule->bits < 96 ||
	    memcmp(rule->ip, prefix, sizeof(prefix)) != 0)
		return;
	rule->family = AF_INET;
	rule->bits -= 96;
	memmove(rule->ip, rule->ip + 12, 4);
	memset(rule->ip + 4, 0, 12);
}

static unsigned
acl_width(const struct acl_rule *rule)
{
	return rule->family == AF_INET ? 32 : 128;
}

/* Clears the bits beyond the prefix; says whether there were any. */
static bool
acl_mask(uint8_t ip[16], unsigned bits, unsigned width)
{
	unsigned i;
	uint8_t keep;
	bool any = false;

	for (i = bits / 8; i < width / 8; i++) {
		keep = i == bits / 8 ? 0xff00 >> bits % 8 : 0;
		any |= (ip[i] & ~keep) != 0;
		ip[i] &= keep;
	}
	return any;
}

static char *
acl_net_str(const struct acl_rule *rule, char *buf, size_t size)
{
	size_t len;

	if (rule->family == 0 || rule->family == AF_UNIX)
		strlcpy(buf, rule->family == 0 ? "all" : "unix", size);
	else {
		inet_ntop(rule->family, rule->ip, buf, size);
		len = strlen(buf);
		if (rule->bits != acl_width(rule))
			snprintf(buf + len, size - len, "/%u", rule->bits);
	}
	return buf;
}

char *
acl_str(const struct acl_rule *rule, char buf[ADDR_STRLEN])
{
	char net[ADDR_STRLEN / 2], when[WINDOW_STRLEN];

	window_str(&rule->window, when);
	snprintf(buf, ADDR_STRLEN, "%s %s%s%s%s",
	    rule->permit ? "permit" : "deny", rule->negate ? "not " : "",
	    acl_net_str(rule, net, sizeof(net)), *when == '\0' ? "" : " ",
	    when);
	return buf;
}

char *
acl_network_str(const struct acl_rule *rule, char buf[ADDR_STRLEN])
{
	return acl_net_str(rule, buf, ADDR_STRLEN);
}

const struct acl_rule *
acl_first(const struct acl *acl, const struct source *client,
    unsigned minute)
{
	size_t i;

	for (i = 0; i < acl->n; i++)
		if (window_open(&acl->rules[i].window, minute) &&
		    acl_matches(&acl->rules[i], client))
			return &acl->rules[i];
	return NULL;
}

bool
acl_lists(const struct acl *acl)
{
	size_t i;

	for (i = 0; i < acl->n; i++)
		if (acl->rules[i].permit)
			return true;
	return false;
}

bool
acl_timed(const struct acl *acl)
{
	size_t i;

	for (i = 0; i < acl->n; i++)
		if (acl->rules[i].window.days != 0)
			return true;
	return false;
}

static bool
acl_matches(const struct acl_rule *rule, const struct source *client)
{
	uint8_t ip[16];
	bool inside = rule->family == 0;

	if (rule->family == client->family) {
		memcpy(ip, client->ip, sizeof(ip));
		acl_mask(ip, rule->bits, acl_width(rule));
		inside = memcmp(ip, rule->ip, acl_width(rule) / 8) == 0;
	}
	return inside != rule->negate;
}
