#include "addr.h"
#include "conf/resolve.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_netdb.h"

#define resolve(host, service, passive, out, errp) \
	resolve_host(host, service, passive, out, nitems_of(out), errp)

static void
expect(const struct addr *a, const char *want)
{
	char buf[ADDR_STRLEN];

	assert_ptr_equal(addr_str(a, buf), buf);
	assert_string_equal(buf, want);
}

static void
test_numbers(void **state)
{
	struct addr a[4];
	const char *err;
	char buf[ADDR_STRLEN];

	(void)state;
	assert_int_equal(resolve("127.0.0.1", "80", false, a, &err), 1);
	expect(&a[0], "127.0.0.1:80");
	assert_int_equal(a[0].len, sizeof(struct sockaddr_in));
	assert_int_equal(addr_get_port(&a[0]), 80);
	assert_int_equal(resolve("2001:DB8::0:1", "443", true, a, &err), 1);
	expect(&a[0], "[2001:db8::1]:443");
	assert_string_equal(addr_host_str(&a[0], buf), "2001:db8::1");
	assert_int_equal(a[0].len, sizeof(struct sockaddr_in6));
	assert_int_equal(resolve("fe80::1%3", "0", false, a, &err), 1);
	expect(&a[0], "[fe80::1%3]:0");
	assert_int_equal(a[0].in6.sin6_scope_id, 3);
	assert_int_equal(resolve("fe80::1%lo", "0", false, a, &err), 1);
	assert_int_equal(a[0].in6.sin6_scope_id, 1);
	assert_int_equal(resolve("::1", "0080", false, a, &err), 1);
	expect(&a[0], "[::1]:80");
}

static void
test_no_numbers(void **state)
{
	static const struct {
		const char *host, *text;
	} cases[] = {
		{ "10.0.0.256", "\"10.0.0.256\" is not an IPv4 address" },
		{ "10.1", "\"10.1\" is not an IPv4 address" },
		{ "1", "\"1\" is not an IPv4 address" },
		{ "010.0.0.1", "\"010.0.0.1\" is not an IPv4 address" },
		{ ":::", "\":::\" is not an IPv6 address" },
		{ "[::1]", "\"[::1]\" has brackets; write it without "
		    "them" },
		{ "[::1]:80", "\"[::1]:80\" has a port in it; write "
		    "address = \"::1\" port = 80" },
		{ "10.0.0.1:8080", "\"10.0.0.1:8080\" has a port in it; "
		    "write address = \"10.0.0.1\" port = 8080" },
		{ "a.test:1", "\"a.test:1\" has a port in it; write "
		    "address = \"a.test\" port = 1" },
		{ "[]:1", "\"[]:1\" is not an IPv6 address" },
		{ ":80", "\":80\" is not an IPv6 address" },
		{ "a:", "\"a:\" is not an IPv6 address" },
		{ "::1:x", "\"::1:x\" is not an IPv6 address" },
		{ "10.0.0.1/24", "\"10.0.0.1/24\" is a network, not an "
		    "address" },
		{ "/run/x", "\"/run/x\" is a path; write path = instead of "
		    "address =" },
		{ "$HOST", "\"$HOST\" is no name; a variable is written "
		    "${HOST}" },
		{ "fe80::1%nosuch0",
		    "\"fe80::1%nosuch0\" is not an IPv6 address" },
		{ "fe80::1%0", "\"fe80::1%0\" is not an IPv6 address" },
		{ "fe80::1%", "\"fe80::1%\" is not an IPv6 address" },
		{ "", "one of the hosts is empty" },
	};
	struct addr a[4];
	const char *err;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		err = NULL;
		assert_int_equal(resolve(cases[i].host, "80", false, a, &err),
		    -1);
		assert_string_equal(err, cases[i].text);
	}
}

static void
test_names(void **state)
{
	struct addr a[4];
	const char *err;

	(void)state;
	assert_int_equal(resolve("localhost", "http", true, a, &err), 2);
	expect(&a[0], "[::1]:80");
	expect(&a[1], "127.0.0.1:80");
	assert_int_equal(resolve("twelve.test", "1", false, a, &err), 4);
	expect(&a[3], "10.0.12.3:1");
	assert_int_equal(resolve_host("localhost", "1", false, a, 1, &err), 1);
	assert_int_equal(resolve_host("localhost", "1", false, a, 0, &err), 0);
	assert_int_equal(resolve("no.such.test", "1", false, a, &err), -1);
	assert_non_null(strstr(err, "host \"no.such.test\": "));
	assert_int_equal(resolve("localhost", "65536", false, a, &err), -1);
	assert_non_null(strstr(err, "65536"));
}

/* Two sockets that IPV6_V6ONLY keeps apart, IPv6 first. */
static void
test_wildcard(void **state)
{
	struct addr a[4];
	const char *err;
	int fd, n, want = 0;

	(void)state;
	n = resolve(NULL, "8080", true, a, &err);
	if ((fd = socket(AF_INET6, SOCK_STREAM, 0)) != -1) {
		expect(&a[want++], "[::]:8080");
		close(fd);
	}
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1) {
		expect(&a[want++], "0.0.0.0:8080");
		close(fd);
	}
	assert_int_equal(n, want);
	assert_int_equal(resolve_host(NULL, "1", true, a, 1, &err), 1);
}

static void
test_port(void **state)
{
	static const char *const bad[] = { "65536", "-1", "0x50", "8 0", "",
		"-", "http ", "99999999999999999999999", "1.5", "+1" };
	const char *err;
	size_t i;

	(void)state;
	assert_int_equal(resolve_port("0", true, &err), 0);
	assert_int_equal(resolve_port("1", false, &err), 1);
	assert_int_equal(resolve_port("65535", false, &err), 65535);
	assert_int_equal(resolve_port("https", false, &err), 443);
	assert_int_equal(resolve_port("0", false, &err), -1);
	assert_string_equal(err, "port 0 is out of range; use 1 to 65535");
	assert_int_equal(resolve_port("70000", true, &err), -1);
	assert_string_equal(err, "port 70000 is out of range; "
	    "use 1 to 65535 or 0 for any free port");
	assert_int_equal(resolve_port("httpp", true, &err), -1);
	assert_string_equal(err, "port \"httpp\" is neither a number nor the "
	    "name of a TCP service");
	assert_int_equal(resolve_port("$PORT", true, &err), -1);
	assert_string_equal(err, "port \"$PORT\" is no number; a variable is "
	    "written ${PORT}");
	for (i = 0; i < nitems_of(bad); i++) {
		err = NULL;
		assert_int_equal(resolve_port(bad[i], true, &err), -1);
		assert_non_null(err);
	}
}

static void
test_unix(void **state)
{
	struct addr a;
	const char *err;
	char path[256], buf[ADDR_STRLEN];

	(void)state;
	assert_int_equal(addr_unix("/run/x.sock", &a, &err), 0);
	expect(&a, "/run/x.sock");
	assert_string_equal(addr_host_str(&a, buf), "/run/x.sock");
	assert_int_equal(addr_get_port(&a), 0);
	addr_set_port(&a, 80);
	expect(&a, "/run/x.sock");
	memset(path, 'a', sizeof(path));
	path[sizeof(a.un.sun_path) - 1] = '\0';
	assert_int_equal(addr_unix(path, &a, &err), 0);
	expect(&a, path);
	path[sizeof(a.un.sun_path) - 1] = 'a';
	path[sizeof(a.un.sun_path)] = '\0';
	assert_int_equal(addr_unix(path, &a, &err), -1);
	assert_non_null(strstr(err, "too long for a unix socket"));
}

static void
test_cmp(void **state)
{
	static const struct {
		const char *host[2], *port[2];
	} cases[] = {
		{ { "10.0.0.1", "10.0.0.2" }, { "80", "80" } },
		{ { "10.0.0.1", "10.0.0.1" }, { "80", "81" } },
		{ { "10.0.0.1", "::1" }, { "80", "80" } },
		{ { "::1", "::2" }, { "80", "80" } },
		{ { "::1", "::1" }, { "80", "81" } },
		{ { "fe80::1%1", "fe80::1%2" }, { "80", "80" } },
	};
	struct addr a[1], b[1];
	const char *err;
	size_t i;
	int ab, ba;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		resolve(cases[i].host[0], cases[i].port[0], false, a, &err);
		resolve(cases[i].host[1], cases[i].port[1], false, b, &err);
		assert_int_equal(addr_cmp(a, a), 0);
		ab = addr_cmp(a, b);
		ba = addr_cmp(b, a);
		assert_true((ab < 0 && ba > 0) || (ab > 0 && ba < 0));
	}
	addr_unix("/a", a, &err);
	assert_true(addr_cmp(a, b) != 0);
	addr_unix("/b", b, &err);
	assert_true(addr_cmp(a, b) < 0);
	addr_unix("/a", b, &err);
	assert_int_equal(addr_cmp(a, b), 0);
	/* flow labels and padding do not make an address another one */
	resolve("::1", "80", false, a, &err);
	b[0] = a[0];
	b[0].in6.sin6_flowinfo = 5;
	assert_int_equal(addr_cmp(a, b), 0);
}

static void
test_peer(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct addr a[1];
	struct source p;
	const char *err;
	char buf[ADDR_STRLEN];

	(void)state;
	resolve("192.0.2.7", "5555", false, a, &err);
	source_set(&p, &a[0].sa);
	assert_int_equal(p.family, AF_INET);
	assert_string_equal(source_str(&p, buf), "192.0.2.7:5555");
	resolve("2001:db8::9", "65535", false, a, &err);
	source_set(&p, &a[0].sa);
	assert_int_equal(p.family, AF_INET6);
	assert_string_equal(source_str(&p, buf), "[2001:db8::9]:65535");
	resolve("fe80::1%7", "1", false, a, &err);
	source_set(&p, &a[0].sa);
	assert_string_equal(source_str(&p, buf), "[fe80::1%7]:1");
	resolve("::ffff:192.0.2.7", "5555", false, a, &err);
	source_set(&p, &a[0].sa);
	assert_int_equal(p.family, AF_INET);
	assert_string_equal(source_str(&p, buf), "192.0.2.7:5555");
	source_set(&p, (struct sockaddr *)&un);
	assert_int_equal(p.family, AF_UNIX);
	assert_string_equal(source_str(&p, buf), "unix");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_no_numbers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_cmp),
		cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
