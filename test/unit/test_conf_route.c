/*
 * Routes in the configuration: what they say, which of them nobody comes to,
 * and what becomes of sessions that none is for.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "conf_report.h"
#include "fake_netdb.h"

#define RELAYS \
	"relay a { remote r { address = 127.0.0.1 port = 81 } }\n" \
	"relay b { remote r { address = 127.0.0.1 port = 82 } }\n"
/* x on line 2. */
#define IN_LISTEN(x) \
	"spawnd { listen w { port = 80\n" x "\n} }\n" RELAYS

static void
test_value(void **state)
{
	struct conf *c = load_ok(IN_LISTEN("route { sni = {A.example., "
	    "\"*.B.example\"} alpn = {h2, \"http/1.1\"} relay = b }\n"
	    "route { from = {10.0.0.0/8, unix} relay = a }\nrelay = b"));
	const struct conf_listen *l = &c->listens[0];

	(void)state;
	assert_int_equal(l->relay, 1);
	assert_int_equal(l->nroutes, 2);
	assert_int_equal(l->routes[0].nsni, 2);
	assert_string_equal(l->routes[0].sni[1], "*.B.example");
	assert_int_equal(l->routes[0].nalpn, 2);
	assert_string_equal(l->routes[0].alpn[1], "http/1.1");
	assert_int_equal(l->routes[0].from.n, 0);
	assert_int_equal(l->routes[0].relay, 1);
	assert_int_equal(l->routes[1].nsni, 0);
	assert_int_equal(l->routes[1].from.n, 2);
	assert_string_equal(conf_relay_name(c, l), "b");
	assert_string_equal(conf_listen_relay(c, l)->name, "b");
	conf_free(&c);
}

/* The last route is for all: nothing more is needed. */
static void
test_rest(void **state)
{
	struct conf *c = load_ok(IN_LISTEN("route { sni = x relay = b }\n"
	    "route { relay = a }"));

	(void)state;
	assert_int_equal(c->listens[0].relay, CONF_NOREF);
	assert_string_equal(conf_relay_name(c, &c->listens[0]), "-");
	assert_string_equal(conf_listen_relay(c, &c->listens[0])->name, "b");
	conf_free(&c);
}

static void
expect(const char *text, bool taken, const char *want)
{
	struct conf *c = load(text);

	assert_string_equal(said.text, want);
	assert_true((c != NULL) == taken);
	conf_free(&c);
}

static void
test_warnings(void **state)
{
	(void)state;
	expect(IN_LISTEN("route { sni = x relay = b }"), true,
	    "t:1: warning: listen \"w\" ends the sessions that no route is "
	    "for; relay = NAME says where they go\n");
	expect(IN_LISTEN("relay = a route { relay = b }"), true,
	    "t:2: warning: relay \"a\" is for nobody: the last route of "
	    "listen \"w\" has no sni, alpn, from or target\n");
	/* One section of relays is not meant by itself here. */
	expect("spawnd { listen w { port = 80 route { sni = x relay = a } } }\n"
	    "relay a { remote r { address = 127.0.0.1 port = 81 } }", true,
	    "t:1: warning: listen \"w\" ends the sessions that no route is "
	    "for; relay = NAME says where they go\n");
	expect(IN_LISTEN("relay = a route { sni = {x.y, \"*.z\"} relay = b }\n"
	    "route { sni = {v, X.Y} alpn = h2 relay = a }\n"
	    "route { sni = \"*.Z\" relay = a }"), true,
	    "t:3: warning: sni \"X.Y\" never comes to this route: that on "
	    "line 2 takes it\n"
	    "t:4: warning: sni \"*.Z\" never comes to this route: that on "
	    "line 2 takes it\n");
	expect(IN_LISTEN("relay = a route { sni = \"*.y\" relay = b }\n"
	    "route { sni = {y, X.Y, \"*.w.y\", x.yy} relay = a }"), true,
	    "t:3: warning: sni \"*.w.y\" never comes to this route: that on "
	    "line 2 takes it\n"
	    "t:3: warning: sni \"X.Y\" never comes to this route: that on "
	    "line 2 takes it\n");
	expect(IN_LISTEN("relay = a route { sni = x.y relay = b }\n"
	    "route { sni = \"*.y\" alpn = h2 relay = a }\n"
	    "route { sni = z.y relay = b }\n"
	    "route { sni = \"*.y\" relay = a }"), true, "");
	expect(IN_LISTEN("relay = a route { sni = x alpn = h2 relay = b }\n"
	    "route { sni = x from = 10.0.0.0/8 relay = a }\n"
	    "route { sni = x relay = a }"), true, "");
}

static void
test_mistakes(void **state)
{
	(void)state;
	expect(IN_LISTEN("relay = a route { relay = b }\n"
	    "route { sni = x relay = b }"), false,
	    "t:2: the routes behind this one are for nobody, as it has no "
	    "sni, alpn, from or target; put it last\n");
	expect(IN_LISTEN("relay = a route { sni = x }"), false,
	    "t:2: \"route\" needs a relay\n");
	expect(IN_LISTEN("relay = a route { sni = x relay = beta }"), false,
	    "t:2: there is no relay \"beta\"\n");
	expect(IN_LISTEN("relay = a route x { sni = x relay = b }"), false,
	    "t:2: the section \"route\" takes no name; write route { ... }\n");
	expect(IN_LISTEN("relay = a route = b"), false,
	    "t:2: \"route\" is a section; write route { ... }\n");
	expect(IN_LISTEN("relay = a routes { sni = x relay = b }"), false,
	    "t:2: unknown section \"routes\" in listen \"w\"; did you mean "
	    "\"route\"?\n");
	expect(IN_LISTEN("relay = a sni = x\nuse_backend = b"), false,
	    "t:2: unknown option \"sni\" in listen \"w\"; it belongs in "
	    "\"route\" or \"auth\"\n"
	    "t:3: unknown option \"use_backend\" in listen \"w\"; did you "
	    "mean \"route\"?\n");
	expect(IN_LISTEN("relay = a route { server_name = x relay = b }"),
	    false, "t:2: unknown option \"server_name\" in \"route\"; did "
	    "you mean \"sni\"?\n");
	expect(IN_LISTEN("relay = a route { snii = x relay = b }"), false,
	    "t:2: unknown option \"snii\" in \"route\"; did you mean "
	    "\"sni\"?\n");
	expect(IN_LISTEN("relay = a route { sni = x sni = y relay = b }"),
	    false, "t:2: \"sni\" is given twice in \"route\"; it is on line 2 "
	    "already\n");
	expect(IN_LISTEN("relay = a route { from = 10.0.0.1/8 relay = b }"),
	    false, "t:2: from: network: 10.0.0.1/8 has bits set beyond its "
	    "prefix; use 10.0.0.0/8\n");
	expect(IN_LISTEN("relay = a\nroute { sni = {x,\n\"*\"} relay = b }"),
	    false, "t:4: sni \"*\" is no name of a host; use letters, digits, "
	    "\"-\", \"_\" and \".\", and \"*.\" in front for all that end "
	    "so\n");
	expect(IN_LISTEN("relay = a route { alpn = \"h 2\" relay = b }"),
	    false, "t:2: alpn \"h 2\" is no protocol; use printable "
	    "characters without spaces, commas, quotes and backslashes\n");
}

static void
test_empty_lists(void **state)
{
	static const char *const names[] = { "sni", "alpn", "from" };
	char text[512], want[256];
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(names); i++) {
		snprintf(text, sizeof(text), "spawnd { listen w { port = 80\n"
		    "route { %s = {} relay = b } relay = a } }\n" RELAYS,
		    names[i]);
		snprintf(want, sizeof(want), "t:2: %s is empty; give it a "
		    "value or leave it out\n", names[i]);
		load(text);
		assert_non_null(strstr(said.text, want));
	}
}

/* With TLS of the listener's own. */
static void
test_alpn(void **state)
{
	(void)state;
	expect(IN_LISTEN("tls = s relay = a\n"
	    "route { alpn = {h2, h3} relay = b }")
	    "tls s { certificate = /c alpn = h2 }", false,
	    "t:3: alpn \"h3\" is spoken by nobody, as tls \"s\" does not have "
	    "it; add it to alpn there\n");
}

static void
test_loops(void **state)
{
	struct conf *conf;

	(void)state;
	conf = load("spawnd { listen w { address = 127.0.0.1 port = 80 "
	    "relay = b\n"
	    "route { sni = x relay = a } } }\n"
	    "relay a { remote r { address = 127.0.0.1 port = 80 } }\n"
	    "relay b { remote r { address = 127.0.0.1 port = 82 } }\n");
	assert_string_equal(said.text, "t:3: warning: remote \"r\" leads back "
	    "to relay \"a\": spawnd itself listens on 127.0.0.1:80\n");
	conf_free(&conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_empty_lists),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
