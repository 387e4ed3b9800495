/*
 * Handing over: what was encoded decodes to the same value; every row of the
 * table is in it; no bytes whatever crash the reader; releases that know other
 * options understand one another.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "conf/int.h"
#include "conf/resolve.h"
#include "conf_report.h"
#include "fake_netdb.h"
#include "shm.h"

#define SMALL \
	"spawnd { listen w { port = 80 relay = b\n" \
	"access = {\"permit ::1 mon-fri 22:00-06:00\"}\n" \
	"proxy-from = {10.0.0.0/8, unix} route { sni = {a.b, \"*.c\"}\n" \
	"alpn = h2 from = {10.0.0.0/8, unix} relay = b } }\n" \
	"listen u { path = /u mode = 0640 user = 7 group = 8 relay = a }\n" \
	"access = {\"deny 10.9.0.0/16\", \"permit not ::1\"}\n" \
	"user = \"daemon:88\" log { to = syslog }\n" \
	"log n { to = /n format = custom custom = 'x' } }\n" \
	"relay a { remote x { address = \"::1, 127.0.0.2\" port = 81 }\n" \
	"local-address = {127.0.0.1, 2001:db8::/112} }\n" \
	"relay b { remote y { path = /y weight = 4 } }\n" \
	"tls s { certificate = {/a, /b} key = {/c, /d} alpn = h2 }\n" \
	"tls t { passphrase = \"not handed over\" }\n" \
	"auth q { command = \"/q a\" user = 7 }\n"

static const char *err;

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
same_print(const struct conf *a, const struct conf *b, enum conf_style style)
{
	char *x = print(a, style), *y = print(b, style);

	assert_string_equal(x, y);
	free(x);
	free(y);
}

/* The same printed in both styles, and encoded. */
static void
same(const struct conf *a, const struct conf *b)
{
	size_t na, nb;
	char *x = conf_encode(a, &na), *y = conf_encode(b, &nb);

	same_print(a, b, CONF_AS_WRITTEN);
	same_print(a, b, CONF_RESOLVED);
	assert_int_equal(na, nb);
	assert_memory_equal(x, y, na);
	free(x);
	free(y);
}

static struct conf *
decode_ok(const void *value, size_t len)
{
	struct conf *c = conf_decode(value, len, &err);

	if (c == NULL)
		fail_msg("%s", err);
	return c;
}

static void
round_trip(const struct conf *c)
{
	struct conf *d;
	size_t len;
	char *value = conf_encode(c, &len);

	assert_non_null(value);
	d = decode_ok(value, len);
	memset(value, 0xff, len);
	free(value);
	same(c, d);
	conf_free(&d);
}

/*
 * Every row.
 */

static void
change_locals(struct conf_local *l, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		assert_true(resolve_host(i == 0 ? "10.1.2.3" : "::7", "0",
		    false, &l[i].addr, 1, &err) == 1);
		l[i].n = i + 1;
	}
}

static void
change_texts(struct conf *c, const struct conf_opt *o, void *base)
{
	static const char *const texts[] = { "/changed", "changed", "A=b",
	    "any",
	    "permit *" };
	struct conf_array a = conf_field_array(o, base);
	const char *text;
	struct conf_cert *cert;
	unsigned i = 0;

	while (o->wrong != NULL && o->wrong(texts[i]) != NULL)
		assert_true(++i < nitems_of(texts));
	text = texts[i];
	a.n = a.n == 1 ? 2 : 1;
	a.items = conf_alloc(c, a.n * conf_field_item_size(o));
	memcpy(a.items, &text, sizeof(text));
	memcpy(a.items + (a.n - 1) * conf_field_item_size(o), &text,
	    sizeof(text));
	if (o->type == CONF_CERTS) {
		cert = (void *)a.items;
		cert->name = "a.test";
		cert->until = 7;
		cert->warn = 5;
	}
	if (o->type == CONF_LOCALS)
		change_locals((void *)a.items, a.n);
	conf_field_set_array(o, base, &a);
}

/* Another value than there is, and one that the row allows. */
static void
change(struct conf *c, const struct conf_opt *o, void *base)
{
	uint64_t n = conf_field_get(o, base);
	struct conf_array a;
	struct addr *addr;

	switch (o->type) {
	case CONF_WORD:
		conf_field_set(o, base, (uint64_t)o->words[
		    (uint64_t)o->words[0].value == n].value);
		break;
	case CONF_BOOL:
		conf_field_set(o, base, !n);
		break;
	case CONF_MODE:
		conf_field_set(o, base, 0123);
		break;
	case CONF_REF:
		conf_field_set(o, base, !n);
		break;
	case CONF_NUMBER:
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_SHARE:
		conf_field_set(o, base, n == 0 || n == CONF_NONE ?
		    o->min + (o->min == 0) :
		    n < o->max ? n + 1 : n - 1);
		break;
	case CONF_USER:
		conf_field_set_id(o, base, 1, 12);
		/* FALLTHROUGH */
	case CONF_UID:
	case CONF_GID:
		conf_field_set_id(o, base, 0, 11);
		/* FALLTHROUGH */
	case CONF_PATH:
	case CONF_SOCKET:
		conf_field_set_text(o, base, "/changed");
		break;
	case CONF_PORT:
		conf_field_set_text(o, base, "4711");
		break;
	case CONF_HOSTS:
		a.n = 1;
		a.items = conf_alloc(c, sizeof(*addr));
		addr = (void *)a.items;
		assert_true(resolve_host("10.1.2.3", "99", false, addr, 1,
		    &err) == 1);
		conf_field_set_text(o, base, "changed");
		conf_field_set_array(o, base, &a);
		break;
	case CONF_TEXT:
		conf_field_set_text(o, base, "changed");
		break;
	case CONF_TEXTS:
	case CONF_CERTS:
	case CONF_LOCALS:
		change_texts(c, o, base);
		break;
	default:
		fail_msg("%s: a type without a test", o->name);
	}
}

static void
change_one(struct conf *c, const struct conf *was, const struct conf_opt *o,
    void *base)
{
	struct acl *acl = (void *)((char *)base + o->offset);
	char *before = print(was, CONF_AS_WRITTEN), *after;
	char *resolved = print(was, CONF_RESOLVED), *after_resolved;

	if (o->networks && acl->n > 0)
		acl->n--;
	else if (o->networks)
		*acl = was->listens[0].proxy_from;
	else if (o->type == CONF_RULES && acl->n == 0)
		*acl = was->acl;
	else if (o->type == CONF_RULES && acl->rules[0].window.days != 0)
		acl->rules[0].window.to++;
	else if (o->type == CONF_RULES)
		acl->rules[0].permit = !acl->rules[0].permit;
	else
		change(c, o, base);
	after = print(c, CONF_AS_WRITTEN);
	after_resolved = print(c, CONF_RESOLVED);
	if (strcmp(before, after) == 0 &&
	    strcmp(resolved, after_resolved) == 0)
		fail_msg("%s is not printed", o->name);
	free(before);
	free(after);
	free(resolved);
	free(after_resolved);
}

/* Changes the option of that number in the order of the tables, of the first
 * section of each kind that has it. False: there are fewer. */
static bool
change_nth(struct conf *c, const struct conf *was,
    const struct conf_section *spec, void *base, unsigned *n)
{
	bool is_unix = conf_field_is_unix(spec, base);
	const struct conf_opt *o;
	struct conf_array a;
	unsigned i;

	for (o = spec->opts; o->name != NULL; o++) {
		if (o->type != CONF_SECTION) {
			if (conf_field_unused(o, is_unix) ||
			    o->type == CONF_SECRET || (*n)-- > 0)
				continue;
			change_one(c, was, o, base);
			return true;
		}
		if (o->section->size == 0) {
			if (change_nth(c, was, o->section,
			    (char *)base + o->offset, n))
				return true;
			continue;
		}
		a = conf_field_array(o, base);
		for (i = 0; i < a.n; i++)
			if (change_nth(c, was, o->section,
			    a.items + i * o->section->size, n))
				return true;
	}
	return false;
}

/* What the table promises to the files that walk it. */
static void
look_at(const struct conf_section *spec)
{
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++) {
		assert_ptr_equal(conf_spec_find(spec, o->name), o);
		if (o->type == CONF_SECTION)
			look_at(o->section);
		else if (o->type < CONF_MODE)
			assert_int_equal(o->def == NULL, o->optional);
	}
	assert_true(o - spec->opts <= CONF_OPTS);
}

static void
test_table(void **state)
{
	(void)state;
	look_at(&conf_spec_root);
}

static void
test_every_row(void **state)
{
	struct conf *c, *was = load_ok(SMALL);
	unsigned i, n;
	bool more;

	(void)state;
	round_trip(was);
	for (i = 0, more = true; more; i++) {
		c = load_ok(SMALL);
		n = i;
		more = change_nth(c, was, &conf_spec_root, c, &n);
		/* A range of the table may be one of its own relations. */
		if (c->servers_min <= c->servers_max &&
		    c->users_min <= c->users_max)
			round_trip(c);
		conf_free(&c);
	}
	assert_true(i > 50);
	conf_free(&was);
}

/* What only the reader of the file is to know stays with it. */
static void
test_secrets(void **state)
{
	static const char secret[] = "not handed over";
	struct conf *c = load_ok(SMALL), *d;
	char *value, *text;
	size_t len;

	(void)state;
	assert_string_equal(c->tlss[1].passphrase, secret);
	value = conf_encode(c, &len);
	assert_non_null(value);
	assert_null(memmem(value, len, secret, strlen(secret)));
	text = print(c, CONF_AS_WRITTEN);
	assert_null(strstr(text, secret));
	d = decode_ok(value, len);
	assert_null(d->tlss[1].passphrase);
	free(text);
	free(value);
	conf_free(&d);
	conf_free(&c);
}

/* With another program than relay a listener leads to none. */
static void
test_no_relay(void **state)
{
	struct conf *c = load_ok("spawnd { listen w { port = 80 } spawn {\n"
	    "exec = /bin/sh arguments = {-x, \"y z\"} } }\n"), *d;
	char *text = print(c, CONF_AS_WRITTEN);
	void *value;
	size_t len;

	(void)state;
	assert_int_equal(c->nrelays, 0);
	assert_int_equal(c->listens[0].relay, CONF_NOREF);
	assert_null(conf_listen_relay(c, c->listens));
	assert_string_equal(conf_relay_name(c, c->listens), "-");
	assert_string_equal(c->exec_args[1], "y z");
	round_trip(c);
	d = load_ok(text);
	same(c, d);
	free(text);
	conf_free(&d);
	c->exec = NULL;
	assert_non_null(value = conf_encode(c, &len));
	assert_null(conf_decode(value, len, &err));
	free(value);
	conf_free(&c);
}

static void
test_fd(void **state)
{
	struct conf *c = load_ok(SMALL), *d;
	int fd = shm_create("test", 0);

	(void)state;
	assert_true(fd != -1);
	assert_null(conf_get(fd, &err));
	assert_int_equal(conf_put(c, fd), 0);
	d = conf_get(fd, &err);
	assert_non_null(d);
	same(c, d);
	assert_int_equal(pwrite(fd, "x", 1, 5), 1);
	assert_null(conf_get(fd, &err));
	assert_string_equal(err, "this is no configuration");
	assert_null(conf_get(-1, &err));
	assert_int_equal(conf_put(c, -1), -1);
	assert_int_equal(errno, EBADF);
	close(fd);
	conf_free(&c);
	conf_free(&d);
}

/*
 * Bytes of somebody who is not to be trusted.
 */

static void
test_truncated(void **state)
{
	struct conf *c = load_ok(SMALL), *d;
	size_t len, i;
	char *value = conf_encode(c, &len), *part;
	uint32_t all;

	(void)state;
	for (i = 0; i < len; i++) {
		part = malloc(i);
		memcpy(part, value, i);
		assert_null(conf_decode(part, i, &err));
		assert_non_null(err);
		/* and the same if the length agrees */
		all = (uint32_t)i;
		if (i >= 16)
			memcpy(part + 12, &all, sizeof(all));
		d = conf_decode(part, i, &err);
		assert_null(d);
		free(part);
	}
	free(value);
	conf_free(&c);
}

/* What is taken can be used. */
static void
try(const char *value, size_t len)
{
	char *copy = malloc(len), *text;
	struct conf *c;

	memcpy(copy, value, len);
	err = NULL;
	c = conf_decode(copy, len, &err);
	free(copy);
	if (c == NULL) {
		assert_true(err != NULL && *err != '\0');
		return;
	}
	text = print(c, CONF_RESOLVED);
	free(text);
	round_trip(c);
	conf_free(&c);
}

static void
test_flipped(void **state)
{
	static const unsigned char other[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct conf *c = load_ok(SMALL);
	size_t len, i, k;
	char *value = conf_encode(c, &len), was;

	(void)state;
	for (i = 0; i < len; i++) {
		was = value[i];
		for (k = 0; k < nitems_of(other); k++) {
			value[i] = (char)other[k];
			try(value, len);
		}
		value[i] = (char)(was + 1);
		try(value, len);
		value[i] = was;
	}
	free(value);
	conf_free(&c);
}

static void
test_random(void **state)
{
	struct conf *c = load_ok(SMALL);
	size_t len, i, k;
	char *value = conf_encode(c, &len), *copy = malloc(len);
	uint32_t seed = 7;

	(void)state;
	for (i = 0; i < 5000; i++) {
		memcpy(copy, value, len);
		for (k = 0; k < 3; k++) {
			seed = seed * 1664525 + 1013904223;
			copy[(seed >> 8) % len] = (char)(seed >> 4);
		}
		try(copy, len);
	}
	free(copy);
	free(value);
	conf_free(&c);
}

static void
expect_bad(const struct conf *c, const char *want)
{
	size_t len;
	char *value = conf_encode(c, &len);

	assert_non_null(value);
	assert_null(conf_decode(value, len, &err));
	assert_string_equal(err, want);
	free(value);
}

static void
test_wrong(void **state)
{
	struct conf *c = load_ok(SMALL);

	(void)state;
	c->servers_min = 9;
	expect_bad(c, "servers: min is greater than max");
	c->servers_min = 0;
	expect_bad(c, "min is out of range");
	c->servers_min = 2;
	c->listens[0].relay = 2;
	expect_bad(c, "relay is none of 2");
	c->listens[0].relay = CONF_NOREF;
	c->listens[0].nroutes = 0;
	expect_bad(c, "relay is none of 2");
	c->listens[0].relay = 0;
	c->listens[0].nroutes = 1;
	c->listens[0].routes[0].relay = CONF_NOREF;
	expect_bad(c, "relay is none of 2");
	c->listens[0].routes[0].relay = 0;
	c->listens[0].routes[0].sni[0] = "a..b";
	expect_bad(c, "sni has a value that is not right");
	c->listens[0].routes[0].sni[0] = "a.b";
	c->nlistens = 0;
	expect_bad(c, "there is no listen");
	c->nlistens = 1;
	/* Its name may be looked up later, at a port that is a number. */
	c->relays[0].remotes[0].naddr = 0;
	c->relays[0].remotes[0].port = "http";
	expect_bad(c, "port or address is missing");
	c->relays[0].remotes[0].address = NULL;
	expect_bad(c, "port or address is missing");
	c->relays[0].remotes[0].path = "x";
	expect_bad(c, "path is no path of a socket");
	c->relays[0].remotes[0].path = "/x";
	c->chroot = "x";
	expect_bad(c, "chroot is no path");
	c->chroot = NULL;
	c->user = NULL;
	expect_bad(c, "user has no number");
	c->uid = c->gid = CONF_NOID;
	c->relays[1].balance = 77;
	expect_bad(c, "balance has a word that is not known");
	c->relays[1].balance = BALANCE_RANDOM;
	strlcpy(c->relays[1].name, "a b", CONF_NAME);
	expect_bad(c, "a section has a name that none may have");
	conf_free(&c);
}

/*
 * Releases that know other options: the name of a row is another one to them.
 */

static void
rename_row(char *value, size_t len, const char *name, const char *other)
{
	uint32_t size = (uint32_t)strlen(name) + 1;
	size_t i, n = 0;

	assert_int_equal(strlen(name), strlen(other));
	for (i = 0; i + sizeof(size) + size < len; i++)
		if (memcmp(value + i, &size, sizeof(size)) == 0 &&
		    memcmp(value + i + sizeof(size), name, size) == 0) {
			memcpy(value + i + sizeof(size), other, size);
			n++;
		}
	assert_int_equal(n, 1);
}

static void
test_releases(void **state)
{
	struct conf *c = load_ok(SMALL), *d;
	size_t len;
	char *value;

	(void)state;
	c->watchdog = 1234;
	c->log.level = 7;
	c->relays[1].remotes[0].weight = 200;
	c->relays[1].retire = 5;
	value = conf_encode(c, &len);
	rename_row(value, len, "watchdog", "watchcat");
	rename_row(value, len, "weight", "length");
	rename_row(value, len, "log", "lag");
	d = decode_ok(value, len);
	assert_int_equal(d->watchdog, 5000);
	assert_int_equal(d->log.level, 6);
	assert_true(d->log.sessions);
	assert_null(d->log.to);
	assert_int_equal(d->relays[1].remotes[0].weight, 1);
	assert_int_equal(d->relays[1].retire, 5);
	assert_string_equal(d->user, "daemon:88");
	conf_free(&d);
	/* Without what none can do without. */
	rename_row(value, len, "remote", "remate");
	assert_null(conf_decode(value, len, &err));
	assert_string_equal(err, "there is no remote");
	free(value);
	conf_free(&c);
}

/* 10,000 remotes: in time that grows with them and no faster. */
static void
test_many(void **state)
{
	struct conf *c, *d;
	size_t len, size;
	clock_t start;
	char *text, *value;
	FILE *f = open_memstream(&text, &size);
	unsigned i;

	(void)state;
	assert_non_null(f);
	fprintf(f, "spawnd { listen w { port = 1 } }\nrelay a {\n");
	for (i = 0; i < 10000; i++)
		fprintf(f, "remote backend-%u { address = 10.0.%u.%u "
		    "port = %u }\n", i, i >> 8, i & 255, i + 1);
	fprintf(f, "}\n");
	fclose(f);
	c = load_ok(text);
	free(text);
	value = conf_encode(c, &len);
	start = clock();
	d = decode_ok(value, len);
	print_message("10000 remotes: %zu bytes decoded in %.1f ms\n", len,
	    (double)(clock() - start) * 1000 / CLOCKS_PER_SEC);
	same(c, d);
	assert_int_equal(addr_get_port(&d->relays[0].remotes[9999].addr[0]),
	    10000);
	free(value);
	conf_free(&c);
	conf_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_row),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_no_relay),
		cmocka_unit_test(test_fd),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_releases),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
