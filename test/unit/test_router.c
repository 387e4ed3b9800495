/*
 * Routes: the one found is the first of those that hold when they are read one
 * after the other, and looking for it takes no longer where there are many.
 */
#include "compat.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "conf_report.h"
#include "dest/dest.h"
#include "fake_netdb.h"
#include "router.h"

#define RELAY	"relay a { remote r { address = 127.0.0.1 port = 81 } }\n"
#define MANY	10000

static uint32_t seed = 11;

static unsigned
any(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static struct source
source_of(const char *host)
{
	struct addr a;
	struct source s;

	memset(&s, 0, sizeof(s));
	if (strcmp(host, "unix") == 0) {
		s.family = AF_UNIX;
		return s;
	}
	memset(&a, 0, sizeof(a));
	if (strchr(host, ':') != NULL) {
		a.in6.sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, host, &a.in6.sin6_addr),
		    1);
	} else {
		a.in.sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, host, &a.in.sin_addr), 1);
	}
	source_set(&s, &a.sa);
	return s;
}

static int
find(const struct router *r, const char *name, const char *alpn,
    const char *host)
{
	const struct source s = source_of(host);
	const struct asked a = { .name = name, .alpn = alpn, .source = &s };

	return router_find(r, &a);
}

static int
aimed(const struct router *r, const char *host, uint16_t port)
{
	const struct source s = source_of("10.1.2.3"), to = source_of(
	    *host < 'a' ? host : "::");
	struct dest d = { .port = port };
	const struct asked a = { .source = &s, .target = &d };

	if (*host >= 'a')
		strlcpy(d.host, host, sizeof(d.host));
	else
		source_addr(&to, &d.addr);
	return router_find(r, &a);
}

static struct conf *
routes(const char *text)
{
	static char all[65536];
	struct conf *c;

	snprintf(all, sizeof(all), "spawnd { listen w { port = 80\n%s } }\n"
	    RELAY "%s", text, strstr(text, "relay = b") != NULL ?
	    "relay b { targets { } }\n" : "");
	if ((c = load(all)) == NULL)
		fail_msg("%s", said.text);
	return c;
}

static void
test_targets(void **state)
{
	struct conf *c = routes("ask = any address = 127.0.0.1 relay = b\n"
	    "route { target = {\"db.A:5432\", \"10.0.0.0/8:22,80-81\"} "
	    "relay = a }\n"
	    "route { target = \"*.a\" from = \"10.0.0.0/8\" relay = a }\n"
	    "route { target = \"*.a\" from = \"11.0.0.0/8\" relay = a }\n"
	    "route { target = \"[::1]\" relay = a }\n"
	    "route { target = public relay = a }\n"
	    "route { target = \"*:443\" relay = a }\n"
	    "route { from = \"10.0.0.0/8\" relay = b }");
	struct router *r = router_new(&c->listens[0]);
	const struct source s = source_of("10.1.2.3");
	const struct dest none = { .port = 443 };
	const struct asked neither = { .source = &s, .target = &none };

	(void)state;
	assert_non_null(r);
	assert_int_equal(aimed(r, "db.a", 5432), 0);
	assert_int_equal(aimed(r, "db.a", 5433), 1);
	assert_int_equal(aimed(r, "10.9.9.9", 22), 0);
	assert_int_equal(aimed(r, "10.9.9.9", 443), 5);
	assert_int_equal(aimed(r, "::1", 1), 3);
	assert_int_equal(aimed(r, "8.8.8.8", 443), 4);
	assert_int_equal(aimed(r, "a", 443), 5);
	assert_int_equal(aimed(r, "a", 442), 6);
	assert_int_equal(router_find(r, &neither), 6);
	assert_int_equal(find(r, NULL, NULL, "10.1.2.3"), 6);
	router_free(&r);
	conf_free(&c);
}

static void
test_names(void **state)
{
	struct conf *c = routes(
	    "route { sni = {A.example, \"*.B.example\"} relay = a }\n"
	    "route { sni = {\"*.example.\", \"c.d.e.\"} relay = a }\n"
	    "route { sni = {\"*.a.example\", b.example} relay = a }");
	struct router *r = router_new(&c->listens[0]);

	(void)state;
	assert_non_null(r);
	assert_true(router_sniffs(r));
	assert_int_equal(find(r, "a.example", NULL, "::1"), 0);
	assert_int_equal(find(r, "x.b.example", NULL, "::1"), 0);
	assert_int_equal(find(r, "x.y.b.example", NULL, "::1"), 0);
	assert_int_equal(find(r, "b.example", NULL, "::1"), 1);
	assert_int_equal(find(r, "xb.example", NULL, "::1"), 1);
	assert_int_equal(find(r, "x.a.example", NULL, "::1"), 1);
	assert_int_equal(find(r, "c.d.e", NULL, "::1"), 1);
	assert_int_equal(find(r, "x.c.d.e", NULL, "::1"), -1);
	assert_int_equal(find(r, "example", NULL, "::1"), -1);
	assert_int_equal(find(r, "a", NULL, "::1"), -1);
	assert_int_equal(find(r, NULL, "h2", "::1"), -1);
	router_free(&r);
	router_free(&r);
	conf_free(&c);
}

static void
test_all_hold(void **state)
{
	struct conf *c = routes(
	    "route { sni = x alpn = {h2, \"http/1.1\"} from = 10.0.0.0/8\n"
	    " relay = a }\n"
	    "route { sni = x alpn = h2 relay = a }\n"
	    "route { alpn = h3 from = {unix, 2001:db8::/32} relay = a }\n"
	    "route { from = {10.1.0.0/16, unix} relay = a }\n"
	    "route { alpn = h relay = a }\n"
	    "route { sni = x relay = a }");
	struct router *r = router_new(&c->listens[0]);

	(void)state;
	assert_int_equal(find(r, "x", "a,h2", "10.2.3.4"), 0);
	assert_int_equal(find(r, "x", "http/1.1", "10.2.3.4"), 0);
	assert_int_equal(find(r, "x", "http/1.1", "11.2.3.4"), 5);
	assert_int_equal(find(r, "x", "h2", "11.2.3.4"), 1);
	assert_int_equal(find(r, "x", "h3,h2", "2001:db8::1"), 1);
	assert_int_equal(find(r, "y", "h3,h2", "2001:db8::1"), 2);
	assert_int_equal(find(r, NULL, "h3", "unix"), 2);
	assert_int_equal(find(r, NULL, NULL, "unix"), 3);
	assert_int_equal(find(r, NULL, "h2", "10.1.2.3"), 3);
	assert_int_equal(find(r, NULL, "h2", "10.2.2.3"), -1);
	assert_int_equal(find(r, NULL, "h", "10.2.2.3"), 4);
	assert_int_equal(find(r, "x", NULL, "10.2.2.3"), 5);
	router_free(&r);
	conf_free(&c);
}

static void
test_no_sniffing(void **state)
{
	struct conf *c = routes("route { from = 10.0.0.0/8 relay = a }\n"
	    "route { from = 0.0.0.0/0 relay = a } route { relay = a }");
	struct router *r = router_new(&c->listens[0]);

	(void)state;
	assert_false(router_sniffs(r));
	assert_int_equal(find(r, NULL, NULL, "10.0.0.1"), 0);
	assert_int_equal(find(r, NULL, NULL, "11.0.0.1"), 1);
	assert_int_equal(find(r, NULL, NULL, "::1"), 2);
	assert_int_equal(find(r, NULL, NULL, "unix"), 2);
	router_free(&r);
	conf_free(&c);
}

/*
 * Against the routes read one after the other.
 */

static const char *const names[] = { "a", "b", "a.b", "b.a", "a.a.b", "c" };
static const char *const below[] = { "*.a", "*.b", "*.a.b", "a", "a.b", "c" };
static const char *const alpns[] = { "h2", "h3", "x", "h2,x", "h3,h2", "z" };
static const char *const nets[] = { "10.0.0.0/8", "10.1.0.0/16", "unix",
	"10.1.2.3", "::/0", "2001:db8::/33" };
static const char *const hosts[] = { "10.0.0.1", "10.1.0.1", "10.1.2.3",
	"unix", "::1", "2001:db8::1" };

static bool
below_is(const char *pattern, const char *name)
{
	size_t len = strlen(name), n = strlen(pattern) - 1;

	if (*pattern != '*')
		return strcmp(pattern, name) == 0;
	return len > n && strcmp(name + len - n, pattern + 1) == 0;
}

static bool
one_holds(const struct conf_route *r, const char *name, const char *alpn,
    const struct source *s)
{
	bool sni = r->nsni == 0, proto = r->nalpn == 0;
	char list[64], want[64];
	unsigned i;

	for (i = 0; i < r->nsni && name != NULL; i++)
		sni |= below_is(r->sni[i], name);
	snprintf(list, sizeof(list), ",%s,", alpn == NULL ? "" : alpn);
	for (i = 0; i < r->nalpn; i++) {
		snprintf(want, sizeof(want), ",%s,", r->alpn[i]);
		proto |= strstr(list, want) != NULL;
	}
	return sni && proto &&
	    (r->from.n == 0 || acl_first(&r->from, s, 0) != NULL);
}

static bool
put_some(char *text, size_t size, const char *option,
    const char *const *values, size_t n)
{
	char one[128];

	if (any(2) == 0)
		return false;
	snprintf(one, sizeof(one), " %s = {\"%s\", \"%s\"}", option,
	    values[any((unsigned)n)], values[any((unsigned)n)]);
	strlcat(text, one, size);
	return true;
}

static void
compare(const struct conf_listen *l, const struct router *r)
{
	const char *name = any(4) == 0 ? NULL : names[any(6)];
	const char *alpn = any(3) == 0 ? NULL : alpns[any(6)];
	const char *host = hosts[any(6)];
	const struct source s = source_of(host);
	unsigned i = 0;

	while (i < l->nroutes && !one_holds(&l->routes[i], name, alpn, &s))
		i++;
	assert_int_equal(find(r, name, alpn, host),
	    i < l->nroutes ? (int)i : -1);
}

static void
test_random(void **state)
{
	static char text[8192];
	struct router *r;
	struct conf *c;
	unsigned i, k, n;
	bool some;

	(void)state;
	for (i = 0; i < 300; i++) {
		*text = '\0';
		for (k = 0, n = 1 + any(12); k < n; k++) {
			strlcat(text, "route { relay = a", sizeof(text));
			some = put_some(text, sizeof(text), "sni", below, 6);
			some |= put_some(text, sizeof(text), "alpn", alpns, 3);
			some |= put_some(text, sizeof(text), "from", nets, 6);
			if (!some && k + 1 < n)
				strlcat(text, " sni = c", sizeof(text));
			strlcat(text, " }\n", sizeof(text));
		}
		c = routes(text);
		r = router_new(&c->listens[0]);
		for (k = 0; k < 100; k++)
			compare(&c->listens[0], r);
		router_free(&r);
		conf_free(&c);
	}
}

/*
 * Many.
 */

static struct conf_listen
many(unsigned n, bool wild)
{
	struct conf_listen l = { .nroutes = n };
	char name[64];
	unsigned i;

	l.routes = calloc(n, sizeof(*l.routes));
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%shost-%u.example",
		    wild ? "*." : "", i);
		l.routes[i].sni = calloc(1, sizeof(char *));
		l.routes[i].sni[0] = strdup(name);
		l.routes[i].nsni = 1;
	}
	return l;
}

static void
many_free(struct conf_listen *l)
{
	unsigned i;

	for (i = 0; i < l->nroutes; i++) {
		free((char *)(uintptr_t)l->routes[i].sni[0]);
		free(l->routes[i].sni);
	}
	free(l->routes);
}

/* Seconds for as many questions as there may be routes. */
static double
ask(unsigned n, bool wild)
{
	struct conf_listen l = many(n, wild);
	struct router *r = router_new(&l);
	const struct source s = source_of("10.0.0.1");
	struct asked a = { .source = &s };
	char name[64];
	clock_t start = clock();
	unsigned i;

	assert_non_null(r);
	a.name = name;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%shost-%u.example",
		    wild ? "x." : "", i % n);
		assert_int_equal(router_find(r, &a), i % n);
	}
	router_free(&r);
	many_free(&l);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* One after the other it would be a thousand times as much. */
static void
test_many(void **state)
{
	double few, lots;
	int wild;

	(void)state;
	for (wild = 0; wild < 2; wild++) {
		few = ask(10, wild);
		lots = ask(MANY, wild);
		print_message("%d questions, %s: 10 routes %.1f ms, %d "
		    "routes %.1f ms\n", MANY, wild ? "below" : "names",
		    few * 1000, MANY, lots * 1000);
		assert_true(lots < few * 50 + 0.05);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_all_hold),
		cmocka_unit_test(test_no_sniffing),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
