/*
 * Values: what is read from a good file, and how it is looked up. Mistakes
 * are in test_conf_bad.c, printing in test_conf_print.c.
 */
#include "compat.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <syslog.h>
#include <time.h>

#include <cmocka.h>

#include "conf/parse.h"
#include "conf_report.h"
#include "fake_netdb.h"

#define MINIMAL \
	"spawnd { listen web { port = 8080 } }\n" \
	"relay app { remote a { address = \"127.0.0.1\" port = 8081 } }\n"

static void
expect_addr(const struct addr *a, const char *want)
{
	char buf[ADDR_STRLEN];

	assert_string_equal(addr_str(a, buf), want);
}

static void
test_defaults(void **state)
{
	struct conf *c = load_ok(MINIMAL);
	const struct conf_relay *r = &c->relays[0];

	(void)state;
	assert_int_equal(c->servers_min, 2);
	assert_int_equal(c->servers_max, 8);
	assert_int_equal(c->users_min, 100);
	assert_int_equal(c->users_max, 4000);
	assert_int_equal(c->overload, OVERLOAD_QUEUE);
	assert_int_equal(c->acl.n, 0);
	assert_null(c->user);
	assert_int_equal(c->uid, CONF_NOID);
	assert_int_equal(c->gid, CONF_NOID);
	assert_null(c->chroot);
	assert_null(c->pidfile);
	assert_null(c->control);
	assert_null(c->log.to);
	assert_int_equal(c->log.facility, LOG_DAEMON);
	assert_int_equal(c->log.level, LOG_INFO);
	assert_true(c->log.sessions);
	assert_int_equal(c->drain_timeout, 3600 * 1000);
	assert_int_equal(c->start_timeout, 10 * 1000);
	assert_int_equal(c->shrink_after, 60 * 1000);
	assert_int_equal(c->watchdog, 5 * 1000);
	assert_int_equal(c->watchdog_kill, 60 * 1000);
	assert_int_equal(c->max_generations, 0);
	assert_true(c->memory == 256 << 20);
	assert_true(c->batch);
	assert_int_equal(c->sandbox, CONF_SANDBOX_AUTO);
	assert_int_equal(r->balance, BALANCE_LEASTCONN);
	assert_int_equal(r->rebalance, 0);
	assert_int_equal(r->retire, 0);
	assert_int_equal(r->retries, 3);
	assert_int_equal(r->idle_timeout, 600 * 1000);
	assert_int_equal(r->connect_timeout, 5 * 1000);
	assert_int_equal(r->half_close_timeout, 60 * 1000);
	assert_int_equal(r->buffer, 64 * 1024);
	assert_int_equal(r->io, CONF_IO_AUTO);
	assert_true(r->keepalive);
	assert_int_equal(r->nlocals, 0);
	conf_free(&c);
	assert_null(c);
	conf_free(&c);
}

static void
test_sections(void **state)
{
	struct conf *c = load_ok(MINIMAL);

	(void)state;
	assert_int_equal(c->nlistens, 1);
	assert_string_equal(c->listens[0].name, "web");
	assert_null(c->listens[0].address);
	assert_string_equal(c->listens[0].port, "8080");
	assert_null(c->listens[0].path);
	assert_true(c->listens[0].naddr >= 1);
	assert_int_equal(addr_get_port(&c->listens[0].addr[0]), 8080);
	assert_int_equal(c->listens[0].relay, 0);
	assert_int_equal(c->listens[0].backlog, 4096);
	assert_int_equal(c->listens[0].handshake_timeout, 10 * 1000);
	assert_int_equal(c->nrelays, 1);
	assert_string_equal(c->relays[0].name, "app");
	assert_int_equal(c->relays[0].nremotes, 1);
	assert_string_equal(c->relays[0].remotes[0].name, "a");
	assert_int_equal(c->relays[0].remotes[0].naddr, 1);
	expect_addr(&c->relays[0].remotes[0].addr[0], "127.0.0.1:8081");
	assert_int_equal(c->relays[0].remotes[0].weight, 1);
	conf_free(&c);
}

static void
test_everything(void **state)
{
	struct conf *c = load_ok("spawnd {\n"
	    "listen w { address = \"127.0.0.1\" port = 0 relay = b\n"
	    "backlog = 65535 handshake-timeout = 1ms }\n"
	    "servers { min = 1024 max = 1024 } users { min = 1 max = 1 }\n"
	    "overload = reset access = {\"permit all\"}\n"
	    "access += {'deny all'} "
	    "user = \"12:34\" chroot = / pidfile = /a control = /b\n"
	    "control-readers = /c control-group = 77\n"
	    "log { to = stderr facility = local7 level = debug\n"
	    "sessions = OFF } "
	    "drain-timeout = 0 start-timeout = 100ms shrink-after = 1\n"
	    "watchdog = 365d watchdog-kill = 2h max-generations = 1000\n"
	    "batch = no sandbox = off memory = 1m }\n"
	    "relay a { remote x { path = '/s' } }\n"
	    "relay b { remote y { address = 127.0.0.1 port = 1 weight = 256 }\n"
	    "balance = source retire = 2147483647 retries = 16\n"
	    "rebalance = 7\n"
	    "idle-timeout = 5 connect-timeout = 1ms half-close-timeout = 2m\n"
	    "buffer = 16M io = splice keepalive = no\n"
	    "local-address = 127.0.0.9 }\n");
	const struct conf_relay *r = &c->relays[1];

	(void)state;
	assert_int_equal(c->listens[0].relay, 1);
	assert_int_equal(c->listens[0].backlog, 65535);
	assert_int_equal(c->listens[0].handshake_timeout, 1);
	assert_int_equal(c->servers_min, 1024);
	assert_int_equal(c->users_max, 1);
	assert_int_equal(c->overload, OVERLOAD_RESET);
	assert_int_equal(c->acl.n, 2);
	assert_false(c->acl.rules[1].permit);
	assert_int_equal(c->uid, 12);
	assert_int_equal(c->gid, 34);
	assert_string_equal(c->chroot, "/");
	assert_string_equal(c->pidfile, "/a");
	assert_string_equal(c->control, "/b");
	assert_string_equal(c->control_readers, "/c");
	assert_int_equal(c->control_gid, 77);
	assert_string_equal(c->log.to, "stderr");
	assert_int_equal(c->log.facility, LOG_LOCAL7);
	assert_int_equal(c->log.level, LOG_DEBUG);
	assert_false(c->log.sessions);
	assert_int_equal(c->drain_timeout, 0);
	assert_int_equal(c->start_timeout, 100);
	assert_int_equal(c->shrink_after, 1000);
	assert_true(c->watchdog == 365ULL * 86400 * 1000);
	assert_int_equal(c->watchdog_kill, 7200 * 1000);
	assert_int_equal(c->max_generations, 1000);
	assert_true(c->memory == 1 << 20);
	assert_false(c->batch);
	assert_int_equal(c->sandbox, CONF_SANDBOX_OFF);
	expect_addr(&c->relays[0].remotes[0].addr[0], "/s");
	assert_int_equal(r->remotes[0].weight, 256);
	assert_int_equal(r->balance, BALANCE_SOURCE);
	assert_int_equal(r->retire, 2147483647);
	assert_int_equal(r->rebalance, 7);
	assert_int_equal(r->retries, 16);
	assert_int_equal(r->idle_timeout, 5000);
	assert_int_equal(r->connect_timeout, 1);
	assert_int_equal(r->half_close_timeout, 120 * 1000);
	assert_int_equal(r->buffer, 16 << 20);
	assert_int_equal(r->io, CONF_IO_SPLICE);
	assert_false(r->keepalive);
	assert_int_equal(r->nlocals, 1);
	expect_addr(&r->locals[0].addr, "127.0.0.9:0");
	assert_int_equal(r->locals[0].n, 1);
	conf_free(&c);
}

static void
test_addresses(void **state)
{
	struct conf *c = load_ok("spawnd {\n"
	    "listen a { address = localhost port = http relay = r }\n"
	    "listen b { address = \" 127.0.0.2 ,127.0.0.2, four.test\"\n"
	    "  port = 1 relay = r }\n"
	    "listen c { address = \"*\" port = 2 relay = r } }\n"
	    "relay r { remote x { address = \"twelve.test, ::1\"\n"
	    "  port = https } }\n");

	(void)state;
	assert_int_equal(c->listens[0].naddr, 2);
	expect_addr(&c->listens[0].addr[0], "[::1]:80");
	expect_addr(&c->listens[0].addr[1], "127.0.0.1:80");
	assert_int_equal(c->listens[1].naddr, 2);
	expect_addr(&c->listens[1].addr[0], "127.0.0.2:1");
	expect_addr(&c->listens[1].addr[1], "10.0.4.0:1");
	assert_null(c->listens[2].address);
	assert_true(c->listens[2].naddr >= 1);
	assert_int_equal(c->relays[0].remotes[0].naddr, 13);
	expect_addr(&c->relays[0].remotes[0].addr[0], "10.0.12.0:443");
	expect_addr(&c->relays[0].remotes[0].addr[12], "[::1]:443");
	assert_string_equal(c->relays[0].remotes[0].address,
	    "twelve.test, ::1");
	conf_free(&c);
}

/* Those that local-address cannot reach are not used. */
static void
test_local_address(void **state)
{
	struct conf *c = load_ok(
	    "spawnd { listen l { port = 1 } }\n"
	    "relay r { local-address = 127.0.0.9\n"
	    "remote x { address = '::1, 10.0.0.1, ::2' port = 2 }\n"
	    "remote y { path = '/s' } }\n");
	const struct conf_remote *r = c->relays[0].remotes;

	(void)state;
	assert_int_equal(r[0].naddr, 1);
	expect_addr(&r[0].addr[0], "10.0.0.1:2");
	assert_int_equal(r[1].naddr, 1);
	conf_free(&c);
}

/* One of each family: all can be reached. A remote's own are instead of its
 * relay's. */
static void
test_local_addresses(void **state)
{
	struct conf *c = load_ok(
	    "spawnd { listen l { port = 1 } }\n"
	    "relay r { local-address = {2001:db8::fff0-2001:db8::1:f, "
	    "four.test}\n"
	    "remote x { address = '::1, 10.0.0.1, ::2' port = 2 }\n"
	    "remote y { address = '::1, 10.0.0.1' port = 2\n"
	    "local-address = 10.1.254.0/23 } }\n");
	const struct conf_relay *r = c->relays;
	struct addr a = r->locals[0].addr;
	unsigned n;

	(void)state;
	assert_int_equal(r->nlocals, 2);
	assert_int_equal(r->locals[0].n, 32);
	addr_add(&a, 31);
	expect_addr(&a, "[2001:db8::1:f]:0");
	expect_addr(&r->locals[1].addr, "10.0.4.0:0");
	assert_int_equal(r->remotes[0].naddr, 3);
	assert_ptr_equal(conf_locals(r, &r->remotes[0], &n), r->locals);
	assert_int_equal(n, 2);
	assert_int_equal(r->remotes[1].naddr, 1);
	expect_addr(&r->remotes[1].addr[0], "10.0.0.1:2");
	assert_ptr_equal(conf_locals(r, &r->remotes[1], &n),
	    r->remotes[1].locals);
	assert_int_equal(n, 1);
	assert_int_equal(r->remotes[1].locals[0].n, 512);
	a = r->remotes[1].locals[0].addr;
	addr_add(&a, 511);
	expect_addr(&a, "10.1.255.255:0");
	conf_free(&c);
}

static void
test_users(void **state)
{
	const struct passwd *pw = getpwnam("nobody");
	struct conf *c;
	char text[512];
	gid_t gid;
	uid_t uid;

	(void)state;
	assert_non_null(pw);
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	c = load_ok("spawnd { listen s { path = /s user = nobody group = 7\n"
	    "mode = 0777 } user = nobody }\n"
	    "relay r { remote x { path = /x } }");
	assert_int_equal(c->uid, uid);
	assert_int_equal(c->gid, gid);
	assert_int_equal(c->listens[0].uid, uid);
	assert_int_equal(c->listens[0].gid, 7);
	assert_int_equal(c->listens[0].mode, 0777);
	expect_addr(&c->listens[0].addr[0], "/s");
	conf_free(&c);
	snprintf(text, sizeof(text), "spawnd { listen s { path = /s }\n"
	    "user = %u }\nrelay r { remote x { path = /x } }", uid);
	c = load_ok(text);
	assert_int_equal(c->uid, uid);
	assert_int_equal(c->gid, gid);
	assert_int_equal(c->listens[0].mode, CONF_NOID);
	assert_int_equal(c->listens[0].uid, CONF_NOID);
	assert_int_equal(c->listens[0].gid, CONF_NOID);
	conf_free(&c);
	c = load_ok("spawnd { listen s { path = /s } user = \"nobody:56\" }\n"
	    "relay r { remote x { path = /x } }");
	assert_int_equal(c->uid, uid);
	assert_int_equal(c->gid, 56);
	conf_free(&c);
}

static void
test_default_users(void **state)
{
	const struct passwd *pw;
	struct conf *c, *d;
	char text[512];

	(void)state;
	c = load_ok("spawnd { listen s { path = /s } }\n"
	    "relay r { remote x { path = /x } }");
	assert_null(c->user);
	assert_int_equal(conf_default_users(c), 0);
	pw = getpwnam("_spawnd") != NULL ? getpwnam("_spawnd") :
	    getpwnam("nobody");
	assert_non_null(pw);
	assert_string_equal(c->user, pw->pw_name);
	assert_int_equal(c->uid, pw->pw_uid);
	assert_int_equal(c->gid, pw->pw_gid);
	snprintf(text, sizeof(text), "spawnd { listen s { path = /s }\n"
	    "user = \"%s\" }\nrelay r { remote x { path = /x } }", c->user);
	d = load_ok(text);
	assert_int_equal(d->uid, c->uid);
	assert_int_equal(d->gid, c->gid);
	conf_free(&c);
	conf_free(&d);
}

/* Somebody's who is neither, if there is one. */
static void
test_default_user_of_the_status(void **state)
{
	const bool own = getpwnam("_spawndstat") != NULL;
	const uint32_t nobody = (uint32_t)getpwnam("nobody")->pw_uid;
	struct conf *c;

	(void)state;
	if (!conf_can_status)
		skip();
	c = load_ok("spawnd { listen s { path = /s serve = status }"
	    " user = \"1:1\" log { user = \"2:2\" } }\n"
	    "relay r { remote x { path = /x } }");
	assert_null(c->status_user);
	assert_int_equal(conf_default_users(c), 0);
	assert_string_equal(c->status_user, own ? "_spawndstat" : "nobody");
	assert_true(own || c->status_uid == nobody);
	conf_free(&c);
	c = load_ok("spawnd { listen s { path = /s serve = status }"
	    " user = \"1:1\" log { user = nobody } }\n"
	    "relay r { remote x { path = /x } }");
	assert_int_equal(conf_default_users(c), 0);
	assert_true(own || c->status_uid == nobody);
	conf_free(&c);
	c = load_ok("spawnd { listen s { path = /s serve = status }"
	    " user = \"1:1\" log { user = root } }\n"
	    "relay r { remote x { path = /x } }");
	c->log.uid = 0;
	assert_int_equal(conf_default_users(c), 0);
	assert_int_not_equal(c->status_uid, 0);
	conf_free(&c);
	c = load_ok("spawnd { listen s { path = /s } status-user = \"7:8\" }\n"
	    "relay r { remote x { path = /x } }");
	assert_int_equal(conf_default_users(c), 0);
	assert_int_equal(c->status_uid, 7);
	assert_int_equal(c->status_gid, 8);
	conf_free(&c);
}

/* Not that of the workers. */
static void
test_default_user_of_the_logger(void **state)
{
	const char *own = getpwnam("_spawndlog") != NULL ? "_spawndlog" : NULL;
	struct conf *c;

	(void)state;
	c = load_ok("spawnd { listen s { path = /s } user = \"1:1\" }\n"
	    "relay r { remote x { path = /x } }");
	assert_null(c->log.user);
	assert_int_equal(conf_default_users(c), 0);
	assert_string_equal(c->log.user, own != NULL ? own : "nobody");
	assert_int_equal(c->log.uid, getpwnam(c->log.user)->pw_uid);
	assert_int_equal(c->log.gid, getpwnam(c->log.user)->pw_gid);
	conf_free(&c);
	c = load_ok("spawnd { listen s { path = /s } user = nobody }\n"
	    "relay r { remote x { path = /x } }");
	assert_int_equal(conf_default_users(c), 0);
	if (own == NULL)
		assert_null(c->log.user);
	else
		assert_string_equal(c->log.user, own);
	conf_free(&c);
}

static void
test_variables(void **state)
{
	struct conf *c;

	(void)state;
	setenv("T_PORT", "8181", 1);
	setenv("T_EMPTY", "", 1);
	setenv("T_NAME", "web-1", 1);
	unsetenv("T_UNSET");
	c = load_ok("# ${T_UNSET}\n// ${T_UNSET}\n/* ${T_UNSET} */\n"
	    "spawnd { listen ${T_NAME} { port = ${T_PORT} }\n"
	    "listen \"${T_UNSET:-web}-2\" { port = \"1${T_PORT}\"\n"
	    "address = \"127.0.0.${T_UNSET:-5}\" }\n"
	    "pidfile = \"/${T_EMPTY}${T_EMPTY:-not used}a\\${T_UNSET}\"\n"
	    "control = '/${T_UNSET}' }\n"
	    "relay r { remote x { path = /x } }");
	assert_string_equal(c->listens[0].name, "web-1");
	assert_string_equal(c->listens[0].port, "8181");
	assert_string_equal(c->listens[1].name, "web-2");
	assert_string_equal(c->listens[1].port, "18181");
	assert_string_equal(c->listens[1].address, "127.0.0.5");
	assert_string_equal(c->pidfile, "/a${T_UNSET}");
	assert_string_equal(c->control, "/${T_UNSET}");
	conf_free(&c);
}

/* The language is libconfuse's. */
static void
test_language(void **state)
{
	struct conf *c = load_ok("\xef\xbb\xbf/* a **/ spawnd{listen\n"
	    "\"w\"{port=80}\r\n// c\npidfile='/it\\'s \\x \"a\"'#c\n"
	    "control=\"/\\x41\\102\\t\\\\\\\"\\\nc\" access=\"deny all\"\n"
	    "log{to=/var//log/x;y}}relay r{remote x{path=/x\n\n}}//end");

	(void)state;
	assert_string_equal(c->listens[0].name, "w");
	assert_string_equal(c->pidfile, "/it's \\x \"a\"");
	assert_string_equal(c->control, "/AB\t\\\"c");
	assert_string_equal(c->log.to, "/var//log/x;y");
	assert_int_equal(c->acl.n, 1);
	conf_free(&c);
}

static void
test_units(void **state)
{
	static const struct {
		const char	*text, *printed;
		uint64_t	 value;
	} times[] = {
		{ "0", "0", 0 }, { "1", "1s", 1000 }, { "1ms", "1ms", 1 },
		{ "1500ms", "1500ms", 1500 }, { "90s", "90s", 90000 },
		{ "60s", "1m", 60000 }, { "60m", "1h", 3600000 },
		{ "24h", "1d", 86400000 }, { "007d", "7d", 604800000 },
		{ "0d", "0", 0 }
	}, sizes[] = {
		{ "0", "0", 0 }, { "1", "1", 1 }, { "1000", "1000", 1000 },
		{ "1024", "1k", 1024 }, { "64k", "64k", 65536 },
		{ "64K", "64k", 65536 }, { "1024k", "1m", 1 << 20 },
		{ "3g", "3g", 3ULL << 30 }, { "1025k", "1025k", 1025 << 10 }
	}, shares[] = {
		{ "0", "0", 0 }, { "1", "1", CONF_WHOLE },
		{ "1.0", "1", CONF_WHOLE }, { "0.5", "0.5", CONF_WHOLE / 2 },
		{ "1e-6", "0.000001", 1000 }, { "1e-9", "0.000000001", 1 },
		{ "0.250", "0.25", CONF_WHOLE / 4 },
		{ "12.5e-2", "0.125", CONF_WHOLE / 8 },
		{ "0.1000000000", "0.1", CONF_WHOLE / 10 }
	};
	static const char *const no_shares[] = { "", "x", ".5", "1.", "1..2",
		"-1", "1e6", "1e", "1e-", "1e-10", "0.0000000001", "5%",
		"1e-6x", "99999999999", "0.00000000000000000001" };
	static const char *const bad[] = { "", " ", "x", "5x", "5 s", "-1",
		"+1", "1.5s", "0x10", "s", "5S", "5ss", "5H",
		"18446744073709551616", "99999999999999999999d",
		"9999999999999999999d" };
	const char *err;
	char buf[CONF_UNITLEN];
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(times); i++) {
		assert_int_equal(conf_duration_of(times[i].text, &n, &err), 0);
		assert_int_equal(n, times[i].value);
		assert_string_equal(conf_duration_str(n, buf),
		    times[i].printed);
	}
	for (i = 0; i < nitems_of(sizes); i++) {
		assert_int_equal(conf_size_of(sizes[i].text, &n, &err), 0);
		assert_int_equal(n, sizes[i].value);
		assert_string_equal(conf_size_str(n, buf), sizes[i].printed);
	}
	for (i = 0; i < nitems_of(shares); i++) {
		assert_int_equal(conf_share_of(shares[i].text, &n, &err), 0);
		assert_int_equal(n, shares[i].value);
		assert_string_equal(conf_share_str(n, buf), shares[i].printed);
	}
	for (i = 0; i < nitems_of(no_shares); i++) {
		err = NULL;
		assert_int_equal(conf_share_of(no_shares[i], &n, &err), -1);
		assert_non_null(err);
	}
	for (i = 0; i < nitems_of(bad); i++) {
		err = NULL;
		assert_int_equal(conf_duration_of(bad[i], &n, &err), -1);
		assert_non_null(err);
		assert_int_equal(conf_size_of(bad[i], &n, &err), -1);
	}
	assert_string_equal(conf_duration_str(UINT64_MAX, buf),
	    "18446744073709551615ms");
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(conf_overload_name(OVERLOAD_QUEUE), "queue");
	assert_string_equal(conf_overload_name(OVERLOAD_CLOSE), "close");
	assert_string_equal(conf_overload_name(OVERLOAD_RESET), "reset");
	assert_string_equal(conf_state_name(99), "?");
}

static char *
many(unsigned n, const char *relay_of_listen)
{
	char *text;
	size_t size;
	unsigned i;
	FILE *f = open_memstream(&text, &size);

	fprintf(f, "spawnd {\n");
	for (i = 0; i < n; i++)
		fprintf(f, "listen l%u { address = \"127.0.%u.%u\" port = 80 "
		    "relay = %s%u }\n", i, i / 250, i % 250, relay_of_listen,
		    i % 10);
	fprintf(f, "}\n");
	for (i = 0; i < n; i++) {
		if (i % (n / 10) == 0)
			fprintf(f, "%srelay r%u {\n", i == 0 ? "" : "}\n",
			    i / (n / 10));
		fprintf(f, "remote x%u { address = \"10.0.%u.%u\" "
		    "port = 80 }\n", i, i / 250, i % 250);
	}
	fprintf(f, "}\n");
	fclose(f);
	return text;
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void
test_many(void **state)
{
	double start = seconds();
	char *text = many(1000, "r");
	struct conf *c = load_ok(text);

	(void)state;
	assert_int_equal(c->nlistens, 1000);
	assert_int_equal(c->nrelays, 10);
	assert_int_equal(c->relays[9].nremotes, 100);
	expect_addr(&c->listens[999].addr[0], "127.0.3.249:80");
	assert_int_equal(c->listens[999].relay, 9);
	conf_free(&c);
	free(text);
	/* 0.05 s; the sanitizers and valgrind take their share */
	assert_true(seconds() - start < 5);
	text = many(4000, "nosuch");
	assert_null(load(text));
	assert_int_equal(said.n, 4000);
	free(text);
}

/* What a reload leaves behind; the leak sanitizer sees the rest. */
static void
test_again_and_again(void **state)
{
	char path[] = "/tmp/test_conf.XXXXXX";
	int fd = mkstemp(path), again, i;
	struct conf *c;

	(void)state;
	assert_int_equal(write(fd, MINIMAL, sizeof(MINIMAL) - 1),
	    sizeof(MINIMAL) - 1);
	for (i = 0; i < 200; i++) {
		c = load_file(path);
		assert_non_null(c);
		conf_free(&c);
		assert_null(load("spawnd { include(\"/nonexistent\") x = \""));
		assert_null(load("spawnd { listen a { port = 1 } "));
	}
	again = dup(fd);
	assert_int_equal(again, fd + 1);
	close(again);
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_local_address),
		cmocka_unit_test(test_local_addresses),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_default_users),
		cmocka_unit_test(test_default_user_of_the_status),
		cmocka_unit_test(test_default_user_of_the_logger),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
