#include "acl_map.h"
#include "conf/resolve.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct source
source_of(const char *host)
{
	struct source p;
	struct addr a;
	const char *err;

	if (strcmp(host, "unix") == 0)
		assert_int_equal(addr_unix("/x", &a, &err), 0);
	else
		assert_int_equal(resolve_host(host, "5", false, &a, 1, &err),
		    1);
	source_set(&p, &a.sa);
	return p;
}

/* rules: separated by commas */
static bool
permits(const char *rules, const char *host)
{
	struct acl_rule rule[8];
	struct acl acl = { .rules = rule };
	struct acl_map *map;
	bool yes;
	struct source p = source_of(host);
	char copy[256], *next = copy, *text;
	const char *err = "";

	strlcpy(copy, rules, sizeof(copy));
	while (*rules != '\0' && (text = strsep(&next, ",")) != NULL)
		if (acl_parse(text, &rule[acl.n++], &err) == -1)
			fail_msg("%s", err);
	assert_non_null(map = acl_map_new(&acl));
	yes = acl_map_permits(map, &p);
	acl_map_free(&map);
	assert_null(map);
	return yes;
}

/* Which it was, for who is told. */
static void
test_first(void **state)
{
	struct acl_rule rule[3];
	const struct acl acl = { rule, nitems_of(rule) };
	struct source p;
	const char *err;

	(void)state;
	assert_int_equal(acl_parse("permit 10.1.0.0/16", &rule[0], &err), 0);
	assert_int_equal(acl_parse("deny 10.0.0.0/7", &rule[1], &err), 0);
	assert_int_equal(acl_parse("deny not ::/1", &rule[2], &err), 0);
	p = source_of("10.1.255.1");
	assert_ptr_equal(acl_first(&acl, &p, 0), &rule[0]);
	p = source_of("11.2.0.1");
	assert_ptr_equal(acl_first(&acl, &p, 0), &rule[1]);
	p = source_of("12.0.0.1");
	assert_ptr_equal(acl_first(&acl, &p, 0), &rule[2]);
	p = source_of("::1");
	assert_null(acl_first(&acl, &p, 0));
}

static void
test_parse(void **state)
{
	static const char *const cases[][2] = {
		{ "permit all", "permit all" },
		{ "deny all", "deny all" },
		{ "  deny\tnot   10.0.0.0/8 ", "deny not 10.0.0.0/8" },
		{ "permit 10.1.2.3", "permit 10.1.2.3" },
		{ "permit 10.1.2.3/32", "permit 10.1.2.3" },
		{ "permit 0.0.0.0/0", "permit 0.0.0.0/0" },
		{ "permit 10.128.0.0/9", "permit 10.128.0.0/9" },
		{ "permit ::/0", "permit ::/0" },
		{ "deny 2001:DB8:0::/48", "deny 2001:db8::/48" },
		{ "deny ::1", "deny ::1" },
		{ "deny not all", "deny not all" },
		{ "deny ::ffff:10.0.0.0/104", "deny 10.0.0.0/8" },
		{ "deny ::ffff:0.0.0.0/96", "deny 0.0.0.0/0" },
		{ "permit 10.0.0.0/8  mon-fri  08:00-18:00",
		    "permit 10.0.0.0/8 mon-fri 08:00-18:00" },
		{ "deny not ::1 sat,sun", "deny not ::1 sat-sun" },
		{ "deny all 22:00-06:00", "deny all 22:00-06:00" },
		{ "permit all mon-sun 00:00-24:00", "permit all" },
		{ "permit not 2001:db8:1111:2222:3333:4444:5555:6666 "
		    "mon-tue,thu-fri,sun 22:01-06:59",
		    "permit not 2001:db8:1111:2222:3333:4444:5555:6666 "
		    "mon-tue,thu-fri,sun 22:01-06:59" },
	};
	struct acl_rule rule;
	const char *err;
	char buf[ADDR_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		assert_int_equal(acl_parse(cases[i][0], &rule, &err), 0);
		assert_ptr_equal(acl_str(&rule, buf), buf);
		assert_string_equal(buf, cases[i][1]);
		assert_int_equal(acl_parse(buf, &rule, &err), 0);
		assert_string_equal(acl_str(&rule, buf), cases[i][1]);
	}
}

static void
test_parse_bad(void **state)
{
	static const char *const cases[][2] = {
		{ "", "is empty" },
		{ " ", "is empty" },
		{ "permit", "too few words" },
		{ "permit not", "too few words" },
		{ "permit all all", "\"all\" is neither days such as" },
		{ "permit 10.0.0.1 10.0.0.2", "\"10.0.0.2\" is neither" },
		{ "permit all 08:00-18:00 mon", "\"08:00-18:00\" is neither" },
		{ "permit all mon 08:00", "\"08:00\" is neither" },
		{ "permit all mon 08:00-18:00 tue", "too many words" },
		{ "permit not all 1 2 3 4 5", "too many words" },
		{ "allow all", "starts with \"allow\"" },
		{ "Permit all", "starts with \"Permit\"" },
		{ "permit host", "\"host\" is neither \"all\" nor" },
		{ "permit 10.0.0", "\"10.0.0\" is neither" },
		{ "permit 10.0.0.0/33", "\"33\" is out of range; use 0 to 32" },
		{ "permit ::/129", "\"129\" is out of range; use 0 to 128" },
		{ "permit 10.0.0.0/-1", "\"-1\" is out of range" },
		{ "permit 10.0.0.0/", "\"\" is out of range" },
		{ "permit 10.0.0.0/8x", "\"8x\" is out of range" },
		{ "permit all/8", "\"all\" is neither" },
		{ "permit 10.9.1.0/16", "10.9.1.0/16 has bits set beyond its "
		    "prefix; use 10.9.0.0/16" },
		{ "permit 10.128.0.0/8", "use 10.0.0.0/8" },
		{ "permit 2001:db8::1/64", "use 2001:db8::/64" },
		{ "deny aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "too long" },
	};
	struct acl_rule rule;
	const char *err;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		err = "";
		assert_int_equal(acl_parse(cases[i][0], &rule, &err), -1);
		if (strstr(err, cases[i][1]) == NULL)
			fail_msg("\"%s\" has no \"%s\"", err, cases[i][1]);
	}
}

static void
test_first_match(void **state)
{
	(void)state;
	assert_true(permits("", "10.0.0.1"));
	assert_false(permits("deny all", "10.0.0.1"));
	assert_true(permits("permit all", "10.0.0.1"));
	assert_true(permits("permit 10.0.0.1,deny all", "10.0.0.1"));
	assert_false(permits("deny 10.0.0.1,permit all", "10.0.0.1"));
	assert_true(permits("deny 10.0.0.1,permit all", "10.0.0.2"));
	assert_false(permits("deny 10.9.0.0/16,permit 10.0.0.0/8", "10.9.1.1"));
	assert_true(permits("deny 10.9.0.0/16,permit 10.0.0.0/8", "10.8.1.1"));
}

/* The last word is deny if any permit is listed, permit otherwise. */
static void
test_no_match(void **state)
{
	(void)state;
	assert_true(permits("deny 10.0.0.0/8", "11.0.0.1"));
	assert_false(permits("permit 10.0.0.0/8", "11.0.0.1"));
	assert_false(permits("deny 10.9.0.0/16,permit 10.0.0.0/8", "11.0.0.1"));
	assert_false(permits("permit 10.0.0.0/8,deny 10.9.0.0/16", "::1"));
}

static void
test_negate(void **state)
{
	(void)state;
	assert_false(permits("deny not 10.0.0.0/8", "11.0.0.1"));
	assert_false(permits("deny not 10.0.0.0/8", "::1"));
	assert_true(permits("deny not 10.0.0.0/8", "10.1.1.1"));
	assert_true(permits("permit not 10.0.0.0/8", "11.0.0.1"));
	assert_false(permits("permit not 10.0.0.0/8", "10.0.0.1"));
	assert_true(permits("deny not all", "10.0.0.1"));
}

static void
test_prefix(void **state)
{
	(void)state;
	assert_true(permits("permit 10.128.0.0/9", "10.128.0.0"));
	assert_true(permits("permit 10.128.0.0/9", "10.255.255.255"));
	assert_false(permits("permit 10.128.0.0/9", "10.127.255.255"));
	assert_true(permits("permit 10.0.0.4/30", "10.0.0.7"));
	assert_false(permits("permit 10.0.0.4/30", "10.0.0.8"));
	assert_true(permits("permit 0.0.0.0/0", "255.1.2.3"));
	assert_true(permits("permit 2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(permits("permit 2001:db8::/33", "2001:db8:8000::1"));
	assert_true(permits("permit ::1", "::1"));
	assert_false(permits("permit ::1", "::2"));
}

static void
test_families(void **state)
{
	(void)state;
	assert_false(permits("permit ::/0", "10.0.0.1"));
	assert_false(permits("permit 0.0.0.0/0", "::1"));
	assert_true(permits("permit all", "::1"));
	assert_true(permits("deny ::ffff:10.0.0.0/104,permit all", "11.0.0.1"));
	assert_false(permits("deny ::ffff:10.0.0.0/104,permit all",
	    "10.0.0.1"));
	assert_false(permits("deny 10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(permits("deny all", "unix"));
	assert_true(permits("permit 10.0.0.1", "unix"));
}

/* networks: separated by commas */
static bool
has(const char *networks, const char *host)
{
	struct acl_rule rule[8];
	struct acl acl = { .rules = rule };
	struct acl_map *map;
	struct source p = source_of(host);
	char copy[256], text[ADDR_STRLEN], *next = copy, *word;
	const char *err = "";
	bool yes;

	strlcpy(copy, networks, sizeof(copy));
	while ((word = strsep(&next, ",")) != NULL) {
		if (acl_parse_network(word, &rule[acl.n], &err) == -1)
			fail_msg("%s", err);
		assert_string_equal(acl_network_str(&rule[acl.n++], text),
		    word);
	}
	assert_non_null(map = acl_map_new(&acl));
	yes = acl_map_has(map, &p);
	acl_map_free(&map);
	return yes;
}

static void
test_networks(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8,2001:db8::1", "10.1.2.3"));
	assert_true(has("10.0.0.0/8,2001:db8::1", "2001:db8::1"));
	assert_false(has("10.0.0.0/8,2001:db8::1", "2001:db8::2"));
	assert_false(has("10.0.0.0/8,2001:db8::1", "11.0.0.1"));
	assert_false(has("10.0.0.0/8,2001:db8::1", "unix"));
	assert_true(has("10.0.0.0/8,unix", "unix"));
	assert_true(has("unix", "unix"));
	assert_false(has("unix", "10.0.0.1"));
	assert_false(has("unix", "::1"));
	assert_true(has("0.0.0.0/0", "10.0.0.1"));
}

static unsigned
choose(unsigned n)
{
	return (unsigned)random() % n;
}

/* Few bits differ, so that networks lie in, on and beside one another. */
static void
random_ip(uint8_t *ip, int family)
{
	static const uint8_t some[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	int i, len = family == AF_INET ? 4 : 16;

	memset(ip, choose(3) == 0 ? 0xff : 0, 16);
	for (i = 0; i < 2; i++)
		ip[choose(len)] = some[choose(nitems_of(some))];
	if (family == AF_INET)
		memset(ip + 4, 0, 12);
}

static void
random_rule(struct acl_rule *rule)
{
	static const uint8_t families[] = { 0, AF_INET, AF_INET, AF_INET6,
	    AF_INET6 };
	unsigned i;

	memset(rule, 0, sizeof(*rule));
	rule->family = families[choose(30) == 0 ? 0 : 1 + choose(4)];
	rule->permit = choose(2);
	rule->negate = choose(25) == 0;
	if (rule->family == 0)
		return;
	if (choose(3) == 0) {
		rule->window.days = 1 + choose(127);
		rule->window.from = 60 * choose(24);
		rule->window.to = 60 * (1 + choose(24));
	}
	random_ip(rule->ip, rule->family);
	rule->bits = choose((rule->family == AF_INET ? 32 : 128) + 1);
	for (i = rule->bits; i < 128; i++)
		rule->ip[i / 8] &= ~(0x80 >> i % 8);
}

static bool
matches(const struct acl_rule *rule, const struct source *p)
{
	unsigned i;

	if (rule->family == 0)
		return !rule->negate;
	if (rule->family != p->family)
		return rule->negate;
	for (i = 0; i < rule->bits; i++)
		if ((rule->ip[i / 8] ^ p->ip[i / 8]) & (0x80 >> i % 8))
			return rule->negate;
	return !rule->negate;
}

/* As acl_map.h promises it, word by word. */
static bool
one_after_the_other(const struct acl *acl, const struct source *p,
    unsigned minute)
{
	bool listed = false;
	size_t i;

	for (i = 0; i < acl->n; i++) {
		if (window_open(&acl->rules[i].window, minute) &&
		    matches(&acl->rules[i], p))
			return acl->rules[i].permit;
		listed |= acl->rules[i].permit;
	}
	return !listed;
}

static void
test_random(void **state)
{
	const struct acl_rule *first;
	struct acl_rule rule[40];
	struct acl acl = { .rules = rule };
	struct acl_map *map;
	struct source p = { .port = 1 };
	unsigned minute = 0;
	int i, k;

	(void)state;
	srandom(1);
	for (i = 0; i < 400; i++) {
		acl.n = choose(nitems_of(rule) + 1);
		for (k = 0; k < (int)acl.n; k++)
			random_rule(&rule[k]);
		assert_non_null(map = acl_map_new(&acl));
		for (k = 0; k < 100; k++) {
			p.family = choose(2) ? AF_INET : AF_INET6;
			random_ip(p.ip, p.family);
			if (acl.n != 0 && choose(3) == 0 &&
			    rule[i % acl.n].family == p.family)
				memcpy(p.ip, rule[i % acl.n].ip, 16);
			if (choose(4) == 0)
				minute = choose(7 * WINDOW_DAY);
			assert_int_equal(acl_map_permits_at(map, &p, minute),
			    one_after_the_other(&acl, &p, minute));
			first = acl_first(&acl, &p, minute);
			if (first != NULL)
				assert_int_equal(first->permit,
				    acl_map_permits_at(map, &p, minute));
		}
		acl_map_free(&map);
	}
}

/* Would take minutes if each rule were looked at. */
static void
test_many(void **state)
{
	enum { MANY = 100000 };
	struct acl acl = { .n = MANY };
	struct acl_map *map;
	struct source p = { .family = AF_INET, .port = 1 };
	unsigned i, denied = 0;

	(void)state;
	srandom(2);
	assert_non_null(acl.rules = calloc(MANY, sizeof(*acl.rules)));
	for (i = 0; i < MANY; i++) {
		acl.rules[i].family = AF_INET;
		acl.rules[i].bits = 32;
		acl.rules[i].ip[0] = 10;
		acl.rules[i].ip[1] = i >> 16;
		acl.rules[i].ip[2] = i >> 8;
		acl.rules[i].ip[3] = i & 0xfe;
	}
	assert_non_null(map = acl_map_new(&acl));
	for (i = 0; i < 1000000; i++) {
		memcpy(p.ip, acl.rules[choose(MANY)].ip, 4);
		p.ip[3] |= i & 1;
		denied += !acl_map_permits(map, &p);
	}
	assert_int_equal(denied, 500000);
	acl_map_free(&map);
	free(acl.rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_first_match),
		cmocka_unit_test(test_no_match),
		cmocka_unit_test(test_negate),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
