#include "acl.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct peer
peer_of(const char *host)
{
	struct peer p;
	struct addr a;
	const char *err;

	if (strcmp(host, "unix") == 0)
		assert_int_equal(addr_unix("/x", &a, &err), 0);
	else
		assert_int_equal(addr_resolve(host, "5", false, &a, 1, &err),
		    1);
	peer_set(&p, &a.sa);
	return p;
}

/* rules: separated by commas */
static bool
permits(const char *rules, const char *host)
{
	struct acl_rule rule[8];
	struct acl acl = { .rules = rule };
	struct peer p = peer_of(host);
	char copy[256], *next = copy, *text;
	const char *err = "";

	strlcpy(copy, rules, sizeof(copy));
	while (*rules != '\0' && (text = strsep(&next, ",")) != NULL)
		if (acl_parse(text, &rule[acl.n++], &err) == -1)
			fail_msg("%s", err);
	return acl_permits(&acl, &p);
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
		{ "permit all all", "too many words" },
		{ "permit 10.0.0.1 10.0.0.2", "too many words" },
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_first_match),
		cmocka_unit_test(test_no_match),
		cmocka_unit_test(test_negate),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
