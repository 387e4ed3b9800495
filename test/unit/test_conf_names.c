/*
 * Names of remotes that are looked up while it runs: which these are, what is
 * known of them at a load, and how that reaches others.
 */
#include "compat.h"

#include <arpa/inet.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "conf/resolve.h"
#include "conf_report.h"
#include "fake_netdb.h"

/* x on line 2, y on line 3. */
#define RELAY(x, y) \
	"spawnd { listen w { port = 80 } }\nrelay a { remote r {\n" x "\n}\n" \
	y "\n}\n"

static unsigned	 nservice;

/* As many records as that, at ports of their own. */
static int
service(const char *name, struct addr *out, size_t max, const char **errp)
{
	unsigned i;

	assert_string_equal(name, "_s._tcp.test");
	*errp = "service \"_s._tcp.test\": it is nowhere";
	if (nservice == 0)
		return -1;
	for (i = 0; i < MIN(nservice, max); i++) {
		memset(&out[i], 0, sizeof(out[i]));
		out[i].in.sin_family = AF_INET;
		out[i].in.sin_addr.s_addr = htonl(0x0a000001);
		out[i].in.sin_port = htons((uint16_t)(1000 + i));
		out[i].len = sizeof(out[i].in);
	}
	return (int)i;
}

static struct conf *
handed_over(struct conf *c)
{
	struct conf *again;
	const char *err;
	size_t len;
	void *value = conf_encode(c, &len);

	assert_non_null(value);
	again = conf_decode(value, len, &err);
	if (again == NULL)
		fail_msg("%s", err);
	free(value);
	conf_free(&c);
	return again;
}

static void
places(const char *text, unsigned naddr, unsigned want)
{
	struct conf *c = handed_over(load(text));
	const struct conf_relay *r = &c->relays[0];

	assert_int_equal(r->remotes[0].naddr, naddr);
	assert_int_equal(conf_looks_up(r, &r->remotes[0]), want != naddr);
	assert_int_equal(conf_places(r, &r->remotes[0]), want);
	conf_free(&c);
}

static void
test_places(void **state)
{
	(void)state;
	nservice = 3;
	places(RELAY("address = twelve.test port = 1", ""), 12, 12);
	places(RELAY("address = twelve.test port = 1", "resolve = 1s"), 12,
	    48);
	places(RELAY("address = 10.0.0.1 port = 1", "resolve = 1s"), 1, 1);
	places(RELAY("address = \"10.0.0.1, ::1, four.test\" port = 1",
	    "resolve = 1s"), 3, 16);
	places(RELAY("path = /s", "resolve = 1s"), 1, 1);
	places(RELAY("address = _s._tcp.test", ""), 3, 16);
	assert_string_equal(said.text, "");
	nservice = 500;
	places(RELAY("address = _s._tcp.test", ""), CONF_ASKED, CONF_PLACES);
	assert_string_equal(said.text, "");
}

static void
test_later(void **state)
{
	struct conf *c;

	(void)state;
	nservice = 0;
	places(RELAY("address = gone.test port = https",
	    "resolve-at-start = later"), 0, 16);
	assert_int_equal(said.mistakes, 0);
	assert_non_null(strstr(said.text, "t:3: warning: address: host "
	    "\"gone.test\": "));
	assert_non_null(strstr(said.text, "; it is looked up later\n"));
	c = handed_over(load(RELAY("address = gone.test port = https",
	    "resolve-at-start = later")));
	assert_string_equal(c->relays[0].remotes[0].port, "443");
	conf_free(&c);
	places(RELAY("address = _s._tcp.test", "resolve-at-start = later"), 0,
	    16);
	assert_string_equal(said.text, "t:3: warning: address: service "
	    "\"_s._tcp.test\": it is nowhere; it is looked up later\n");
}

/* What would wait for a name server that does not answer is not asked for. */
static void
test_silence(void **state)
{
	struct conf *c = load(RELAY("address = silent.test port = 1",
	    "remote s { address = four.test port = 1 }\n"
	    "remote t { address = ::1 port = 1 }\n"
	    "resolve-at-start = later"));

	(void)state;
	assert_non_null(c);
	assert_true(said.n == 2 && said.mistakes == 0);
	assert_non_null(strstr(said.text, "t:5: warning: address: host "
	    "\"four.test\": no name server answers; it is looked up later\n"));
	assert_int_equal(c->relays[0].remotes[1].naddr, 0);
	assert_int_equal(c->relays[0].remotes[2].naddr, 1);
	conf_free(&c);
}

static void
expect(const char *text, const char *want)
{
	struct conf *c = load(text);

	assert_null(c);
	assert_string_equal(said.text, want);
}

static void
test_bad(void **state)
{
	(void)state;
	nservice = 0;
	expect(RELAY("address = _s._tcp.test", ""), "t:3: address: service "
	    "\"_s._tcp.test\": it is nowhere\n");
	nservice = 1;
	expect(RELAY("address = _s._tcp.test\nport = 5", ""), "t:4: port and a "
	    "service, \"_s._tcp.test\", are both given; a service says its "
	    "ports itself\n");
	expect(RELAY("address = \"_s._tcp.test, ::1\"", ""), "t:3: address: "
	    "the service \"_s._tcp.test\" is not alone; give it a remote of "
	    "its own\n");
	expect(RELAY("address = _s._tcp.test tls = t", "} tls t {"), "t:3: tls "
	    "\"t\" has no name to look for in the certificate of a service; "
	    "add name = NAME there, or verify = no\n");
	expect(RELAY("address = ::1 port = 5", "resolve = 999ms\n"
	    "resolve-at-start = never"), "t:5: resolve 999ms is out of range; "
	    "use 1s to 365d, or 0\nt:6: resolve-at-start \"never\" is not "
	    "known; use fail or later\n");
	/* What can be no host is a mistake, now and later. */
	expect(RELAY("address = 10.0.0.256 port = 5",
	    "resolve-at-start = later"), "t:3: address: \"10.0.0.256\" is not "
	    "an IPv4 address\n");
}

static void
test_hosts_of_a_list(void **state)
{
	const char *list = " a.test,10.0.0.1 ,, ::1\t";
	char host[CONF_HOST];
	bool number;

	(void)state;
	assert_string_equal(conf_next_host(&list, host, &number), "a.test");
	assert_false(number);
	assert_string_equal(conf_next_host(&list, host, &number), "10.0.0.1");
	assert_true(number);
	assert_string_equal(conf_next_host(&list, host, &number), "::1");
	assert_true(number);
	assert_null(conf_next_host(&list, host, &number));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_hosts_of_a_list),
	};

	resolve_service = service;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
