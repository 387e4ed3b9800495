/*
 * Mistakes: each is found, said in one sentence, with the right file and
 * line, along with all the others.
 */
#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "conf_report.h"
#include "fake_netdb.h"

#define RELAY	"relay a { remote r { address = \"127.0.0.1\" port = 81 } }\n"
/* x on line 2, or 3 for what is in a relay, of a file that is right else */
#define IN_SPAWND(x) \
	"spawnd { listen w { port = 80 }\n" x "\n}\n" RELAY
#define IN_LISTEN(x) \
	"spawnd { listen w {\n" x "\n} }\n" RELAY
#define IN_RELAY(x) \
	"spawnd { listen w { port = 80 } }\n" \
	"relay a { remote r { address = \"127.0.0.1\" port = 81 }\n" x "\n}\n"
#define NO_RANGE(x) \
	"local-address \"" x "\" is no range of addresses; write it as " \
	"\"10.0.0.8-10.0.0.12\" or \"10.0.0.8/30\"\n"
#define IN_REMOTE(x) \
	"spawnd { listen w { port = 80 } }\n" \
	"relay a { remote r {\n" x "\n} }\n"

struct mistake {
	const char *text, *want;
};

static void
expect(const struct mistake *m, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		assert_null(load(m[i].text));
		assert_string_equal(said.text, m[i].want);
	}
}

static void
test_names(void **state)
{
	static const struct mistake cases[] = {
		{ IN_LISTEN("port = 80 backlogg = 5"), "t:2: unknown option "
		    "\"backlogg\" in listen \"w\"; did you mean "
		    "\"backlog\"?\n" },
		{ IN_SPAWND("chrot = /\n\nusesr { min = 5 }"),
		    "t:2: unknown option \"chrot\" in \"spawnd\"; did you "
		    "mean \"chroot\"?\n"
		    "t:4: unknown section \"usesr\" in \"spawnd\"; did you "
		    "mean \"users\"?\n" },
		{ IN_RELAY("zzz = { a, b } x y { z = 1 q { r = {} } } "
		    "f += 1 retire = 5x"),
		    "t:3: unknown option \"zzz\" in relay \"a\"\n"
		    "t:3: unknown section \"x\" in relay \"a\"\n"
		    "t:3: unknown option \"f\" in relay \"a\"\n"
		    "t:3: retire \"5x\" is not a number; use 0 to "
		    "2147483647\n" },
		{ RELAY "spwand { listen w { port = 80 } }\nport = 80",
		    "t:2: unknown section \"spwand\" outside of every "
		    "section; did you mean \"spawnd\"?\n"
		    "t:3: unknown option \"port\" outside of every section; "
		    "it belongs in \"listen\" or \"remote\"\n" },
		{ IN_SPAWND("servers { mni = 5 }"), "t:2: unknown option "
		    "\"mni\" in \"servers\"; did you mean \"min\"?\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

/* Words of other programs, and the right word in the wrong place. */
static void
test_hints(void **state)
{
	static const struct mistake cases[] = {
		{ IN_RELAY("timeout = 5s\nmaxconn = 9\nbuf = 8k\nretry = 2"),
		    "t:3: unknown option \"timeout\" in relay \"a\"; did you "
		    "mean \"idle-timeout\"?\n"
		    "t:4: unknown option \"maxconn\" in relay \"a\"; did you "
		    "mean \"max-sessions\", in \"listen\" or "
		    "\"remote\"?\n"
		    "t:5: unknown option \"buf\" in relay \"a\"; did you mean "
		    "\"buffer\"?\n"
		    "t:6: unknown option \"retry\" in relay \"a\"\n" },
		{ IN_REMOTE("host = ::1 address = ::1 port = 1 cert = x"),
		    "t:3: unknown option \"host\" in remote \"r\"; did you "
		    "mean \"address\"?\n"
		    "t:3: unknown option \"cert\" in remote \"r\"; did you "
		    "mean \"certificate\", in \"tls\"?\n" },
		{ IN_SPAWND("log { file = /x }\nbufsize = 1\nbackend b { }\n"
		    "send-proxy = 1"), "t:2: unknown option \"file\" in "
		    "\"log\"; did you mean \"to\"?\n"
		    "t:3: unknown option \"bufsize\" in \"spawnd\"; did you "
		    "mean \"buffer\", in \"relay\"?\n"
		    "t:4: unknown section \"backend\" in \"spawnd\"; did you "
		    "mean \"relay\", outside of every section?\n"
		    "t:5: unknown option \"send-proxy\" in \"spawnd\"; did "
		    "you mean \"proxy-out\", in \"remote\"?\n" },
		{ IN_LISTEN("port = 1 balance = random\nidle-timeout = 5\n"
		    "remote x { }"), "t:2: unknown option \"balance\" in "
		    "listen \"w\"; it belongs in \"relay\"\n"
		    "t:3: unknown option \"idle-timeout\" in listen \"w\"; it "
		    "belongs in \"relay\"\n"
		    "t:4: unknown section \"remote\" in listen \"w\"; it "
		    "belongs in \"relay\"\n" },
		{ IN_SPAWND("daemon = yes pid = /x"), "t:2: unknown option "
		    "\"daemon\" in \"spawnd\"; start spawnd with -b for that\n"
		    "t:2: unknown option \"pid\" in \"spawnd\"; did you mean "
		    "\"pidfile\"?\n" },
		{ IN_SPAWND("log { level = warn }"), "t:2: log: level "
		    "\"warn\" is not known; use error, warning, notice, info "
		    "or debug; did you mean \"warning\"?\n" },
		/* What is missing may be what is not known. */
		{ IN_LISTEN("port = 1") "relay b {\nserver x { } }\n"
		    "frontend y { }", "t:1: listen \"w\" does not say which "
		    "of the 2 relays it is for; add relay = NAME\n"
		    "t:6: unknown section \"server\" in relay \"b\"; did you "
		    "mean \"remote\"?\n"
		    "t:7: unknown section \"frontend\" outside of every "
		    "section; did you mean \"listen\", in \"spawnd\"?\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_numbers(void **state)
{
	static const struct mistake cases[] = {
		{ IN_SPAWND("servers { min = 0 max = 1025 }"),
		    "t:2: servers: min 0 is out of range; use 1 to 1024\n"
		    "t:2: servers: max 1025 is out of range; use 1 to 1024\n" },
		{ IN_SPAWND("users { min = -1\nmax = 1000001 }"),
		    "t:2: users: min -1 is out of range; use 1 to 1000000\n"
		    "t:3: users: max 1000001 is out of range; use 1 to "
		    "1000000\n" },
		{ IN_SPAWND("users { min = 500\nmax = 100 }"),
		    "t:2: users: min 500 is greater than max 100\n" },
		{ IN_SPAWND("servers { min = 10 }"), "t:2: servers: min 10 "
		    "is greater than max 8, the default; set max too\n" },
		{ IN_SPAWND("users { max = 10 }"), "t:2: users: min 100, the "
		    "default, is greater than max 10; set min too\n" },
		{ IN_SPAWND("max-generations = 1001"), "t:2: max-generations "
		    "1001 is out of range; use 0 to 1000\n" },
		{ IN_LISTEN("port = 80 backlog = 0"), "t:2: backlog 0 is out "
		    "of range; use 1 to 65535\n" },
		{ IN_LISTEN("port = 80 handshake-timeout = 0"), "t:2: "
		    "handshake-timeout 0 is out of range; use 1ms to 365d\n" },
		{ IN_LISTEN("port = 80 backlog = 0x10"), "t:2: backlog "
		    "\"0x10\" is not a number; use 1 to 65535\n" },
		{ IN_LISTEN("port = 80 backlog = \"\""), "t:2: backlog "
		    "\"\" is not a number; use 1 to 65535\n" },
		{ IN_RELAY("retire = 2147483648 retries = 17"),
		    "t:3: retire 2147483648 is out of range; use 0 to "
		    "2147483647\n"
		    "t:3: retries 17 is out of range; use 0 to 16\n" },
		{ IN_RELAY("retire = 99999999999999999999999"), "t:3: retire "
		    "99999999999999999999999 is out of range; use 0 to "
		    "2147483647\n" },
		{ IN_REMOTE("address = ::1 port = 1 weight = 0"), "t:3: "
		    "weight 0 is out of range; use 1 to 256\n" },
		{ IN_REMOTE("address = ::1 port = 1 weight = 2.5"), "t:3: "
		    "weight \"2.5\" is not a number; use 1 to 256\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_units(void **state)
{
	static const struct mistake cases[] = {
		{ IN_RELAY("idle-timeout = 5x"), "t:3: idle-timeout \"5x\" is "
		    "not a time; use a number and ms, s, m, h or d; a bare "
		    "number is seconds\n" },
		{ IN_RELAY("idle-timeout = 366d"), "t:3: idle-timeout 366d is "
		    "out of range; use 1ms to 365d, or 0\n" },
		{ IN_RELAY("idle-timeout = -5s"), "t:3: idle-timeout -5s is "
		    "out of range; use 1ms to 365d, or 0\n" },
		{ IN_RELAY("idle-timeout = 99999999999999999999h"), "t:3: "
		    "idle-timeout 99999999999999999999h is out of range; use "
		    "1ms to 365d, or 0\n" },
		{ IN_RELAY("idle-timeout = 999999999999999999h"), "t:3: "
		    "idle-timeout 999999999999999999h is out of range; use "
		    "1ms to 365d, or 0\n" },
		{ IN_RELAY("connect-timeout = 0"), "t:3: connect-timeout 0 is "
		    "out of range; use 1ms to 365d\n" },
		{ IN_SPAWND("start-timeout = 99ms"), "t:2: start-timeout 99ms "
		    "is out of range; use 100ms to 365d\n" },
		{ IN_SPAWND("watchdog = 50ms"), "t:2: watchdog 50ms is out of "
		    "range; use 100ms to 365d, or 0\n" },
		{ IN_RELAY("buffer = 1k"), "t:3: buffer 1k is out of range; "
		    "use 4k to 16m\n" },
		{ IN_RELAY("buffer = 17m"), "t:3: buffer 17m is out of range; "
		    "use 4k to 16m\n" },
		{ IN_RELAY("buffer = 64kb"), "t:3: buffer \"64kb\" is not a "
		    "size; use a number and k, m or g; a bare number is "
		    "bytes\n" },
		{ IN_RELAY("buffer = -64k"), "t:3: buffer -64k is out of "
		    "range; use 4k to 16m\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_logs(void **state)
{
	static const struct mistake cases[] = {
		{ IN_SPAWND("log { level = inof }"), "t:2: log: level "
		    "\"inof\" is not known; use error, warning, notice, info "
		    "or debug; did you mean \"info\"?\n" },
		{ IN_SPAWND("log { level = zz }"), "t:2: log: level \"zz\" is "
		    "not known; use error, warning, notice, info or debug\n" },
		{ IN_SPAWND("log { facility = local8 }"), "t:2: log: facility "
		    "\"local8\" is not known; use auth, cron, daemon, ftp, "
		    "lpr, mail, news, syslog, user, uucp or local0 to "
		    "local7\n" },
		{ IN_SPAWND("log { sessions = maybe }"), "t:2: log: sessions "
		    "\"maybe\" is neither yes nor no\n" },
		{ IN_SPAWND("log { to = file }"), "t:2: log: to \"file\" is "
		    "not \"stderr\", \"syslog\", \"journald\" or a path that "
		    "starts with \"/\"\n" },
		{ IN_SPAWND("log { to = sylsog }"), "t:2: log: to \"sylsog\" "
		    "is not \"stderr\", \"syslog\", \"journald\" or a path "
		    "that starts with \"/\"; did you mean \"syslog\"?\n" },
		{ IN_SPAWND("log { to = \"udp://loghost:514\" }"), "t:2: log: "
		    "to \"udp://loghost:514\" is no address; write "
		    "udp://ADDRESS:PORT or tcp://ADDRESS:PORT in numbers, an "
		    "IPv6 address in brackets, or unix:///PATH\n" },
		{ IN_SPAWND("log { format = custom\ncustom = \"%{clint}\" }"),
		    "t:3: log: custom \"%{clint}\" has \"clint\", which is no "
		    "field; did you mean \"client\"?\n" },
		{ IN_SPAWND("log {\nformat = custom }"), "t:3: log: format = "
		    "custom needs the text of a line; add custom = "
		    "\"%{client} %{why}\", or whatever it is to be\n" },
		{ IN_SPAWND("log { custom = x }"), "t:2: log: custom does "
		    "nothing without another option; add format = custom\n" },
		{ IN_SPAWND("log { format = xml }"), "t:2: log: format "
		    "\"xml\" is not known; use text, json, haproxy or "
		    "custom\n" },
		{ IN_SPAWND("log { rate = 1000001 }"), "t:2: log: rate "
		    "1000001 is out of range; use 0 to 1000000\n" },
		{ IN_SPAWND("log a { level = info }"), "t:2: log \"a\" needs "
		    "a to\n" },
		{ IN_SPAWND("log a { to = syslog }\nlog a { to = syslog }"),
		    "t:3: log \"a\" is there twice; it is on line 2 "
		    "already\n" },
		{ IN_SPAWND("log {}\nlog a { to = syslog }\nlog {}"), "t:4: "
		    "\"log\" is given twice in \"spawnd\"; it is on line 2 "
		    "already\n" },
		{ IN_SPAWND("log a { to = syslog\nuser = root }"), "t:3: "
		    "unknown option \"user\" in log \"a\"; it belongs in "
		    "\"spawnd\" or \"auth\" or \"program\"\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_words(void **state)
{
	static const struct mistake cases[] = {
		{ IN_SPAWND("overload = quue"), "t:2: overload \"quue\" is "
		    "not known; use queue, close or reset; did you mean "
		    "\"queue\"?\n" },
		{ IN_RELAY("balance = leastcon"), "t:3: balance \"leastcon\" "
		    "is not known; use leastconn, roundrobin, source, "
		    "random or first; did you mean \"leastconn\"?\n" },
		{ "spawnd { listen w { port = 80\nrelay = b } listen v { "
		    "port = 81 relay = b\naddress = \"127.0.0.1\" ask = any } "
		    "}\nrelay b { targets { } }\n",
		    "t:2: clients of listen \"w\" cannot say where they want "
		    "to go, and relay \"b\" has targets; add ask = any\n" },
		{ "spawnd { listen w { address = \"127.0.0.1\" port = 80 "
		    "ask = any } }\nrelay b { targets {\n"
		    "rules = {\"permit *\",\n\"permit a:0\"}\n"
		    "names = maybe } }\n",
		    "t:4: targets: rules \"permit a:0\" has ports that are "
		    "none; use *, or numbers and ranges from 1 to 65535 with "
		    "commas\nt:5: targets: names \"maybe\" is not known; use "
		    "proxy or refuse\n" },
		{ IN_RELAY("targets { }\ntargets { }"), "t:1: clients of "
		    "listen \"w\" cannot say where they want to go, and "
		    "relay \"a\" has targets; add ask = any\n"
		    "t:3: relay \"a\" has remotes and targets; its "
		    "sessions go to the ones or to the others, so make it "
		    "two\nt:4: relay \"a\" has 2 "
		    "\"targets\" sections; it can have one\n" },
		{ IN_RELAY("balance = RANDOM"), "t:3: balance \"RANDOM\" is "
		    "not known; use leastconn, roundrobin, source, random "
		    "or first; did you mean \"random\"?\n" },
		{ IN_SPAWND("access = {\"permit all\",\n\"allow all\"}"),
		    "t:3: access rule \"allow all\" starts with \"allow\"; "
		    "use \"permit\" or \"deny\"\n" },
		{ IN_LISTEN("port = 1 proxy-from = {10.0.0.0/8,\nall}"),
		    "t:3: proxy-from: network: \"all\" is neither \"unix\" "
		    "nor an IPv4 or IPv6 address\n" },
		{ IN_LISTEN("port = 1 proxy-from = 10.1.0.0/8"), "t:2: "
		    "proxy-from: network: 10.1.0.0/8 has bits set beyond its "
		    "prefix; use 10.0.0.0/8\n" },
		{ IN_LISTEN("port = 1 proxy-from = ::1/129"), "t:2: "
		    "proxy-from: network: prefix length \"129\" is out of "
		    "range; use 0 to 128\n" },
		{ IN_LISTEN("port = 1 proxy-from = 'permit ::1'"), "t:2: "
		    "proxy-from: network: \"permit ::1\" is neither \"unix\" "
		    "nor an IPv4 or IPv6 address\n" },
		{ IN_REMOTE("address = ::1 port = 1 proxy-out = v3"),
		    "t:3: proxy-out \"v3\" is not known; use none or v1 "
		    "to v2\n" },
		{ IN_REMOTE("address = ::1 port = 1 proxy-tls = yes"),
		    "t:3: proxy-tls does nothing without another option; add "
		    "proxy-out = v1 or v2\n" },
		{ IN_REMOTE("address = ::1 port = 1 proxy-out = v2\n"
		    "proxy-tls = yes"), "t:4: proxy-tls does nothing without "
		    "another option; add tls = NAME\n" },
		{ IN_REMOTE("address = ::1 port = 1 state = off"), "t:3: "
		    "state \"off\" is not known; use enabled, drain or "
		    "disabled\n" },
		{ IN_REMOTE("address = ::1 port = 1 max-sessions = 1000001"),
		    "t:3: max-sessions 1000001 is out of range; use 0 to "
		    "1000000\n" },
		{ IN_REMOTE("address = ::1 port = 1 slow-start = 99ms"),
		    "t:3: slow-start 99ms is out of range; use 100ms to 365d, "
		    "or 0\n" },
		{ IN_RELAY("on-down = close"), "t:3: on-down = close does "
		    "nothing without a check of a remote; add check { }\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_addresses(void **state)
{
	static const struct mistake cases[] = {
		{ IN_LISTEN("port = 70000"), "t:2: port 70000 is out of "
		    "range; use 1 to 65535 or 0 for any free port\n" },
		{ IN_REMOTE("address = ::1 port = 0"), "t:3: port 0 is out of "
		    "range; use 1 to 65535\n" },
		{ IN_REMOTE("address = ::1 port = gopherr"), "t:3: port "
		    "\"gopherr\" is neither a number nor the name of a TCP "
		    "service\n" },
		{ IN_REMOTE("port = -1\naddress = 1.2"),
		    "t:3: port -1 is out of range; use 1 to 65535\n"
		    "t:4: address: \"1.2\" is not an IPv4 address\n" },
		{ IN_LISTEN("port = 1 address = \"::1, 1.2.3, localhost,\""),
		    "t:2: address: \"1.2.3\" is not an IPv4 address\n"
		    "t:2: address: one of the hosts is empty\n" },
		{ IN_REMOTE("address = \"*\" port = 1"), "t:3: address \"*\" "
		    "is for listeners; use a name or a number here\n" },
		{ IN_REMOTE("address = \"\" port = 1"), "t:3: address is "
		    "empty; give it a value or leave it out\n" },
		{ IN_LISTEN("address = \"\" port = 1"), "t:2: address is "
		    "empty; give it a value or leave it out\n" },
		{ IN_REMOTE("address = \"twelve.test, four.test, ::1, ::2, "
		    "::3, ::4\" port = 1"), "t:3: address stands for more "
		    "than 16 addresses\n" },
		{ IN_LISTEN("address = ::1"), "t:1: listen \"w\" needs a "
		    "port\n" },
		{ IN_REMOTE("address = ::1"), "t:2: remote \"r\" needs a "
		    "port\n" },
		{ IN_REMOTE("port = 1"), "t:2: remote \"r\" needs an "
		    "address\n" },
		{ IN_REMOTE(""), "t:2: remote \"r\" needs an address and a "
		    "port, or a path\n" },
		{ IN_RELAY("local-address = localhost"), "t:3: local-address "
		    "\"localhost\" stands for more than 1 address\n" },
		{ IN_RELAY("local-address = 10.0.0"), "t:3: local-address: "
		    "\"10.0.0\" is not an IPv4 address\n" },
		{ IN_RELAY("local-address = ::1"), "t:3: local-address is "
		    "IPv6, but remote \"r\" has no IPv6 address\n" },
		{ IN_RELAY("local-address = {10.0.0.1, ::1, 10.0.0.8/31}"),
		    "t:3: local-address \"10.0.0.8/31\" is the second of its "
		    "family; give one, or a range\n" },
		{ IN_RELAY("local-address = 10.0.0.1/31"), "t:3: "
		    "local-address \"10.0.0.1/31\" does not begin "
		    "where a network of 2 addresses does\n" },
		{ IN_RELAY("local-address = 10.0.0.0/15"), "t:3: local-address "
		    "\"10.0.0.0/15\" is more than 65536 addresses\n" },
		{ IN_RELAY("local-address = 10.0.0.0-10.1.0.0"), "t:3: "
		    "local-address \"10.0.0.0-10.1.0.0\" is more than 65536 "
		    "addresses\n" },
		{ IN_RELAY("local-address = 10.0.0.2-10.0.0.1"), "t:3: "
		    NO_RANGE("10.0.0.2-10.0.0.1") },
		{ IN_RELAY("local-address = 10.0.0.1-::1"), "t:3: "
		    NO_RANGE("10.0.0.1-::1") },
		{ IN_RELAY("local-address = 10.0.0.0/33"), "t:3: "
		    NO_RANGE("10.0.0.0/33") },
		{ IN_RELAY("local-address = a.b/24"), "t:3: "
		    NO_RANGE("a.b/24") },
		{ IN_REMOTE("path = /s local-address = 10.0.0.1"), "t:3: "
		    "local-address and path are both given; use address and "
		    "port, or path\n" },
	};
	char want[256];

	(void)state;
	expect(cases, nitems_of(cases));
	snprintf(want, sizeof(want), "t:3: address: host \"no.such.test\": "
	    "%s\n", gai_strerror(EAI_NONAME));
	assert_null(load(IN_REMOTE("address = no.such.test port = 1")));
	assert_string_equal(said.text, want);
}

static void
test_paths(void **state)
{
#define LONG	"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	static const struct mistake cases[] = {
		{ IN_LISTEN("path = /x port = 80"), "t:2: port and path are "
		    "both given; use address and port, or path\n" },
		{ IN_REMOTE("path = /x address = ::1"), "t:3: address and "
		    "path are both given; use address and port, or path\n" },
		{ IN_LISTEN("path = x"), "t:2: path \"x\" is not absolute; "
		    "start it with \"/\"\n" },
		{ IN_REMOTE("path = \"\""), "t:3: path is empty; give it a "
		    "value or leave it out\n" },
		{ IN_SPAWND("control-group = 7"), "t:2: control-group is for "
		    "the socket of control-readers, which is missing; add "
		    "control-readers = PATH\n" },
		{ IN_SPAWND("control = c pidfile = p\nchroot = r"),
		    "t:2: pidfile \"p\" is not absolute; start it with "
		    "\"/\"\n"
		    "t:2: control \"c\" is not absolute; start it with "
		    "\"/\"\n"
		    "t:3: chroot \"r\" is not absolute; start it with "
		    "\"/\"\n" },
		{ IN_SPAWND("chroot = /nonexistent"), "t:2: chroot "
		    "\"/nonexistent\": No such file or directory\n" },
		{ IN_SPAWND("chroot = /dev/null"), "t:2: chroot \"/dev/null\" "
		    "is not a directory\n" },
		{ IN_LISTEN("port = 1 mode = 0660 user = root group = root"),
		    "t:2: mode is for a unix socket; there is no path here\n"
		    "t:2: user is for a unix socket; there is no path here\n"
		    "t:2: group is for a unix socket; there is no path "
		    "here\n" },
		{ IN_LISTEN("path = /x mode = 0999"), "t:2: mode \"0999\" is "
		    "no file mode; use an octal number from 0 to 0777\n" },
		{ IN_LISTEN("path = /x mode = 1777"), "t:2: mode \"1777\" is "
		    "no file mode; use an octal number from 0 to 0777\n" },
	};
	struct sockaddr_un un;
	struct conf *c;
	char want[512], text[512];

	(void)state;
	expect(cases, nitems_of(cases));
	snprintf(want, sizeof(want), "t:2: path \"" LONG "\" is too long for "
	    "a unix socket; use at most %zu characters\n",
	    sizeof(un.sun_path) - 1);
	assert_null(load(IN_LISTEN("path = " LONG)));
	assert_string_equal(said.text, want);
	assert_null(load(IN_SPAWND("control = " LONG)));
	assert_int_equal(strncmp(said.text, "t:2: control ", 13), 0);
	assert_string_equal(said.text + 12, want + 9);
	snprintf(text, sizeof(text), IN_LISTEN("path = %.*s"),
	    (int)sizeof(un.sun_path) - 1, LONG);
	c = load_ok(text);
	conf_free(&c);
}

static void
test_users(void **state)
{
	static const struct mistake cases[] = {
		{ IN_SPAWND("user = no-such-user"), "t:2: there is no user "
		    "\"no-such-user\"\n" },
		{ IN_SPAWND("user = \"nobody:no-such-group\""), "t:2: there is "
		    "no group \"no-such-group\"\n" },
		{ IN_SPAWND("user = 4294967295"), "t:2: user 4294967295 is "
		    "out of range; use a name or 0 to 4294967294\n" },
		{ IN_SPAWND("user = 4123456789"), "t:2: user 4123456789 has "
		    "no entry that names its group; write user = "
		    "\"4123456789:GROUP\"\n" },
		{ IN_LISTEN("path = /x user = no-such-user\n"
		    "group = 99999999999999999999"),
		    "t:2: there is no user \"no-such-user\"\n"
		    "t:3: group 99999999999999999999 is out of range; use a "
		    "name or 0 to 4294967294\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_sections(void **state)
{
	static const struct mistake cases[] = {
		{ "spawnd { }\n" RELAY, "t:1: there is no \"listen\" section "
		    "in \"spawnd\"; it needs one at least\n" },
		{ "spawnd { listen w { port = 1 } }", "t:0: there is no "
		    "\"relay\" section; it says where to relay to\n" },
		{ "# nothing", "t:0: there is no \"spawnd\" section; it says "
		    "where to listen\nt:0: there is no \"relay\" section; it "
		    "says where to relay to\n" },
		{ "spawnd { listen w { port = 1 } }\n\nrelay a {\n}", "t:3: "
		    "there is no \"remote\" section in relay \"a\"; it needs "
		    "one at least\n" },
		{ IN_LISTEN("port = 1 relay = b"), "t:2: there is no relay "
		    "\"b\"\n" },
		{ "spawnd { listen w { port = 1 relay = appp } }\nrelay app { "
		    "remote x { path = /x } }", "t:1: there is no relay "
		    "\"appp\"; did you mean \"app\"?\n" },
		{ "spawnd {\nlisten w { port = 1 } }\n" RELAY "relay b { "
		    "remote r { path = /r } }", "t:2: listen \"w\" does not "
		    "say which of the 2 relays it is for; add relay = NAME\n" },
		{ IN_SPAWND("listen { port = 2 }"), "t:2: the section "
		    "\"listen\" needs a name of its own; write listen NAME { "
		    "... }\n" },
		{ IN_SPAWND("listen \"a b\" { port = 2 }"), "t:2: \"a b\" is "
		    "no name for a listen section; use 1 to 31 letters, "
		    "digits, \".\", \"_\" or \"-\"\n" },
		{ IN_SPAWND("listen \"\" { port = 2 }"), "t:2: \"\" is "
		    "no name for a listen section; use 1 to 31 letters, "
		    "digits, \".\", \"_\" or \"-\"\n" },
		{ IN_SPAWND("listen a234567890123456789012345678901 {port=2}\n"
		    "listen a2345678901234567890123456789012 {port=3}"),
		    "t:3: \"a2345678901234567890123456789012\" is "
		    "no name for a listen section; use 1 to 31 letters, "
		    "digits, \".\", \"_\" or \"-\"\n" },
		{ IN_SPAWND("servers many { min = 1 }"), "t:2: the section "
		    "\"servers\" takes no name; write servers { ... }\n" },
		{ IN_SPAWND("users = 5\nlisten = x"),
		    "t:2: \"users\" is a section; write users { ... }\n"
		    "t:3: \"listen\" is a section; write listen NAME { ... "
		    "}\n" },
		{ IN_SPAWND("user { x = 1 }"), "t:2: \"user\" is no section; "
		    "write user = VALUE; did you mean \"users\"?\n" },
		{ IN_SPAWND("user = {a, b}\npidfile += /x"),
		    "t:2: \"user\" takes one value, not a list in braces\n"
		    "t:3: \"pidfile\" takes one value; \"+=\" is for lists\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_twice(void **state)
{
	static const struct mistake cases[] = {
		{ IN_SPAWND("\nlisten w { port = 82 }"), "t:3: listen \"w\" "
		    "is there twice; it is on line 1 already\n" },
		{ IN_RELAY("remote r { path = /x }"), "t:3: remote \"r\" is "
		    "there twice; it is on line 2 already\n" },
		{ IN_LISTEN("port = 1 relay = a") RELAY, "t:5: relay \"a\" "
		    "is there twice; it is on line 4 already\n" },
		{ IN_LISTEN("port = 1\nport = 2"), "t:3: \"port\" is given "
		    "twice in listen \"w\"; it is on line 2 already\n" },
		{ IN_SPAWND("users { }\nusers { }"), "t:3: \"users\" is given "
		    "twice in \"spawnd\"; it is on line 2 already\n" },
		{ IN_SPAWND("") "\nspawnd { }", "t:6: \"spawnd\" is given "
		    "twice; it is on line 1 already\n" },
		{ IN_LISTEN("address = 127.0.0.1 port = 80 }\n"
		    "listen v { address = \"::1, 127.0.0.1\" port = http"),
		    "t:3: 127.0.0.1:80 is listened on twice; it is on line 1 "
		    "already\n" },
		{ IN_LISTEN("path = /x }\nlisten v { path = /x"), "t:3: /x is "
		    "listened on twice; it is on line 1 already\n" },
		{ IN_SPAWND("control = /x\nlisten v { path = /x }"), "t:3: /x "
		    "is listened on twice; it is on line 2 already\n" },
	};
	struct conf *c;

	(void)state;
	expect(cases, nitems_of(cases));
	/* These are no twins. */
	c = load_ok("spawnd { listen a { address = ::1 port = 0 relay = a }\n"
	    "listen b { address = ::1 port = 0 relay = b }\n"
	    "listen c { address = 127.0.0.1 port = 1 relay = a } }\n"
	    "relay a { remote r { path = /x } } relay b { remote r { path = /x "
	    "} } relay c { remote unused { path = /y } }");
	conf_free(&c);
}

/* Sessions that would come back for ever: that is doubted. */
static void
test_loops(void **state)
{
	static const struct mistake cases[] = {
		{ "spawnd { listen w { port = 80 } }\nrelay a {\n"
		    "remote r { address = 127.0.0.1 port = 80 } }", "t:3: "
		    "warning: remote \"r\" leads back to relay \"a\": spawnd "
		    "itself listens on 127.0.0.1:80\n" },
		{ "spawnd { listen w { path = /x } }\nrelay a {\n"
		    "remote q { path = /y }\nremote r { path = /x } }", "t:4: "
		    "warning: remote \"r\" leads back to relay \"a\": spawnd "
		    "itself listens on /x\n" },
		{ "spawnd { listen v { address = 127.0.0.9 port = 1 relay = a }"
		    " listen w { address = 127.0.0.9 port = 2 relay = b } }\n"
		    "relay a { remote r { address = 127.0.0.9 port = 2 } }\n"
		    "relay b { remote s { address = \"127.0.0.8, 127.0.0.9\" "
		    "port = 1 } }", "t:3: warning: remote \"s\" leads back to "
		    "relay \"a\": spawnd itself listens on 127.0.0.9:1\n" },
	};
	struct conf *c;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		c = load(cases[i].text);
		assert_string_equal(said.text, cases[i].want);
		assert_non_null(c);
		conf_free(&c);
	}
	/* One relay behind another, and somebody else's ports. */
	c = load_ok("spawnd { listen v { port = 1 relay = a }\n"
	    "listen w { address = 127.0.0.9 port = 2 relay = b } }\n"
	    "relay a { remote r { address = 127.0.0.9 port = 2 }\n"
	    "remote s { address = 10.0.0.1 port = 1 } }\n"
	    "relay b { remote t { address = \"127.0.0.8\" port = 2 } }");
	conf_free(&c);
}

/* What stands before a syntax error is still looked at. */
static void
test_syntax(void **state)
{
	static const struct mistake cases[] = {
		{ "spawnd {\nlisten w {\nport = 80", "t:2: the section listen "
		    "\"w\" is opened here and never closed\n" },
		{ IN_SPAWND("") "}", "t:5: \"}\" closes no section\n" },
		{ IN_LISTEN("port = 70000\nbacklog\nrelay = b"),
		    "t:2: port 70000 is out of range; use 1 to 65535 or 0 for "
		    "any free port\n"
		    "t:3: \"backlog\" needs \"=\"; write backlog = VALUE\n" },
		{ IN_LISTEN("port 80\nbacklog 5 relay = b\nlingr = 5"),
		    "t:2: \"port\" needs \"=\"; write port = 80\n"
		    "t:3: \"backlog\" needs \"=\"; write backlog = 5\n"
		    "t:4: unknown option \"lingr\" in listen \"w\"\n" },
		{ IN_LISTEN("port =\nbacklog = 0\naddress"),
		    "t:2: \"port\" needs a value behind \"=\"\n"
		    "t:3: backlog 0 is out of range; use 1 to 65535\n"
		    "t:4: \"address\" needs \"=\"; write address = VALUE\n" },
		{ IN_LISTEN("path = \"/x\naddress = \"\\400${}\"\n"
		    "port = *:80 backlog = 0"), "t:2: the string that starts "
		    "here is not closed on its line\n"
		    "t:3: \"\\400\" is no character; use \"\\1\" to "
		    "\"\\377\" or \"\\x01\" to \"\\xff\"\n"
		    "t:3: \"${}\" is no variable; write ${NAME} or "
		    "${NAME:-DEFAULT}\n"
		    "t:4: \"*\" must be in quotes to be part of a value\n"
		    "t:4: backlog 0 is out of range; use 1 to 65535\n" },
		{ IN_SPAWND("access = {\"permit all\",, \"deny\"}\nuser 5\n"
		    "servers { min = 9 max 10 }\nlog { level }"),
		    "t:2: \",\" is where a value or \"}\" should be\n"
		    "t:3: \"user\" needs \"=\"; write user = 5\n"
		    "t:4: \"max\" needs \"=\"; write max = 10\n"
		    "t:5: \"level\" needs \"=\"; write level = VALUE\n" },
		{ IN_SPAWND("access = {\"permit all\"\nuser = 5"), "t:3: "
		    "\"user\" is where \",\" or \"}\" should be\n" },
		{ IN_SPAWND("listen 127.0.0.1:8080;"), "t:2: there must be no "
		    "\";\" here\nt:2: \"listen\" is a section; write listen "
		    "NAME { ... }\n" },
		{ "include \"o.conf\"\n", "t:1: \"include\" needs "
		    "parentheses; write include(\"o.conf\")\n" },
		{ IN_LISTEN("port = 70000;\n; backlog = 0 ;"), "t:2: there "
		    "must be no \";\" here\n"
		    "t:2: port 70000 is out of range; use 1 to 65535 or 0 for "
		    "any free port\n"
		    "t:3: there must be no \";\" here\n"
		    "t:3: there must be no \";\" here\n"
		    "t:3: backlog 0 is out of range; use 1 to 65535\n" },
		{ IN_LISTEN("port = }"), "t:2: \"}\" is where a value should "
		    "be\nt:3: \"}\" closes no section\n" },
		{ IN_LISTEN("port ="), "t:3: \"}\" is where a value should "
		    "be\n" },
		{ "spawnd { listen w { port =", "t:1: the file ends where a "
		    "value should be\n" },
		{ IN_LISTEN("= 5"), "t:2: \"=\" is where the name of an "
		    "option should be\n" },
		{ IN_SPAWND("access = {\"permit all\" \"deny all\"}"), "t:2: "
		    "\"deny all\" is where \",\" or \"}\" should be\n" },
		{ IN_LISTEN("port = 80 address = *"), "t:2: \"*\" must be in "
		    "quotes to be part of a value\n" },
		{ IN_LISTEN("port = 80 /* never\nclosed"), "t:2: the comment "
		    "is never closed\n" },
		{ IN_LISTEN("port = 80\naddress = \"::1"), "t:3: the string "
		    "that starts here is not closed on its line\n" },
		{ IN_LISTEN("port = 80\naddress = '::1\\'"), "t:3: the string "
		    "that starts here is not closed on its line\n" },
		{ IN_LISTEN("path = \"/\\400\""), "t:2: \"\\400\" is no "
		    "character; use \"\\1\" to \"\\377\" or \"\\x01\" to "
		    "\"\\xff\"\n" },
		{ IN_LISTEN("path = \"/\\x00\""), "t:2: \"\\x00\" is no "
		    "character; use \"\\1\" to \"\\377\" or \"\\x01\" to "
		    "\"\\xff\"\n" },
		{ IN_LISTEN("path = \"/\\1234\""), "t:2: \"\\1234\" is no "
		    "character; use \"\\1\" to \"\\377\" or \"\\x01\" to "
		    "\"\\xff\"\n" },
		{ "a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{", "t:1: unknown section "
		    "\"a\" outside of every section\nt:1: sections are nested "
		    "deeper than 16\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

/* Files of other programs: one sentence, not one for each line. */
static void
test_foreign(void **state)
{
#define NO_CONF(n, kind)	"t:" n ": this is no spawnd.conf(5) but " \
	"looks like " kind " configuration: "
#define TABLE	"; \"Coming from another relay\" in " SPAWND_README \
	" has its words and ours\n"
#define CONVERT	"; \"spawnctl convert FILE\" makes one of it\n"
	static const struct mistake cases[] = {
		{ "# x\n\nglobal\n daemon\n maxconn 5\n",
		    NO_CONF("3", "HAProxy's") "\"global\"" CONVERT },
		{ "frontend a\n bind :80\n", NO_CONF("1", "HAProxy's")
		    "\"frontend a\"" CONVERT },
		{ "user www-data;\nevents { }\n", NO_CONF("1", "nginx's")
		    "\"user www-data;\"" TABLE },
		{ "stream {\n server { listen 80; }\n}\n",
		    NO_CONF("1", "nginx's") "\"stream {\"" TABLE },
		{ "---\nlisten: 80\n", NO_CONF("1", "a YAML")
		    "\"---\"\n" },
		{ "\nlisten:\n  port: 80\n", NO_CONF("2", "a YAML")
		    "\"listen:\"\n" },
		{ "[listen]\nport = 80\n", NO_CONF("1", "an INI or TOML")
		    "\"[listen]\"\n" },
		{ "{ \"listen\": 80 }", NO_CONF("1", "a JSON")
		    "\"{ \"listen\": 80 }\"\n" },
		{ "0.0.0.0 80 10.0.0.1 80\n", NO_CONF("1", "rinetd's")
		    "\"0.0.0.0 80 10.0.0.1 80\"" CONVERT },
		{ "listen pg\n    bind :80\n", NO_CONF("2", "HAProxy's")
		    "\"bind :80\"" CONVERT },
		{ "include /etc/nginx/*.conf;\nevents { }\n",
		    NO_CONF("2", "nginx's") "\"events { }\"" TABLE },
		{ "upstream app {\n server 10.0.0.1:80;\n}\n",
		    NO_CONF("1", "nginx's") "\"upstream app {\"" TABLE },
		{ "# x\nlogfile /var/log/x\n0.0.0.0 80 10.0.0.1 80\n",
		    NO_CONF("2", "rinetd's") "\"logfile /var/log/x\"" CONVERT },
		{ "allow 10.0.*.*\n", NO_CONF("1", "rinetd's")
		    "\"allow 10.0.*.*\"" CONVERT },
		{ ":: 8443/tcp 2001:db8::1 443", NO_CONF("1", "rinetd's")
		    "\":: 8443/tcp 2001:db8::1 443\"" CONVERT },
		{ "a.example ssh b.example ssh\n", "t:1: \"a.example\" "
		    "needs \"=\" and a value, or \"{\" and options, behind "
		    "it\n" },
		{ ":8080 10.0.0.1:80\n", NO_CONF("1", "redir's")
		    "\":8080 10.0.0.1:80\"" TABLE },
		{ "ext=\"192.0.2.1\"\n\ntable <web> { $web }\n",
		    NO_CONF("3", "relayd's") "\"table <web> { $web }\"" TABLE },
		{ "log state changes\nredirect www {\n", NO_CONF("2",
		    "relayd's") "\"redirect www {\"" TABLE },
		{ "id = spawnd {\n", NO_CONF("1", "tcprelay's")
		    "\"id = spawnd {\"" CONVERT },
		{ "pid = /run/x\n[https]\n", NO_CONF("2", "an INI or TOML")
		    "\"[https]\"\n" },
		/* What is ours comes first, or may. */
		{ "port = 80\nspawnd\n{\n listen {\n bind = 1\n } }",
		    "t:1: unknown option \"port\" outside of every section; "
		    "it belongs in \"listen\" or \"remote\"\n"
		    "t:4: the section \"listen\" needs a name of its own; "
		    "write listen NAME { ... }\n"
		    "t:4: listen \"\" needs a port, or a path\n"
		    "t:5: unknown option \"bind\" in \"listen\"; did you "
		    "mean \"address\"?\nt:0: there is no \"relay\" section; "
		    "it says where to relay to\n" },
		{ "backend { }\n", "t:1: unknown section \"backend\" outside "
		    "of every section; did you mean \"relay\"?\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static void
test_variables(void **state)
{
	static const struct mistake cases[] = {
		{ IN_LISTEN("port = \"${T_NO}\" backlog = 0 # ${T_NO}\n"
		    "address = ${T_NO2}"),
		    "t:2: the variable \"T_NO\" is not set; set it, or write "
		    "${T_NO:-DEFAULT}\n"
		    "t:2: backlog 0 is out of range; use 1 to 65535\n"
		    "t:3: the variable \"T_NO2\" is not set; set it, or write "
		    "${T_NO2:-DEFAULT}\n" },
		{ IN_SPAWND("listen ${T_NO} { port = 70000 }"),
		    "t:2: the variable \"T_NO\" is not set; set it, or write "
		    "${T_NO:-DEFAULT}\n"
		    "t:2: port 70000 is out of range; use 1 to 65535 or 0 for "
		    "any free port\n" },
		{ IN_LISTEN("path = \"/${A B}\""), "t:2: \"${A B}\" is no "
		    "variable; write ${NAME} or ${NAME:-DEFAULT}\n" },
		{ IN_LISTEN("path = \"/${}\""), "t:2: \"${}\" is no "
		    "variable; write ${NAME} or ${NAME:-DEFAULT}\n" },
		{ IN_LISTEN("path = \"/${A\""), "t:2: \"${\" is not followed "
		    "by a name and \"}\"\n" },
		{ IN_LISTEN("path = /${A}"), "t:2: a variable inside a word "
		    "needs double quotes around the word\n" },
	};

	(void)state;
	unsetenv("T_NO");
	unsetenv("T_NO2");
	expect(cases, nitems_of(cases));
}

/*
 * Files.
 */

static char dir[] = "/tmp/test_conf.XXXXXX";

static const char *
put_n(const char *name, const char *text, size_t len)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	return path;
}

static const char *
put(const char *name, const char *text)
{
	return put_n(name, text, strlen(text));
}

/* want: "$" stands for the directory. */
static void
expect_file(const char *path, const char *want)
{
	char text[4096];
	size_t len = 0;

	for (; *want != '\0' && len + sizeof(dir) < sizeof(text); want++) {
		if (*want == '$' && want[1] != '{')
			len += strlcpy(text + len, dir, sizeof(text) - len);
		else
			text[len++] = *want;
	}
	text[len] = '\0';
	assert_null(load_file(path));
	assert_string_equal(said.text, text);
}

static void
test_files(void **state)
{
	char path[sizeof(dir) + 8];

	(void)state;
	if (access(SPAWND_CONF, F_OK) == -1 &&
	    access(SPAWND_CONF ".sample", R_OK) == 0)
		expect_file(SPAWND_CONF, SPAWND_CONF ":0: the file cannot be "
		    "read: No such file or directory; begin with a copy of "
		    SPAWND_CONF ".sample, or name another file\n");
	expect_file("/nonexistent", "/nonexistent:0: the file cannot be read: "
	    "No such file or directory\n");
	expect_file(dir, "$:0: the file cannot be used: it is a directory\n");
	expect_file("/dev/null", "/dev/null:0: the file cannot be used: it is "
	    "empty\n");
	expect_file("/dev/zero", "/dev/zero:0: the file cannot be used: the "
	    "configuration is larger than 16 MiB\n");
	expect_file(put_n("a", "spawnd {\n\n\0 }", 12), "$/a:3: the file has "
	    "a NUL byte; it is no text\n");
	expect_file(put_n("a", "spawnd {\n\n \"a\0\" }", 16), "$/a:3: the file "
	    "has a NUL byte; it is no text\n");
	expect_file(put_n("a", "spawnd {\n\n \"a\\\0\" }", 17), "$/a:3: the "
	    "file has a NUL byte; it is no text\n");
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_file(path, "$/fifo:0: the file cannot be used: it is empty\n");
	assert_null(load(""));
	assert_string_equal(said.text, "t:0: the configuration is empty\n");
	if (geteuid() != 0) {
		chmod(put("a", "x"), 0);
		expect_file(put("a", "x"), "$/a:0: the file cannot be read: "
		    "Permission denied\n");
	}
}

/* 17 MiB of comment, and exactly as much as there may be. */
static void
test_size(void **state)
{
	static const char end[] = "\n" IN_SPAWND("");
	size_t len = 16 << 20;
	char *text = malloc(len + 1);
	struct conf *c;

	(void)state;
	assert_non_null(text);
	memset(text, '#', len);
	memcpy(text + len - sizeof(end), end, sizeof(end));
	text[len - 1] = text[len] = '\n';
	c = load_file(put_n("big", text, len));
	assert_string_equal(said.text, "");
	conf_free(&c);
	expect_file(put_n("big", text, len + 1), "$/big:0: the file cannot be "
	    "used: the configuration is larger than 16 MiB\n");
	memset(text, '\n', 65537 + 100);
	memcpy(text, "spawnd { listen w { path=", 25);
	memset(text + 26, 'a', 65537);
	text[65537 + 100] = '\0';
	assert_null(load(text));
	free(text);
}

static void
test_include(void **state)
{
	struct conf *c;

	(void)state;
	setenv("T_DIR", dir, 1);
	put("listens", "# two\nlisten a { port = 1 }\nlisten b {\n"
	    "include('backlog') port = 2 }");
	put("backlog", "backlog = 7");
	put("empty", "");
	c = load_file(put("a", "spawnd { include(\"listens\") include ( empty )"
	    " max-generations = 5 }\ninclude(\"${T_DIR}/relays\")"));
	assert_null(c);
	assert_int_equal(said.n, 1);
	assert_non_null(strstr(said.text, "/a:2: \""));
	assert_non_null(strstr(said.text, "/relays\" cannot be included: No "
	    "such file or directory\n"));
	put("relays", RELAY);
	c = load_file(put("a", "spawnd { include(\"listens\") include ( empty )"
	    " max-generations = 5 }\ninclude(\"${T_DIR}/relays\")"));
	assert_string_equal(said.text, "");
	assert_int_equal(c->nlistens, 2);
	assert_int_equal(c->listens[1].backlog, 7);
	assert_int_equal(c->max_generations, 5);
	conf_free(&c);
}

static void
test_include_pattern(void **state)
{
	struct conf *c;

	(void)state;
	put("l1.in", "listen a { port = 1 }");
	put("l3.in", "listen c { port = 3 }");
	put("l2.in", "listen b { port = 2 }");
	put(".l0.in", "listen");
	put("l4.in~", "listen");
	put("relays", RELAY);
	c = load_file(put("a", "spawnd { include(\"l*.in\")\n"
	    "include(\"${T_DIR}/none-*.in\") include('no/such/*') }\n"
	    "include(\"${T_DIR}/r[de]lay?\")"));
	assert_string_equal(said.text, "");
	assert_int_equal(c->nlistens, 3);
	assert_string_equal(c->listens[0].name, "a");
	assert_string_equal(c->listens[1].name, "b");
	assert_string_equal(c->listens[2].name, "c");
	conf_free(&c);
	put("l4.in", "}");
	expect_file(put("a", "spawnd {\ninclude(\"l*.in\")"), "$/l4.in:1: "
	    "\"}\" closes no section\n");
	put("l4.in", "\ninclude(\"l[4].in\")");
	expect_file(put("a", "include(\"l?.in\")"),
	    "$/l1.in:1: unknown section \"listen\" outside of every section"
	    "; it belongs in \"spawnd\"\n"
	    "$/l2.in:1: unknown section \"listen\" outside of every section"
	    "; it belongs in \"spawnd\"\n"
	    "$/l3.in:1: unknown section \"listen\" outside of every section"
	    "; it belongs in \"spawnd\"\n"
	    "$/l4.in:2: \"$/l4.in\" includes itself\n");
}

static void
test_include_lines(void **state)
{
	(void)state;
	put("relays", "# one\n/* two\n three */ " RELAY "\nrealy b { }\n\n");
	put("b", "\n\nbacklog = 0\n");
	expect_file(put("a", "# first\nspawnd {\n listen w {\n  include(b) "
	    "port = 70000\n }\n x = 5\n}\ninclude(relays)\n\nx = 1\n"),
	    "$/b:3: backlog 0 is out of range; use 1 to 65535\n"
	    "$/a:4: port 70000 is out of range; use 1 to 65535 or 0 for any "
	    "free port\n"
	    "$/a:6: unknown option \"x\" in \"spawnd\"\n"
	    "$/relays:5: unknown section \"realy\" outside of every section; "
	    "did you mean \"relay\"?\n"
	    "$/a:10: unknown option \"x\" outside of every section\n");
	put("b", "\nbacklog = 5");
	expect_file(put("a", IN_LISTEN("port = 1 backlog = 4\ninclude(b)")),
	    "$/b:2: \"backlog\" is given twice in listen \"w\"; it is on "
	    "$/a:2 already\n");
}

static void
test_include_bad(void **state)
{
	char name[16], text[64];
	int i;

	(void)state;
	expect_file(put("a", "\ninclude(\"a\")"), "$/a:2: \"$/a\" includes "
	    "itself\n");
	put("b", "\n\ninclude(a)");
	expect_file(put("a", "\ninclude(b)"), "$/b:3: \"$/a\" includes "
	    "itself\n");
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		snprintf(text, sizeof(text), "include(d%d)", i + 1);
		put(name, text);
	}
	expect_file(put("a", "include(d0)"), "$/d9:1: \"$/d10\" cannot be "
	    "included: at most 1000 files in all, 10 in one another\n");
	expect_file(put("a", "include(\".\")"), "$/a:1: \"$/.\" cannot be "
	    "included: it is a directory\n");
	put("b", "listen x { port = 1");
	expect_file(put("a", "spawnd { include(b) }"), "$/b:1: the section "
	    "listen \"x\" is opened here and never closed\n");
	put("b", "}");
	expect_file(put("a", "spawnd { include(b)"), "$/b:1: \"}\" closes no "
	    "section\n");
	expect_file(put("a", "include(1, 2)"), "$/a:1: \",\" is where \")\" "
	    "should be\n");
	expect_file(put("a", "include()"), "$/a:1: \")\" is where a file name "
	    "should be\n");
	expect_file(put("a", "include(\"${T_NO}\")"), "$/a:1: the variable "
	    "\"T_NO\" is not set; set it, or write ${T_NO:-DEFAULT}\n");
}

/* Each file twice as often as the one before: it must end. */
static void
test_include_bomb(void **state)
{
	char name[16], text[64];
	int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		snprintf(text, sizeof(text), "%.*s", i == 9 ? 0 : 60,
		    "include(dX) include(dX) include(dX) include(dX)");
		for (char *p = text; (p = strchr(p, 'X')) != NULL;)
			*p = '1' + i;
		put(name, text);
	}
	assert_null(load_file(put("a", "include(d0)")));
	assert_true(said.n > 1);
	assert_non_null(strstr(said.text, "at most 1000 files in all"));
}

#define TEN	"x, x, x, x, x, x, x, x, x, x, "
#define CHECKED(x, y) IN_REMOTE("address = ::1 port = 1 check {\n" x "\n}\n" y)

static void
test_checks(void **state)
{
	static const struct mistake cases[] = {
		{ CHECKED("interval = 99ms timeout = 5ms rise = 0\n"
		    "fall = 1001 jitter = 51 port = 65536 type = http", ""),
		    "t:4: check: interval 99ms is out of range; use 100ms to "
		    "365d\n"
		    "t:4: check: timeout 5ms is out of range; use 10ms to "
		    "365d\n"
		    "t:4: check: rise 0 is out of range; use 1 to 1000\n"
		    "t:5: check: type \"http\" is not known; use tcp or tls\n"
		    "t:5: check: fall 1001 is out of range; use 1 to 1000\n"
		    "t:5: check: jitter 51 is out of range; use 0 to 50\n"
		    "t:5: check: port 65536 is out of range; use 0 to "
		    "65535\n" },
		{ CHECKED("send = 'a\\q'\nexpect = '(('", ""),
		    "t:4: check: send has \"\\q\", which stands for nothing; "
		    "use \\r, \\n, \\x00 to \\xff, or \\\\\n"
		    "t:5: check: expect \"((\" is no regular expression: "
		    "Unmatched ( or \\(\n" },
		{ CHECKED("expect = \"\"", "check { }"),
		    "t:4: check: expect is empty; give it a value or leave it "
		    "out\nt:6: remote \"r\" has 2 \"check\" sections; it can "
		    "have one\n" },
		{ IN_REMOTE("path = /s check {\nport = 5 }"), "t:4: check: "
		    "port and path are both given; a unix socket has no "
		    "port\n" },
		{ IN_RELAY("healthcheck = yes"), "t:3: unknown option "
		    "\"healthcheck\" in relay \"a\"; did you mean \"check\", "
		    "in \"remote\"?\n" },
		{ IN_REMOTE("path = /s maxconn = 5\nvrf = x"),
		    "t:3: unknown option \"maxconn\" in remote \"r\"; did you "
		    "mean \"max-sessions\"?\n"
		    "t:4: unknown option \"vrf\" in remote \"r\"; did you "
		    "mean \"interface\", in \"listen\"?\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

/* x on line 2, of a section that listen and remote use. */
#define IN_TLS(x) \
	"tls s {\n" x "\n}\nspawnd { listen w { port = 80\ntls = s } }\n" \
	"relay a { remote r { path = /r\ntls = s } }\n"

static void
test_tls(void **state)
{
	static const struct mistake cases[] = {
		{ IN_LISTEN("port = 1 tls = s"),
		    "t:2: there is no tls \"s\"\n" },
		{ IN_TLS("name = x"), "t:5: tls \"s\" has no certificate, "
		    "which a listener needs; add certificate = FILE there\n" },
		{ IN_TLS("certificate = /c"), "t:7: tls \"s\" has no name to "
		    "look for in the certificate of a unix socket; add name = "
		    "NAME there, or verify = no\n" },
		{ IN_TLS("certificate = {/c, d} verify = no"), "t:2: "
		    "certificate \"d\" is not absolute; start it with "
		    "\"/\"\n" },
		{ IN_TLS("certificate = {/c, /d} verify = no key = /k"),
		    "t:2: there are 1 keys for 2 certificates; give one for "
		    "each, in the same order, or none where they are in the "
		    "certificates' files\n" },
		{ IN_TLS("certificate = /c name = n min-version = 1.3 "
		    "max-version = 1.2"),
		    "t:2: min-version is greater than max-version\n" },
		{ IN_TLS("certificate = /c name = n min-version = 1.1"),
		    "t:2: min-version \"1.1\" is not known; use 1.2 to "
		    "1.3\n" },
		{ IN_TLS("certificate = /c name = \"a, b\""), "t:2: name "
		    "\"a, b\" is neither a name of a host nor an address; "
		    "give one that the certificate of the remote has\n" },
		{ IN_TLS("certificate = /c name = n crl = /c"), "t:2: crl "
		    "does nothing without client-ca; add that, or leave it "
		    "out\n" },
		{ IN_TLS("certificate = /c name = n passphrase = x "
		    "passphrase-file = /p"), "t:2: passphrase and "
		    "passphrase-file are both given; use one of them\n" },
		/* The log is not to have it. */
		{ IN_TLS("certificate = /c name = n\npassphrase \"secret\""),
		    "t:3: \"passphrase\" needs \"=\"; write passphrase = "
		    "VALUE\n" },
		{ IN_TLS("certificate = /c name = n\n"
		    "passphrase = very secret"), "t:3: there is more than one "
		    "word where a secret is; put it in quotes\n" },
		{ IN_TLS("certificate = /c name = n tickets = no "
		    "ticket-keys = /t"), "t:2: ticket-keys is given and "
		    "tickets is no; leave one of them out\n" },
		{ IN_TLS("certificate = /c name = n alpn = {" TEN TEN TEN TEN
		    TEN TEN TEN TEN TEN TEN "x}"),
		    "t:2: alpn has 101 protocols; name at most 100\n" },
		{ IN_TLS("certificate = /c name = n alpn = {h2, \"\"}"),
		    "t:2: alpn has an empty value\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

#define IN_AUTH(x) \
	"auth q {\n" x "\n}\nspawnd { listen w { port = 80\nauth = q } }\n" \
	"relay a { remote r { path = /r } }\n"

static void
test_auth(void **state)
{
	static const struct mistake cases[] = {
		{ IN_SPAWND("setenv = {\"A=b\", '1A=b'}"), "t:2: setenv "
		    "\"1A=b\" is no variable; write \"NAME=value\"\n" },
		{ IN_SPAWND("setenv = A"), "t:2: setenv \"A\" is no "
		    "variable; write \"NAME=value\"\n" },
		{ IN_SPAWND("nice = 20"), "t:2: nice 20 is out of range; use 0 "
		    "to 19\n" },
		{ IN_SPAWND("nice = -1"), "t:2: nice -1 is out of range; use 0 "
		    "to 19\n" },
		{ IN_SPAWND("core-limit = 2000g"), "t:2: core-limit 2000g is "
		    "out of range; use 0 to 1024g\n" },
		{ IN_LISTEN("port = 1 auth = q"),
		    "t:2: there is no auth \"q\"\n" },
		{ IN_AUTH("fail = deny"), "t:1: auth \"q\" asks nobody; add "
		    "command = PROGRAM, or the path of a unix socket\n" },
		{ IN_AUTH("command = /q path = /r"), "t:1: auth \"q\" has a "
		    "command and a path; use one of them\n" },
		{ IN_AUTH("command = q"), "t:2: command \"q\" is not "
		    "absolute; start it with \"/\"\n" },
		{ IN_AUTH("command = \"/q 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 "
		    "9 0 1 2 3 4 5 6 7 8 9 0 1 2\""), "t:2: command has more "
		    "than 32 words; write a script\n" },
		{ IN_AUTH("path = /q user = 7"), "t:2: user is for a command; "
		    "leave it out\n" },
		{ IN_AUTH("path = /q processes = 65"), "t:2: processes 65 is "
		    "out of range; use 1 to 64\n" },
		{ IN_AUTH("path = /q timeout = 0"), "t:2: timeout 0 is out of "
		    "range; use 1ms to 365d\n" },
		{ IN_AUTH("path = /q fail = close"), "t:2: fail \"close\" is "
		    "not known; use deny or permit\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

#define IN_ASK(x) \
	"spawnd { listen w {\n" x "\n} }\nrelay a { targets { } }\n"
#define ROUTE	"path = /w ask = any relay = a route { sni = a relay = a }"
#define FILES(x) \
	"listen a" #x " { path = /a" #x " ask = any users = /a" #x " }\n" \
	"listen b" #x " { path = /b" #x " ask = any users = /b" #x " }\n"

static void
test_ask(void **state)
{
	static const struct mistake cases[] = {
		{ IN_ASK("port = 1 address = ::1 ask = socks"), "t:2: ask "
		    "\"socks\" is nothing to ask by; use socks4, socks5, "
		    "connect or any\n" },
		{ IN_ASK("port = 1 address = \"127.0.0.2, 127.1.1.1, "
		    "10.0.0.1\" ask = any"), "t:2: listen \"w\" would "
		    "connect everybody who finds it; add users or access, or "
		    "make address 127.0.0.1\n" },
		{ IN_ASK(ROUTE), "t:2: a listener with ask and without tls "
		    "sees no sni and no alpn; leave them out\n" },
		{ IN_LISTEN("path = /w ask = any"), "t:1: clients of listen "
		    "\"w\" say where they want to go, and relay \"a\" has "
		    "remotes; give it targets { } instead\n" },
		{ IN_LISTEN("path = /w users = /u"), "t:2: users are those of "
		    "clients that are asked; add ask = any, or leave them "
		    "out\n" },
		{ IN_LISTEN("path = /w relay = a route { target = a relay = a "
		    "}"), "t:2: clients of listen \"w\" cannot say where they "
		    "want to go, so that target is for nobody; add ask = "
		    "any\n" },
		{ IN_ASK("path = /w ask = any relay = a route { target = a:0 "
		    "relay = a }"), "t:2: target \"a:0\" has ports that are "
		    "none; use *, or numbers and ranges from 1 to 65535 with "
		    "commas\n" },
		{ IN_ASK("path = /w ask = socks4 users = /u"), "t:2: SOCKS 4 "
		    "has no passwords, so that users would let in nobody; add "
		    "socks5 or connect to ask\n" },
		{ IN_ASK("path = /w ask = any users = u"), "t:2: users \"u\" "
		    "is not absolute; start it with \"/\"\n" },
		{ "spawnd {\n" FILES(1) FILES(2) FILES(3) FILES(4) FILES(5)
		    FILES(6) FILES(7) FILES(8) "listen c { path = /c ask = any "
		    "users = /c } }\nrelay a { targets { } }\n",
		    "t:18: there are more than 16 files of users; share "
		    "them\n" },
	};

	(void)state;
	expect(cases, nitems_of(cases));
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_logs),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_pattern),
		cmocka_unit_test(test_include_lines),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_include_bad),
		cmocka_unit_test(test_include_bomb),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
