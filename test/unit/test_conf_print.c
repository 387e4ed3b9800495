/*
 * Printing: what is printed loads to the same value again, in both styles;
 * the files that are shipped; and bytes that nobody would write.
 */
#include "compat.h"

#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "conf/int.h"
#include "conf_report.h"
#include "fake_netdb.h"

#define FUZZ_LOADS	20000
#define FUZZ_SECONDS	4	/* then it is enough, under valgrind */
#define FUZZ_TEXT	32768

#ifdef HAVE_PCRE2
#define MATCHES \
	"match ma { pattern = 'a(b)\\\\.' action = replace length = keep\n" \
	"with = 'x$1' direction = up limit = 4k window = 2k hold = 1s }\n"
#else
#define MATCHES ""
#endif
#define EVERYTHING \
	"spawnd {\n" \
	"listen n { address = \"localhost,127.0.0.2\" port = http relay = b\n" \
	" backlog = 7 handshake-timeout = 15\n" \
	" proxy-from = {10.0.0.0/8, '::1', unix} reserve = 4\n" \
	" access = {\"permit ::1 mon,sat-sun 22:00-06:00\"}\n" \
	" source-sessions = 3 source-rate = 4 source-burst = 5\n" \
	" source-prefix = 6 source-prefix6 = 7 over-limit = close\n" \
	" sticky = yes sticky-period = 9m sticky-size = 10 }\n" \
	"listen w { port = 0 relay = b tls = s auth = r tag = t.1\n" \
	" filters = {ra, rb}\n" \
	" v6only = yes" \
	" interface = eth0.1 freebind = yes protocol = mptcp dscp = af41\n" \
	" defer-accept = yes fastopen = 16 keepalive-idle = 90\n" \
	" keepalive-interval = 1500ms keepalive-count = 4\n" \
	" user-timeout = 20 bind-retry = 1m }\n" \
	"listen u { path = \"/r/${T_NO:-$x}\\\"\\\\'#\\x01{\" mode = 0\n" \
	" user = root group = 77 relay = a }\n" \
	"listen r { address = \"localhost, 10.0.0.1\" port = \"8000-8009\"\n" \
	" relay = a } listen z { path = \"@z\" relay = a }\n" \
	"listen k { path = /k ask = {any, socks4} users = /k.u relay = d }\n" \
	"listen v { path = /v max-sessions = 8 over-limit = queue\n" \
	"route { sni = {A.b, \"*.c.\"} alpn = {h2, x} relay = b }\n" \
	"route { from = {10.0.0.0/8, ::1, unix} relay = a }\n" \
	"route { relay = b } }\n" \
	"listen q { path = /q ask = any relay = d\n" \
	"route { target = {\"*.A:1,3-5\", '[::1]', public} relay = a } }\n" \
	"servers { min = 3 max = 5 } users { min = 6 max = 9 }\n" \
	"overload = close\n" \
	"access = {\"deny 10.9.0.0/16\", \"permit not ::1\"}\n" \
	"user = \"daemon:88\" chroot = / pidfile = '/p${T_NO}\\n'\n" \
	"control = \"/c\\$\\{T_NO}\"\n" \
	"log { to = '/l\"\\\\' facility = mail level = error\n" \
	" sessions = no sample = 1e-3 rate = 5 tcp-info = yes }\n" \
	"log x.1 { to = journald format = json level = debug }\n" \
	"log y { to = \"tcp://[::1]:601\" format = custom\n" \
	" custom = '%{client:quoted} %% $x\\\\' }\n" \
	"drain-timeout = 1500ms start-timeout = 2d shrink-after = 0\n" \
	"watchdog = 0 watchdog-kill = 3h max-generations = 4\n" \
	"batch = no sandbox = require memory = 3g\n" \
	"setenv = {\"A_1=b\", \"_=\\\"c= \"} working-directory = /\n" \
	"nice = 19 core-limit = 5m }\n" \
	"relay a {\n" \
	"remote x { address = \"twelve.test, ::1\" port = https\n" \
	"local-address = {10.0.0.8/30, \"fe80::fffe-fe80::1:2\"}\n" \
	" weight = 2 proxy-out = v2 tls = t backup = yes state = drain\n" \
	" max-sessions = 9 slow-start = 250ms\n" \
	" check { type = tls interval = 3 timeout = 40ms rise = 4 fall = 5\n" \
	" jitter = 6 port = 7 send = 'A\\x00\\r'\n" \
	" expect = \"^\\\\+B\\r\" } }\n" \
	"remote y { path = \"/$\\{T_NO}\\e\\x7f\\377\" weight = 3\n" \
	"check { } }\n" \
	"resolve = 20 resolve-at-start = later\n" \
	"balance = first rebalance = 10 retire = 11 retries = 0\n" \
	"idle-timeout = 12ms connect-timeout = 13\n" \
	"half-close-timeout = 14m buffer = 5000 io = copy\n" \
	"keepalive = no local-address = four.test }\n" \
	"relay b { remote x { address = fe80::1%1 port = 9 }\n" \
	"local-address = fe80::2%1 balance = roundrobin buffer = 8k }\n" \
	"relay d { targets { rules = {\"permit *.a.B:1,3-5\",\n" \
	"\"deny [2001:db8::/32]\", 'permit public'} private = permit\n" \
	"names = refuse prefer = ipv6 dns-timeout = 3 } }\n" \
	"tls s { certificate = {/s/a.pem, \"/s/\\\"b\"} key = {/s/k, /s/l}\n" \
	"passphrase-file = /s/p min-version = 1.3 max-version = 1.3\n" \
	"ciphers = a:b ciphersuites = C groups = g alpn = {h2, x}\n" \
	"client-ca = /s/ca client-verify = optional crl = /s/crl\n" \
	"strict-sni = yes ticket-lifetime = 1h ticket-keys = /s/tk }\n" \
	"tls t { ca = /t/ca name = db.a verify = no tickets = no }\n" \
	MATCHES \
	"program pa { command = '/p x' processes = 2 user = 'daemon:88'\n" \
	"direction = down timeout = 7s fail = pass }\n" \
	"rate ra { bytes = 2g burst = 1 direction = up }\n" \
	"fault fa { latency = 1d jitter = 5 direction = both\n" \
	"chance = 1e-9 }\n" \
	"fault fb { bandwidth = 1g enabled = no seed = 4294967295 }\n" \
	"fault fc { flip = 1e-6 } fault fd { flip-at = 4k bit = 7 }\n" \
	"fault fe { slice = 10 slice-variation = 5 slice-delay = 1ms }\n" \
	"fault ff { limit = 0 end = rst } fault fg { slow-close = 0 }\n" \
	"fault fh { drop-after = 0 timeout = 5 } fault fj { down = yes }\n" \
	"fault fi { reset-after = 1 delay = 1ms direction = up }\n" \
	"fault fk { cut-after = 30 chance = 0 }\n" \
	"rate rb { bytes = 1 burst = 3k direction = down per = relay }\n" \
	"record rc { directory = /tmp size = 1m files = 0 snap = 100\n" \
	"share = 0.25 client = {'deny ::1', 'permit all'} side = both\n" \
	"full = wait plain = yes enabled = no }\n" \
	"dump du { direction = down to = /tmp/x format = text limit = 0 }\n" \
	"auth q { command = \"/q -x 'a\" user = \"daemon:88\" }\n" \
	"auth r { path = /r processes = 3 timeout = 5ms fail = permit\n" \
	"sni = yes }\n"

static char *
print(const struct conf *conf, enum conf_style style)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(conf_print(conf, style, f), 0);
	fclose(f);
	return text;
}

static void
equal_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

/* What is a number. */
static void
equal_options(const struct conf_section *spec, const void *a, const void *b)
{
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++)
		if (o->type <= CONF_REF)
			assert_true(conf_field_get(o, a) ==
			    conf_field_get(o, b));
}

static void
equal_addrs(const struct addr *a, unsigned na, const struct addr *b,
    unsigned nb)
{
	unsigned i;

	assert_int_equal(na, nb);
	for (i = 0; i < na; i++)
		assert_int_equal(addr_cmp(&a[i], &b[i]), 0);
}

static void
equal_locals(const struct conf_local *a, unsigned na,
    const struct conf_local *b, unsigned nb)
{
	unsigned i;

	assert_int_equal(na, nb);
	for (i = 0; i < na; i++) {
		assert_int_equal(addr_cmp(&a[i].addr, &b[i].addr), 0);
		assert_int_equal(a[i].n, b[i].n);
	}
}

static void
equal_texts(const char **a, unsigned na, const char **b, unsigned nb)
{
	unsigned i;

	assert_int_equal(na, nb);
	for (i = 0; i < na; i++)
		assert_string_equal(a[i], b[i]);
}

static void
equal_routes(const struct conf_listen *a, const struct conf_listen *b)
{
	const struct conf_route *x = a->routes, *y = b->routes;
	char s[ADDR_STRLEN], t[ADDR_STRLEN];
	size_t i;

	assert_int_equal(a->nroutes, b->nroutes);
	for (; x < a->routes + a->nroutes; x++, y++) {
		equal_texts(x->sni, x->nsni, y->sni, y->nsni);
		equal_texts(x->alpn, x->nalpn, y->alpn, y->nalpn);
		assert_int_equal(x->relay, y->relay);
		assert_int_equal(x->from.n, y->from.n);
		for (i = 0; i < x->from.n; i++)
			assert_string_equal(acl_network_str(&x->from.rules[i],
			    s), acl_network_str(&y->from.rules[i], t));
	}
}

static void
equal_listens(const struct conf *a, const struct conf *b)
{
	const struct conf_listen *x, *y;
	unsigned i;

	assert_int_equal(a->nlistens, b->nlistens);
	for (i = 0; i < a->nlistens; i++) {
		x = &a->listens[i];
		y = &b->listens[i];
		equal_options(&conf_spec_listen, x, y);
		assert_string_equal(x->name, y->name);
		equal_text(x->path, y->path);
		equal_text(x->tag, y->tag);
		equal_text(x->socket.interface, y->socket.interface);
		equal_addrs(x->addr, x->naddr, y->addr, y->naddr);
		assert_int_equal(x->relay, y->relay);
		equal_routes(x, y);
		assert_int_equal(x->mode, y->mode);
		assert_int_equal(x->uid, y->uid);
		assert_int_equal(x->gid, y->gid);
	}
}

static void
equal_relays(const struct conf *a, const struct conf *b)
{
	const struct conf_relay *x, *y;
	const struct conf_remote *s, *t;
	unsigned i, j;

	assert_int_equal(a->nrelays, b->nrelays);
	for (i = 0; i < a->nrelays; i++) {
		x = &a->relays[i];
		y = &b->relays[i];
		equal_options(&conf_spec_relay, x, y);
		assert_string_equal(x->name, y->name);
		equal_locals(x->locals, x->nlocals, y->locals, y->nlocals);
		assert_int_equal(x->ntargets, y->ntargets);
		if (x->ntargets > 0)
			equal_options(&conf_spec_targets, x->targets,
			    y->targets);
		assert_int_equal(x->nremotes, y->nremotes);
		for (j = 0; j < x->nremotes; j++) {
			s = &x->remotes[j];
			t = &y->remotes[j];
			equal_options(&conf_spec_remote, s, t);
			assert_string_equal(s->name, t->name);
			equal_text(s->path, t->path);
			equal_addrs(s->addr, s->naddr, t->addr, t->naddr);
			equal_locals(s->locals, s->nlocals, t->locals,
			    t->nlocals);
			assert_int_equal(s->nchecks, t->nchecks);
			if (s->nchecks > 0)
				equal_options(&conf_spec_check, s->checks,
				    t->checks);
		}
	}
}

static void
equal_tlss(const struct conf *a, const struct conf *b)
{
	const struct conf_tls *x, *y;
	unsigned i, j;

	assert_int_equal(a->ntlss, b->ntlss);
	for (i = 0; i < a->ntlss; i++) {
		x = &a->tlss[i];
		y = &b->tlss[i];
		equal_options(&conf_spec_tls, x, y);
		assert_string_equal(x->name, y->name);
		assert_int_equal(x->ncerts, y->ncerts);
		for (j = 0; j < x->ncerts; j++)
			equal_text(x->certs[j].file, y->certs[j].file);
		assert_int_equal(x->nkeys, y->nkeys);
		for (j = 0; j < x->nkeys; j++)
			equal_text(x->keys[j], y->keys[j]);
		assert_int_equal(x->nalpn, y->nalpn);
		for (j = 0; j < x->nalpn; j++)
			equal_text(x->alpn[j], y->alpn[j]);
		equal_text(x->ciphers, y->ciphers);
		equal_text(x->server_name, y->server_name);
		equal_text(x->ticket_keys, y->ticket_keys);
	}
}

static void
equal_logs(const struct conf *a, const struct conf *b)
{
	const struct conf_log *x, *y;
	unsigned i;

	assert_int_equal(a->nlogs, b->nlogs);
	for (i = 0; (x = conf_log(a, i)) != NULL; i++) {
		y = conf_log(b, i);
		equal_options(i == 0 ? &conf_spec_log : &conf_spec_log_named,
		    x, y);
		assert_string_equal(x->name, y->name);
		equal_text(x->to, y->to);
		equal_text(x->custom, y->custom);
	}
	assert_int_equal(conf_log_level(a), conf_log_level(b));
}

static void
equal_auths(const struct conf *a, const struct conf *b)
{
	const struct conf_auth *x, *y;
	unsigned i;

	assert_int_equal(a->nauths, b->nauths);
	for (i = 0; i < a->nauths; i++) {
		x = &a->auths[i];
		y = &b->auths[i];
		equal_options(&conf_spec_auth, x, y);
		assert_string_equal(x->name, y->name);
		equal_text(x->command, y->command);
		equal_text(x->path, y->path);
		assert_int_equal(x->uid, y->uid);
		assert_int_equal(x->gid, y->gid);
	}
}

static void
equal_names(const char **a, unsigned na, const char **b, unsigned nb)
{
	unsigned i;

	assert_int_equal(na, nb);
	for (i = 0; i < na; i++)
		assert_string_equal(a[i], b[i]);
}

/* Of every kind, and who has which. */
static void
equal_filters(const struct conf *a, const struct conf *b)
{
	struct conf_filter f, g;
	unsigned i;

	assert_int_equal(conf_nfilters(a), conf_nfilters(b));
	for (i = 0; i < conf_nfilters(a); i++) {
		f = conf_filter_at(a, i);
		g = conf_filter_at(b, i);
		assert_int_equal(f.kind, g.kind);
		assert_string_equal(conf_filter_name(a, &f),
		    conf_filter_name(b, &g));
		equal_options(conf_filter_specs[f.kind].section,
		    conf_filter_name(a, &f), conf_filter_name(b, &g));
	}
	for (i = 0; i < a->nlistens; i++)
		equal_names(a->listens[i].filters, a->listens[i].nfilters,
		    b->listens[i].filters, b->listens[i].nfilters);
	for (i = 0; i < a->nrelays; i++)
		equal_names(a->relays[i].filters, a->relays[i].nfilters,
		    b->relays[i].filters, b->relays[i].nfilters);
}

static void
equal(const struct conf *a, const struct conf *b)
{
	char x[ADDR_STRLEN], y[ADDR_STRLEN];
	size_t i;

	equal_options(&conf_spec_spawnd, a, b);
	equal_options(&conf_spec_servers, a, b);
	equal_options(&conf_spec_users, a, b);
	equal_logs(a, b);
	assert_int_equal(a->acl.n, b->acl.n);
	for (i = 0; i < a->acl.n; i++)
		assert_string_equal(acl_str(&a->acl.rules[i], x),
		    acl_str(&b->acl.rules[i], y));
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->user == NULL, b->user == NULL);
	equal_text(a->chroot, b->chroot);
	equal_text(a->pidfile, b->pidfile);
	equal_text(a->control, b->control);
	equal_text(a->log.to, b->log.to);
	equal_listens(a, b);
	equal_relays(a, b);
	equal_tlss(a, b);
	equal_auths(a, b);
	equal_filters(a, b);
}

/* Print, load, print: the same text, the same value. */
static void
fixpoint(const struct conf *conf, enum conf_style style)
{
	struct conf *again;
	char *first, *second;

	first = print(conf, style);
	again = load_ok(first);
	equal(conf, again);
	second = print(again, style);
	assert_string_equal(first, second);
	free(first);
	free(second);
	conf_free(&again);
}

static void
test_everything(void **state)
{
	struct conf *c;

	(void)state;
	unsetenv("T_NO");
	c = load_ok(EVERYTHING);
	assert_string_equal(c->listens[2].path, "/r/$x\"\\'#\x01{");
	assert_string_equal(c->pidfile, "/p${T_NO}\\n");
	assert_string_equal(c->control, "/c${T_NO}");
	assert_string_equal(c->log.to, "/l\"\\");
	assert_string_equal(c->relays[0].remotes[1].path,
	    "/${T_NO}\033\x7f\377");
	assert_int_equal(c->listens[1].socket.dscp, 34);
	assert_int_equal(c->listens[0].tls, CONF_NOREF);
	assert_int_equal(c->listens[1].tls, 0);
	assert_int_equal(c->relays[0].remotes[0].tls, 1);
	assert_int_equal(c->tlss[0].max_version, 0x304);
	fixpoint(c, CONF_AS_WRITTEN);
	fixpoint(c, CONF_RESOLVED);
	conf_free(&c);
}

/* Whether name stands in text as an option or a section does. */
static bool
stands(const char *text, const char *name)
{
	const char *p;
	size_t len = strlen(name);

	for (p = text; (p = strstr(p, name)) != NULL; p += len)
		if ((p == text || !(isalnum((unsigned char)p[-1]) ||
		    p[-1] == '-')) && (strncmp(p + len, " = ", 3) == 0 ||
		    strncmp(p + len, " is not s", 9) == 0 ||
		    p[len + strcspn(p + len, "{\n")] == '{'))
			return true;
	return false;
}

static void
all_stand(const char *text, const struct conf_section *spec)
{
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++) {
		if (*MATCHES == '\0' && strcmp(o->name, "match") == 0)
			continue;
		if (!stands(text, o->type == CONF_SECTION ?
		    o->section->name : o->name))
			fail_msg("no %s in %s", o->name, text);
		if (o->section != NULL)
			all_stand(text, o->section);
	}
}

/* Every option is printed; in the style for workers, nothing is looked up. */
static void
test_complete(void **state)
{
	struct conf *c = load_ok(EVERYTHING);
	char *text = print(c, CONF_AS_WRITTEN);

	(void)state;
	all_stand(text, &conf_spec_root);
	assert_non_null(strstr(text, "\"localhost,127.0.0.2\""));
	assert_non_null(strstr(text, "port = \"http\"\n"));
	assert_non_null(strstr(text, "port = 0\n"));
	assert_non_null(strstr(text, "address = \"*\"\n"));
	assert_non_null(strstr(text, "user = \"daemon:88\"\n"));
	free(text);
	text = print(c, CONF_RESOLVED);
	all_stand(text, &conf_spec_root);
	assert_null(strstr(text, "localhost"));
	assert_null(strstr(text, ".test"));
	assert_null(strstr(text, "http"));
	assert_null(strstr(text, "root\""));
	assert_non_null(strstr(text, "\"::1, 127.0.0.1, 127.0.0.2\""));
	assert_non_null(strstr(text, "port = 443\n"));
	assert_non_null(strstr(text, "user = \"1:88\"\n"));
	assert_non_null(strstr(text, "local-address = {\"10.0.4.0\"}\n"));
	assert_non_null(strstr(text, "local-address = "
	    "{\"10.0.0.8-10.0.0.11\", \"fe80::fffe-fe80::1:2\"}\n"));
	free(text);
	conf_free(&c);
}

static void
test_full(void **state)
{
	struct conf *c = load_ok(EVERYTHING);
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	if (f != NULL) {
		assert_int_equal(conf_print(c, CONF_RESOLVED, f), -1);
		fclose(f);
	}
	conf_free(&c);
}

/*
 * The files that are shipped.
 */

static glob_t files;

/* From the folder of the build or the sources, wherever that is. */
static int
setup(void **state)
{
	const char *dirs[] = { getenv("SRCDIR"), getenv("srcdir"), ".",
		"..", "../.." };
	char path[4096];
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(dirs); i++) {
		if (dirs[i] == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/etc/spawnd.conf", dirs[i]);
		if (glob(path, 0, NULL, &files) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/etc/examples/*.conf",
		    dirs[i]);
		return glob(path, GLOB_APPEND, NULL, &files);
	}
	fprintf(stderr, "etc/spawnd.conf is not to be found\n");
	return -1;
}

static int
teardown(void **state)
{
	(void)state;
	globfree(&files);
	return 0;
}

static char *
slurp(const char *path)
{
	static char buf[FUZZ_TEXT];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	assert_true(n < sizeof(buf) - 1);
	buf[n] = '\0';
	fclose(f);
	return buf;
}

static void
test_examples(void **state)
{
	struct conf *c;
	size_t i;

	(void)state;
	assert_true(files.gl_pathc >= 7);
	for (i = 0; i < files.gl_pathc; i++) {
		c = load_file(files.gl_pathv[i]);
		assert_string_equal(said.text, "");
		assert_non_null(c);
		fixpoint(c, CONF_AS_WRITTEN);
		fixpoint(c, CONF_RESOLVED);
		conf_free(&c);
	}
}

/* In spawnd.conf "#name = value" is an option and its default. */
static void
test_sample(void **state)
{
	struct conf *c, *d;
	char *text = slurp(files.gl_pathv[0]), *p;
	unsigned n = 0;

	(void)state;
	all_stand(text, &conf_spec_root);
	c = load_ok(text);
	assert_int_equal(c->nlistens, 1);
	assert_string_equal(c->listens[0].address, "127.0.0.1");
	assert_string_equal(c->listens[0].port, "8080");
	assert_string_equal(c->relays[0].remotes[0].port, "8081");
	for (p = text; (p = strchr(p, '#')) != NULL; p++)
		if (islower((unsigned char)p[1])) {
			*p = ' ';
			n++;
		}
	assert_true(n >= 30);
	d = load_ok(text);
	equal(c, d);
	conf_free(&c);
	conf_free(&d);
}

/*
 * Bytes that nobody would write.
 */

static uint32_t seed = 20;

static uint32_t
dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static void
mutate(char *text)
{
	static const char *const words[] = { "{", "}", "\"", "'", "=", "+=",
		"${", "${T_NO:-x}", "}", "/*", "*/", "//", "#", "\\", "\\x4",
		"\\0", ",", "(", ")", "include(/dev/null)", "listen x {",
		"spawnd {", "relay y {", "remote z {", "\n", "port = 0",
		"address = localhost", "path = /x", "-1", "99999999999999999",
		"*", "::", "access += {\"deny all\"}", "1ms", "\xff", "\r" };
	size_t len = strlen(text), at = dice(len + 1), n;
	const char *word;

	switch (dice(4)) {
	case 0:
		if (at < len)
			text[at] = 1 + dice(255);
		break;
	case 1:
		n = dice(len - at + 1) % 20;
		memmove(text + at, text + at + n, len - at - n + 1);
		break;
	default:
		word = words[dice(nitems_of(words))];
		if (len + strlen(word) >= FUZZ_TEXT)
			break;
		memmove(text + at + strlen(word), text + at, len - at + 1);
		memcpy(text + at, word, strlen(word));
		break;
	}
}

/* What libconfuse says itself has slipped through conf_scan.c. */
static void
slipped(const char *text)
{
	static const char *const words[] = { "unexpected", "premature",
		"no such option", "missing ", "unterminated", "bad escape",
		"invalid", "no sub-section", "append to", "enough memory" };
	char *own = strdup(said.text), *p;
	size_t i;

	/* But for what PCRE2 says. */
	while ((p = strstr(own, " is wrong at offset ")) != NULL)
		memset(p, '-', strcspn(p, "\n"));
	for (i = 0; i < nitems_of(words); i++)
		if (strstr(own, words[i]) != NULL)
			fail_msg("%s\nin:\n%s", said.text, text);
	free(own);
}

static void
test_fuzz(void **state)
{
	static char text[FUZZ_TEXT];
	struct conf *c;
	clock_t start = clock();
	unsigned i, good = 0;
	uint32_t n;

	(void)state;
	for (i = 0; i < FUZZ_LOADS; i++) {
		n = dice(files.gl_pathc + 1);
		strlcpy(text, n == files.gl_pathc ? EVERYTHING :
		    slurp(files.gl_pathv[n]), sizeof(text));
		for (n = 1 + dice(6); n > 0; n--)
			mutate(text);
		c = load(text);
		assert_int_equal(c == NULL, said.mistakes > 0);
		slipped(text);
		if (c != NULL && good++ % 16 == 0 && said.n == 0)
			fixpoint(c, CONF_RESOLVED);
		conf_free(&c);
		if (clock() - start > FUZZ_SECONDS * CLOCKS_PER_SEC)
			break;
	}
	assert_true(good > i / 100 && good < i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_fuzz),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
