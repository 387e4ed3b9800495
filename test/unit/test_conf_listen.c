/*
 * The options of listening sockets: what they stand for, and each mistake in
 * one sentence with its line.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "conf/parse.h"
#include "conf_report.h"
#include "fake_netdb.h"
#include "sockopt.h"

#define RELAY	"relay a { remote r { address = \"10.0.0.1\" port = 81 } }\n"
#define LISTEN(x)	"spawnd { listen w {\n" x "\n} }\n" RELAY
#define PORT(x)		LISTEN("port = 80 " x)

static void
bad(const char *text, const char *want)
{
	assert_null(load(text));
	assert_string_equal(said.text, want);
}

static void
test_values(void **state)
{
	struct conf *c = load_ok(PORT("dscp = 63 keepalive-idle = 32767\n"
	    "tag = a-b_c.9 interface = lan0 bind-retry = 0 fastopen = 65535\n"
	    "keepalive-interval = 1500ms keepalive-count = 127\n"
	    "user-timeout = 24d"));
	const struct conf_socket *s = &c->listens[0].socket;

	(void)state;
	assert_int_equal(s->dscp, 63);
	assert_int_equal(s->keepalive_idle, 32767000);
	assert_int_equal(s->keepalive_interval, 1500);
	assert_string_equal(s->interface, "lan0");
	assert_string_equal(c->listens[0].tag, "a-b_c.9");
	assert_int_equal(s->protocol, CONF_TCP);
	conf_free(&c);
	c = load_ok(PORT("dscp = cs7"));
	assert_int_equal(c->listens[0].socket.dscp, 56);
	assert_null(c->listens[0].tag);
	conf_free(&c);
}

static void
test_limits(void **state)
{
	static const char queue[] = "t:2: over-limit = queue is for "
	    "max-sessions alone: who is over source-rate would keep all "
	    "others waiting; use reset or close\n";
	struct conf *c = load_ok(PORT("max-sessions = 7 over-limit = queue\n"
	    "reserve = 7 source-prefix = 24"));

	(void)state;
	assert_true(conf_counts(c));
	assert_int_equal(c->listens[0].over_limit, OVER_QUEUE);
	assert_int_equal(c->listens[0].source_prefix, 24);
	assert_int_equal(c->listens[0].source_prefix6, 64);
	conf_free(&c);
	c = load_ok(PORT("over-limit = close"));
	assert_false(conf_counts(c));
	conf_free(&c);
	bad(PORT("over-limit = queue"), "t:2: over-limit = queue does nothing "
	    "without another option; add max-sessions = NUMBER\n");
	bad(PORT("over-limit = queue max-sessions = 1 source-rate = 1"), queue);
	bad(PORT("source-burst = 1"), "t:2: source-burst does nothing without "
	    "another option; add source-rate = NUMBER\n");
	bad(PORT("source-prefix = 0 source-prefix6 = 129"),
	    "t:2: source-prefix 0 is out of range; use 1 to 32\n"
	    "t:2: source-prefix6 129 is out of range; use 1 to 128\n");
	bad(LISTEN("path = /a source-rate = 1"), "t:2: source-rate is for "
	    "addresses, and who comes by a unix socket has none; leave it "
	    "out, or add proxy-from\n");
	bad("spawnd { single = yes users { min = 1 max = 4 } listen a { port = "
	    "1\nreserve = 5 } }\n" RELAY,
	    "t:2: reserve 5 is more than is left of the 4 sessions that "
	    "servers max 1 and users max 4 make, which is 4\n");
	c = load_ok("spawnd { single = yes servers { max = 1 }\n"
	    "listen a { port = 1 } }\n" RELAY);
	assert_int_equal(c->servers_min, 1);
	conf_free(&c);
	bad(PORT("reserve = 2 max-sessions = 1"),
	    "t:2: reserve 2 is greater than max-sessions 1\n");
	bad("spawnd { users { min = 1 max = 2 } servers { min = 1 max = 3 }\n"
	    "listen a { port = 1 reserve = 4 }\n"
	    "listen b { port = 2 reserve = 3 } }\n" RELAY,
	    "t:3: reserve 3 is more than is left of the 6 sessions that "
	    "servers max 3 and users max 2 make, which is 2\n");
}

static void
test_mistakes(void **state)
{
	(void)state;
	bad(PORT("dscp = 64"), "t:2: dscp 64 is out of range; use 0 to 63\n");
	bad(PORT("dscp = af14"), "t:2: dscp \"af14\" is not a number; use 0 "
	    "to 63, or a name such as ef\n");
	bad(PORT("fastopen = 65536 keepalive-count = 128"),
	    "t:2: fastopen 65536 is out of range; use 0 to 65535\n"
	    "t:2: keepalive-count 128 is out of range; use 0 to 127\n");
	bad(PORT("keepalive-idle = 999ms keepalive-interval = 10h"),
	    "t:2: keepalive-idle 999ms is out of range; use 1s to 32767s, "
	    "or 0\n"
	    "t:2: keepalive-interval 10h is out of range; use 1s to 32767s, "
	    "or 0\n");
	bad(PORT("user-timeout = 25d bind-retry = 366d"),
	    "t:2: bind-retry 366d is out of range; use 1ms to 365d, or 0\n"
	    "t:2: user-timeout 25d is out of range; use 1ms to 24d, or 0\n");
	bad(PORT("tag = \"a b\" interface = eth/0"), "t:2: tag \"a b\" is no "
	    "tag; use 1 to 31 letters, digits, \".\", \"_\" or \"-\"\n"
	    "t:2: interface \"eth/0\" is no name of an interface; these are "
	    "short, and without blanks and \"/\"\n");
	bad(PORT("protocol = udp"), "t:2: protocol \"udp\" is not known; use "
	    "tcp, mptcp or sctp\n");
	bad(PORT("protocol = sctp\nfastopen = 1"), "t:3: fastopen is an "
	    "option of TCP; leave it out, or protocol = sctp\n");
	bad("spawnd { listen w { port = 80\nkeepalive-count = 3 } }\nrelay a { "
	    "keepalive = no remote r { address = 10.0.0.1 port = 81 } }",
	    "t:2: keepalive-count does nothing with keepalive = no in relay "
	    "\"a\"; leave it out there, or here\n");
	/* A warning of something else does not hide it. */
	assert_null(load("spawnd { listen w { port = 80\nkeepalive-count = 3 "
	    "} }\nrelay a { keepalive = no resolve-at-start = later\n"
	    "remote r { address = no.example port = 81 } }"));
	assert_non_null(strstr(said.text, "t:2: keepalive-count does nothing"));
	assert_non_null(strstr(said.text, "t:4: warning: address: host"));
	bad(LISTEN("path = /x\ndscp = ef"), "t:3: dscp and path are both "
	    "given; use address and port, or path\n");
}

/* The address of all families, and that of a name. */
static void
test_v6only(void **state)
{
	struct conf *c = load_ok(PORT("address = localhost v6only = yes"));

	(void)state;
	assert_int_equal(c->listens[0].naddr, 1);
	assert_int_equal(c->listens[0].addr[0].sa.sa_family, AF_INET6);
	conf_free(&c);
	bad(PORT("address = \"127.0.0.1, 10.0.0.1\"\nv6only = yes"),
	    "t:3: v6only leaves out what is IPv4, and address has no IPv6 "
	    "address\n");
}

static void
test_interfaces(void **state)
{
	struct conf *c = load_ok("spawnd { listen a { port = 80 address = "
	    "10.0.0.1 interface = a }\nlisten b { port = 80 address = "
	    "10.0.0.1 interface = b } }\n" RELAY);

	(void)state;
	assert_false(sockopt_same_socket(&c->listens[0].socket,
	    &c->listens[1].socket));
	conf_free(&c);
	bad("spawnd { listen a { port = 80 address = 10.0.0.1 interface = a }\n"
	    "listen b { port = 80 address = 10.0.0.1 } }\n" RELAY,
	    "t:2: 10.0.0.1:80 is listened on twice; it is on line 1 "
	    "already\n");
}

static void
test_ranges(void **state)
{
	struct conf *c = load_ok(LISTEN("address = \"localhost, 10.0.0.1\"\n"
	    "port = \"65533-65535\""));
	const struct conf_listen *l = &c->listens[0];
	unsigned i;

	(void)state;
	assert_int_equal(l->naddr, 9);
	assert_true(conf_listen_ranges(l));
	for (i = 0; i < 9; i++) {
		assert_int_equal(addr_get_port(&l->addr[i]), 65533 + i / 3);
		assert_int_equal(l->addr[i].sa.sa_family,
		    i % 3 == 0 ? AF_INET6 : AF_INET);
	}
	conf_free(&c);
	c = load_ok(LISTEN("address = 10.0.0.2 port = 1-1024"));
	assert_int_equal(c->listens[0].naddr, 1024);
	conf_free(&c);
	c = load_ok(LISTEN("address = 10.0.0.1 port = 80-80"));
	assert_false(conf_listen_ranges(&c->listens[0]));
	conf_free(&c);
	bad(LISTEN("address = 10.0.0.1\nport = 1-1025"), "t:3: port "
	    "\"1-1025\" stands for 1025 sockets; use at most 1024\n");
	bad(LISTEN("address = 10.0.0.1 port = 90-80"), "t:2: port \"90-80\" "
	    "is no range; use two numbers from 1 to 65535, the lower one "
	    "first\n");
	bad(LISTEN("address = 10.0.0.1 port = 0-80"), "t:2: port \"0-80\" is "
	    "no range; use two numbers from 1 to 65535, the lower one "
	    "first\n");
	bad("spawnd { listen w { port = 80 } }\nrelay a { remote r { address = "
	    "10.0.0.1 port = 80-81 } }", "t:2: port \"80-81\" is a range, "
	    "which only listeners may have\n");
	bad("spawnd { listen w { address = 10.0.0.2 port = 80-90 }\n"
	    "listen v { address = 10.0.0.2 port = 90 } }\n" RELAY,
	    "t:2: 10.0.0.2:90 is listened on twice; it is on line 1 "
	    "already\n");
}

static void
test_abstract(void **state)
{
	struct conf *c = load_ok(LISTEN("path = \"@name\""));

	(void)state;
	assert_string_equal(c->listens[0].addr[0].un.sun_path, "@name");
	conf_free(&c);
	bad(LISTEN("path = \"@\""), "t:2: path \"@\" is not absolute; start it "
	    "with \"/\"\n");
	bad(LISTEN("path = \"@name\"\nmode = 0600"), "t:3: mode is for a file, "
	    "and a path that starts with \"@\" is none: everybody may "
	    "connect\n");
	bad("spawnd { listen w { port = 80 } }\nrelay a { remote r {\n"
	    "path = \"@name\" } }", "t:3: path \"@name\" is not absolute; "
	    "start it with \"/\"\n");
}

/* Options that are not the default, for show. */
static void
test_shown(void **state)
{
	struct conf *c = load_ok(PORT("dscp = ef interface = lan0 "
	    "keepalive-idle = 60 backlog = 5 bind-retry = 5"));
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	assert_int_equal(conf_print_socket(&c->listens[0], f), 0);
	fclose(f);
	assert_string_equal(text, "interface=lan0,dscp=ef,keepalive-idle=1m");
	free(text);
	conf_free(&c);
}

/* Which of the relays it is for it need not say. */
static void
test_status(void **state)
{
	struct conf *c;

	(void)state;
	bad(PORT("serve = stats"), "t:2: serve \"stats\" is not known; use "
	    "relay or status; did you mean \"status\"?\n");
	if (!conf_can_status) {
		bad(PORT("\nserve = status"), "t:3: serve = status: spawnd "
		    "was built without libevent; install its development "
		    "files, and configure and build again\n");
		return;
	}
	bad(PORT("serve = status\nroute { relay = a sni = x.test }\n"
	    "relay = a\nprotocol = sctp\nmax-sessions = 5"),
	    "t:3: route is for sessions, and a listener with serve = status "
	    "has none; leave it out\n"
	    "t:4: relay is for sessions, and a listener with serve = status "
	    "has none; leave it out\n"
	    "t:5: the status is told by TCP; leave out protocol\n"
	    "t:6: max-sessions is for sessions, and a listener with serve = "
	    "status has none; leave it out\n");
	c = load_ok("spawnd { listen w { port = 80 relay = a }\n"
	    "listen s { port = 81 serve = status keepalive-idle = 60 } }\n"
	    RELAY "relay b { remote r { address = \"10.0.0.1\" port = 82 } }");
	assert_true(conf_has_status(c));
	assert_null(conf_listen_relay(c, &c->listens[1]));
	assert_string_equal(conf_relay_name(c, &c->listens[1]), "-");
	conf_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_v6only),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
