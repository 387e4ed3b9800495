/*
 * Where clients ask to go: what they write, which addresses are public and what
 * they carry, rules, our own listeners, and names that are asked for once.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "dest/lookup.h"
#include "dest/names.h"
#include "dest/rules.h"
#include "dest_rule.h"
#include "ev.h"
#include "special.h"

static struct dest
dest(const char *host, uint16_t port)
{
	struct dest d;

	dest_set_host(&d, host, strlen(host), port);
	return d;
}

static struct source
source(const char *text, uint16_t port)
{
	struct dest d = dest(text, port);
	struct source s;

	assert_string_equal(d.host, "");
	assert_true(d.addr.len > 0);
	source_set(&s, &d.addr.sa);
	return s;
}

static void
forms_of_a_host(void **state)
{
	static const struct {
		const char	*text, *is;
	} cases[] = {
		{ "A.Example.", "a.example:80" }, { "_x-1", "_x-1:80" },
		{ "127.0.0.1", "127.0.0.1:80" }, { "127.1", "127.0.0.1:80" },
		{ "2130706433", "127.0.0.1:80" },
		{ "0x7f.1", "127.0.0.1:80" }, { "0X7F000001", "127.0.0.1:80" },
		{ "0177.0.0.1", "127.0.0.1:80" }, { "10.0.0.1.",
		    "10.0.0.1:80" },
		{ "[::1]", "[::1]:80" }, { "::1", "[::1]:80" },
		{ "0", "0.0.0.0:80" }, { "a.0x7g", "a.0x7g:80" },
		{ "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]:80" },
		/* None. */
		{ "", "?" }, { ".", "?" }, { "a..b", "?" }, { "a b", "?" },
		{ "256.1.1.1", "?" }, { "1.2.3.4.5", "?" }, { "0x", "?" },
		{ "09", "?" }, { "4294967296", "?" }, { "x.1", "?" },
		{ "[::1", "?" }, { "[1.2.3.4]", "?" }, { "fe80::1%lo", "?" },
		{ "/tmp/x", "?" }, { "a\xc3\xa9", "?" }, { "[]", "?" },
		{ "a:80", "?" }, { "@x", "?" },
	};
	char text[DEST_STRLEN];
	struct dest d;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		d = dest(cases[i].text, 80);
		assert_string_equal(dest_str(&d, text), cases[i].is);
		assert_int_equal(dest_set_host(&d, cases[i].text,
		    strlen(cases[i].text), 80),
		    *cases[i].is == '?' ? -1 : 0);
	}
	assert_int_equal(dest_set_host(&d, "::1\0", 4, 80), -1);
}

static bool
is_public(const char *text)
{
	struct source s = source(text, 1), forms[SPECIAL_FORMS];
	const unsigned n = special_forms(&s, forms);
	bool public = true;
	unsigned i;

	for (i = 0; i < n; i++)
		public = public && special_is_public(&forms[i]);
	return public;
}

/* The first and the last address of each block, and those beside it. */
static void
public_addresses(void **state)
{
	static const char *const not[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255",
		"100.64.0.0", "100.127.255.255", "100.100.100.200",
		"127.0.0.1", "127.255.255.255", "168.63.129.16",
		"169.254.0.0", "169.254.169.254", "169.254.255.255",
		"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192",
		"192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
		"198.18.0.0", "198.19.255.255", "198.51.100.9", "203.0.113.9",
		"224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255",
		"::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1",
		"::ffff:0:8.8.8.8", "64:ff9b::10.0.0.1",
		"64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "100::1",
		"1fff::1", "2001::1", "2001:0:7f00:1::", "2001:1ff::1",
		"2001:db8::1", "2001:db8:ffff::1", "2002:808:808::1",
		"2002:7f00:1::", "3fff::1", "3fff:fff::1", "4000::1",
		"5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
		"ff02::1", "2a00::5efe:10.0.0.1", "2a00::200:5efe:127.0.0.1",
	};
	static const char *const are[] = {
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255",
		"100.128.0.0", "126.255.255.255", "128.0.0.0",
		"168.63.129.15", "169.253.255.255", "169.255.0.0",
		"172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
		"192.88.98.255", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "198.51.101.0",
		"203.0.112.255", "223.255.255.255", "8.8.8.8",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:200::1",
		"2001:4860:4860::8888", "2003::1", "2a00::1", "3ffe::1",
		"3fff:1000::1", "2a00::5efe:8.8.8.8",
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(not); i++)
		if (is_public(not[i]))
			fail_msg("%s", not[i]);
	for (i = 0; i < nitems_of(are); i++)
		if (!is_public(are[i]))
			fail_msg("%s", are[i]);
}

static void
rules_as_text(void **state)
{
	static const char *const good[] = {
		"permit *", "deny *:25", " permit\tpublic:1-65535 ",
		"permit *.a.example:443,80,8000-8010", "deny a-b_c:*",
		"permit 10.1.0.0/16:22", "deny 10.1.2.3", "permit 0.0.0.0/0",
		"deny [::1]:80", "permit [2001:db8::/32]", "deny [::/0]:*",
	};
	static const char *const bad[] = {
		"", "permit", "permit ", "allow *", "PERMIT *", "permit * *",
		"permit a..b", "permit *.", "permit *a", "permit a.*",
		"permit *.*", "permit :80", "permit a:", "permit a:0",
		"permit a:65536", "permit a:9-8", "permit a:1-",
		"permit a:1,,2", "permit a:http", "permit ::1:80",
		"permit 10.0.0.0/33", "permit 10.0.0.1/8", "permit 10.0.0.0/",
		"permit 10.0.0", "permit 1.2.3.4.5", "permit x.1",
		"permit 0x7f", "permit [::1", "permit [::1]80",
		"permit [10.0.0.1]", "permit [::1/129]", "permit [a]:1",
		"permit a:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
	};
	struct dest_rule r;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(good); i++)
		if (dest_rule_parse(good[i], &r) != NULL)
			fail_msg("%s", good[i]);
	for (i = 0; i < nitems_of(bad); i++)
		if (dest_rule_parse(bad[i], &r) == NULL)
			fail_msg("%s", bad[i]);
}

static struct dest_rules *
rules(struct conf_targets *c, const char *list, char *buf)
{
	static const char *items[8];

	c->rules = items;
	c->nrules = 0;
	strcpy(buf, list);
	while ((items[c->nrules] = strsep(&buf, ";")) != NULL)
		if (*items[c->nrules] != '\0')
			c->nrules++;
	return dest_rules_new(c);
}

/* A name is followed by the address that it has. */
static void
rules_decide(void **state)
{
	static const struct {
		const char	*rules, *host, *addr;
		uint16_t	 port;
		bool		 look, permit;
	} cases[] = {
		/* No rule. */
		{ "", "", "8.8.8.8", 80, 0, 1 },
		{ "", "", "8.8.8.8", 443, 0, 1 },
		{ "", "", "8.8.8.8", 22, 0, 0 },
		{ "", "", "127.0.0.1", 80, 0, 0 },
		{ "", "a.b", "8.8.8.8", 80, 1, 1 },
		{ "", "a.b", "10.0.0.1", 80, 1, 0 },
		{ "", "a.b", "8.8.8.8", 22, 0, 0 },
		/* The first one. */
		{ "deny 8.0.0.0/8;permit *", "", "8.8.8.8", 80, 0, 0 },
		{ "permit 8.8.0.0/16;deny *", "", "8.8.8.8", 9, 0, 1 },
		{ "permit *:1-9;deny *", "a.b", "10.0.0.1", 9, 1, 1 },
		{ "permit *:1-9;deny *", "a.b", "10.0.0.1", 10, 0, 0 },
		{ "permit public:1-65535", "", "8.8.8.8", 25, 0, 1 },
		{ "permit public:1-65535", "a.b", "10.0.0.1", 80, 1, 0 },
		{ "deny public", "", "8.8.8.8", 80, 0, 0 },
		/* Names. */
		{ "permit *.b:9", "a.b", "8.8.8.8", 9, 1, 1 },
		{ "permit *.b:9", "b", "8.8.8.8", 9, 0, 0 },
		{ "permit *.b:9", "a.xb", "8.8.8.8", 9, 0, 0 },
		{ "permit b:9", "b", "8.8.8.8", 9, 1, 1 },
		{ "deny a.b;permit *", "a.b", "8.8.8.8", 80, 0, 0 },
		{ "deny a.b;permit *", "", "8.8.8.8", 80, 0, 1 },
		{ "permit 10.0.0.0/8;deny a.b", "a.b", "10.1.1.1", 9, 1, 1 },
		{ "permit 10.0.0.0/8;deny a.b", "a.b", "8.8.8.8", 80, 1, 0 },
		{ "permit 10.0.0.0/8:8;deny a.b", "a.b", "10.1.1.1", 9, 0,
		    0 },
		{ "deny 10.0.0.0/8;permit a.b", "a.b", "10.1.1.1", 9, 1, 0 },
		/* What addresses carry. */
		{ "deny 10.0.0.0/8;permit *", "", "::ffff:10.0.0.1", 9, 0, 0 },
		{ "permit [::/0]", "", "64:ff9b::10.0.0.1", 9, 0, 0 },
		{ "permit [::/0]", "", "2002:a00:1::", 9, 0, 0 },
		{ "permit [::/0];permit 10.0.0.0/8", "", "2002:a00:1::", 9, 0,
		    1 },
		{ "permit 10.0.0.0/8", "", "64:ff9b::10.0.0.1", 80, 0, 1 },
		{ "permit [::ffff:10.0.0.0/104]:9", "", "10.0.0.1", 9, 0, 1 },
		{ "permit [::1]:9", "", "::1", 9, 0, 1 },
		{ "permit [::/128]:9", "", "::", 9, 0, 1 },
		{ "permit [::/96]:9", "", "::2", 9, 0, 0 },
		{ "permit [fc00::/7]:9", "", "fd00::1", 9, 0, 1 },
		{ "permit [fc00::/7]:9", "", "fe80::1", 9, 0, 0 },
	};
	struct conf_targets c = { .names = CONF_NAMES_PROXY };
	struct dest_rules *rs;
	struct source to;
	struct dest d;
	char buf[256];
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		rs = rules(&c, cases[i].rules, buf);
		assert_non_null(rs);
		to = source(cases[i].addr, cases[i].port);
		d = dest(*cases[i].host == '\0' ? cases[i].addr :
		    cases[i].host, cases[i].port);
		if ((*d.host != '\0' &&
		    dest_rules_may_look(rs, &d) != cases[i].look) ||
		    dest_rules_permit(rs, &d, &to) != cases[i].permit)
			fail_msg("case %zu: %s", i, cases[i].rules);
		free(rs);
	}
	c.special = CONF_FAIL_PERMIT;
	rs = rules(&c, "", buf);
	to = source("10.0.0.1", 22);
	d = dest("a.b", 22);
	assert_true(dest_rules_may_look(rs, &d));
	assert_true(dest_rules_permit(rs, &d, &to));
	free(rs);
	c.names = CONF_NAMES_REFUSE;
	rs = rules(&c, "permit *", buf);
	assert_false(dest_rules_may_look(rs, &d));
	free(rs);
}

static void
own_listeners(void **state)
{
	static struct addr at[2], some, un;
	static struct conf_listen listens[] = {
		{ .addr = at, .naddr = 2 }, { .addr = &some, .naddr = 1 },
		{ .addr = &un, .naddr = 1 },
	};
	const struct conf c = { .listens = listens, .nlistens = 3 };
	static const struct {
		const char	*to;
		uint16_t	 port;
		bool		 own;
	} cases[] = {
		{ "127.0.0.1", 1080, 1 }, { "127.9.9.9", 1080, 1 },
		{ "0.0.0.0", 1080, 1 }, { "0", 1080, 1 },
		{ "2130706433", 1080, 1 }, { "::1", 1080, 1 },
		{ "::", 1080, 1 }, { "::ffff:127.0.0.1", 1080, 1 },
		{ "::127.0.0.1", 1080, 1 }, { "64:ff9b::7f00:1", 1080, 1 },
		{ "2002:7f00:1::", 1080, 1 }, { "127.0.0.1", 1081, 0 },
		{ "8.8.8.8", 1080, 0 },
		{ "127.0.0.1", 99, 1 }, { "127.0.0.2", 99, 0 },
		{ "0.0.0.0", 99, 1 }, { "::ffff:127.0.0.1", 99, 1 },
		{ "::1", 99, 0 },
	};
	struct source to;
	const char *err;
	size_t i;

	(void)state;
	at[0] = dest("0.0.0.0", 1080).addr;
	at[1] = dest("::", 1080).addr;
	some = dest("127.0.0.1", 99).addr;
	addr_unix("/x", &un, &err);
	assert_int_equal(dest_own_start(&c), 0);
	for (i = 0; i < nitems_of(cases); i++) {
		to = source(cases[i].to, cases[i].port);
		if (dest_is_own(&to) != cases[i].own)
			fail_msg("%s %u", cases[i].to, cases[i].port);
	}
	to = source("9.9.9.9", 1080);
	assert_false(dest_is_own(&to));
	assert_true(dest_is_own_now(&to, &to));
}

/* --- names: the questions are answered here --- */

static struct {
	char	 host[HOST_LEN];
	void	(*got)(void *, const struct name_answer *, uint32_t);
	void	*arg;
} asked[2000];
static unsigned nasked;
static bool at_once;
static unsigned told;

int
lookup_start(const char **errp)
{
	(void)errp;
	return 0;
}

static void
answer(unsigned i, enum dest_fault fault, uint32_t ttl)
{
	const struct name_answer a = { .fault = (uint8_t)fault, .n = 1,
		.addrs = { { .family = AF_INET, .ip = { 1, 2, 3, 4 } } } };

	asked[i].got(asked[i].arg, &a, ttl);
}

void
lookup(const char *host, void (*got)(void *, const struct name_answer *,
    uint32_t), void *arg)
{
	assert_true(nasked < nitems_of(asked));
	strlcpy(asked[nasked].host, host, HOST_LEN);
	asked[nasked].got = got;
	asked[nasked++].arg = arg;
	if (at_once)
		answer(nasked - 1, DEST_NO_NAME, 0);
}

static void
tell(void *arg)
{
	(void)arg;
	told++;
}

static const struct name_answer *
ask(const char *host, struct name_wait **w)
{
	return names_ask(host, w, tell, NULL);
}

static void
names_once(void **state)
{
	struct name_wait *w[1000], *other;
	const struct name_answer *a;
	unsigned i;

	(void)state;
	for (i = 0; i < nitems_of(w); i++) {
		assert_null(ask("a.b", &w[i]));
		assert_non_null(w[i]);
		assert_null(names_answer(w[i]));
	}
	assert_int_equal(nasked, 1);
	assert_string_equal(asked[0].host, "a.b");
	names_forget(&w[0]);
	answer(0, DEST_OK, 60);
	assert_int_equal(told, nitems_of(w) - 1);
	for (i = 1; i < nitems_of(w); i++) {
		a = names_answer(w[i]);
		assert_non_null(a);
		assert_int_equal(a->n, 1);
		names_forget(&w[i]);
	}
	a = ask("a.b", &other);
	assert_non_null(a);
	assert_null(other);
	assert_int_equal(a->fault, DEST_OK);
	assert_int_equal(nasked, 1);
}

static void
names_at_once(void **state)
{
	struct name_wait *w;
	const struct name_answer *a;

	(void)state;
	nasked = 0;
	at_once = true;
	a = ask("now.b", &w);
	at_once = false;
	assert_non_null(a);
	assert_null(w);
	assert_int_equal(a->fault, DEST_NO_NAME);
	assert_non_null(ask("now.b", &w));	/* remembered as well */
	assert_int_equal(nasked, 1);
}

/* Under way and in all. */
static void
names_bounded(void **state)
{
	static struct name_wait *w[1100];
	struct name_wait *one;
	unsigned i, n, k, most = 0;
	char host[32];

	(void)state;
	nasked = 0;
	for (i = 0; i < nitems_of(w); i++) {
		snprintf(host, sizeof(host), "n%u.c", i);
		assert_null(ask(host, &w[i]));
		most += w[i] != NULL;
	}
	assert_int_equal(most, 1000);
	assert_int_equal(nasked, 1000);
	for (i = 0; i < 1000; i++)
		answer(i, DEST_OK, 3600);
	for (i = 0; i < nitems_of(w); i++)
		names_forget(&w[i]);
	for (k = n = 0; k < 8; k++) {
		nasked = 0;
		for (i = 0; i < 1000; i++, n++) {
			snprintf(host, sizeof(host), "m%u.c", n);
			assert_null(ask(host, &one));
			assert_non_null(one);
			answer(nasked - 1, DEST_OK, 3600);
			names_forget(&one);
		}
	}
	assert_non_null(ask(host, &one));
	nasked = 0;
	assert_null(ask("n0.c", &one));	/* is forgotten */
	names_forget(&one);
	answer(0, DEST_OK, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_a_host),
		cmocka_unit_test(public_addresses),
		cmocka_unit_test(rules_as_text),
		cmocka_unit_test(rules_decide),
		cmocka_unit_test(own_listeners),
		cmocka_unit_test(names_once),
		cmocka_unit_test(names_at_once),
		cmocka_unit_test(names_bounded),
	};
	const char *err;

	if (ev_init(&err) == -1 || names_start(&err) == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
