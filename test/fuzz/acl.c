/*
 * Access rules of any text, one a line: each is refused with a sentence, or
 * prints to what parses to the same; and the map says of every address that a
 * rule begins or ends with what the rules say, read one after the other.
 */
#include "compat.h"

#include "acl_map.h"

#define RULES	64

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t	 read_rules(char *, struct acl_rule *);
static void	 prints(const struct acl_rule *);
static bool	 matches(const struct acl_rule *, const struct source *);
static bool	 in_turn(const struct acl *, const struct source *, unsigned);
static void	 turns(const struct acl *, struct acl_map *,
		    const struct acl_rule *);
static void	 compare(const struct acl *, struct acl_map *,
		    const struct acl_rule *, unsigned);

static size_t
read_rules(char *text, struct acl_rule *rules)
{
	const char *err;
	char *line;
	size_t n = 0;

	while (n < RULES && (line = strsep(&text, "\n")) != NULL) {
		err = NULL;
		if (acl_parse(line, &rules[n], &err) == 0)
			prints(&rules[n++]);
		else if (err == NULL || *err == '\0')
			abort();
	}
	return n;
}

static void
prints(const struct acl_rule *rule)
{
	char text[ADDR_STRLEN];
	struct acl_rule again;
	const char *err;

	if (acl_parse(acl_str(rule, text), &again, &err) == -1 ||
	    memcmp(rule, &again, sizeof(again)) != 0)
		abort();
}

static bool
matches(const struct acl_rule *rule, const struct source *s)
{
	unsigned i;

	if (rule->family == 0)
		return !rule->negate;
	if (rule->family != s->family)
		return rule->negate;
	for (i = 0; i < rule->bits; i++)
		if ((rule->ip[i / 8] ^ s->ip[i / 8]) & (0x80 >> i % 8))
			return rule->negate;
	return !rule->negate;
}

static bool
in_turn(const struct acl *acl, const struct source *s, unsigned minute)
{
	bool listed = false;
	size_t i;

	for (i = 0; i < acl->n; i++) {
		if (window_open(&acl->rules[i].window, minute) &&
		    matches(&acl->rules[i], s))
			return acl->rules[i].permit;
		listed |= acl->rules[i].permit;
	}
	return !listed;
}

/* At the minutes when it begins and ends to hold, and before them. */
static void
turns(const struct acl *acl, struct acl_map *map, const struct acl_rule *rule)
{
	const unsigned all = 7 * WINDOW_DAY;
	unsigned day;

	compare(acl, map, rule, 0);
	for (day = 0; day < 7 && rule->window.days != 0; day++) {
		compare(acl, map, rule, day * WINDOW_DAY + rule->window.from);
		compare(acl, map, rule, (day * WINDOW_DAY + rule->window.from +
		    all - 1) % all);
		compare(acl, map, rule, (day * WINDOW_DAY + rule->window.to) %
		    all);
	}
}

/* The first address of its network, the last, and those beside them. */
static void
compare(const struct acl *acl, struct acl_map *map,
    const struct acl_rule *rule, unsigned minute)
{
	struct source s = { .family = rule->family, .port = 1 };
	const int width = rule->family == AF_INET ? 4 : 16;
	int last, step, i;

	for (last = 0; last < 2; last++)
		for (step = -1; step < 2; step++) {
			memcpy(s.ip, rule->ip, sizeof(s.ip));
			for (i = rule->bits; last && i < 8 * width; i++)
				s.ip[i / 8] |= 0x80 >> i % 8;
			for (i = width - 1; i >= 0 && step != 0; i--) {
				s.ip[i] = (uint8_t)(s.ip[i] + step);
				if (s.ip[i] != (step == 1 ? 0 : 0xff))
					break;
			}
			if (acl_map_permits_at(map, &s, minute) !=
			    in_turn(acl, &s, minute))
				abort();
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acl_rule rules[RULES];
	struct acl acl = { .rules = rules };
	struct acl_map *map;
	char *text = malloc(size + 1);
	size_t i;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	acl.n = read_rules(text, rules);
	if ((map = acl_map_new(&acl)) == NULL)
		abort();
	for (i = 0; i < acl.n; i++)
		if (rules[i].family != 0)
			turns(&acl, map, &rules[i]);
	acl_map_free(&map);
	free(text);
	return 0;
}
