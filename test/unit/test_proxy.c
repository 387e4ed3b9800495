#include "proxy.h"

#include <arpa/inet.h>

#include "casefile.h"

/* Every case of proxy.cases, and what is written. */

/* Of memory that ends where the bytes do. */
static int
parse(const uint8_t *bytes, size_t n, struct proxy *p, const char **errp)
{
	uint8_t *copy = malloc(n + (n == 0));
	size_t need = 0;
	int r;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	r = proxy_parse(copy, n, p, errp);
	if (r == 0)
		need = proxy_need(copy, n);
	free(copy);
	if (r == 0)
		assert_true(need > n);
	return r;
}

static void
check_names(const struct a_case *c, const struct proxy *p)
{
	char text[ADDR_STRLEN];

	assert_int_equal(p->named, strcmp(c->a, "-") != 0);
	if (!p->named)
		return;
	assert_string_equal(source_str(&p->from, text), c->a);
	assert_string_equal(source_str(&p->to, text), c->b);
}

static void
check_wrong(int r, const char *err)
{
	assert_int_equal(r, -1);
	assert_non_null(err);
	assert_true(strlen(err) > 0);
}

static void
test_cases(void **state)
{
	static struct a_case c;
	FILE *f = open_cases("proxy.cases");
	const char *err;
	struct proxy p;
	int r, n = 0;

	(void)state;
	for (; next_case(f, &c); n++) {
		err = NULL;
		r = parse(c.bytes, c.n, &p, &err);
		if (strcmp(c.verdict, "ok") == 0) {
			if (r != c.length)
				fail_msg("%s: %d, %s", c.name, r, err);
			check_names(&c, &p);
		} else if (strcmp(c.verdict, "fin") == 0)
			assert_int_equal(r, 0);
		else if (r != -1)
			fail_msg("%s: %d", c.name, r);
		else
			check_wrong(r, err);
	}
	assert_true(n >= 98);
	fclose(f);
}

/* However little of it is there: more is asked for, never beyond its end, and
 * what has been found wrong stays so. */
static void
test_splits(void **state)
{
	static struct a_case c;
	FILE *f = open_cases("proxy.cases");
	const char *err;
	struct proxy p;
	size_t k;
	int r;

	(void)state;
	while (next_case(f, &c)) {
		bool wrong = false;

		for (k = 0; k <= MIN(c.n, 4200); k++) {
			r = parse(c.bytes, k, &p, &err);
			if (strcmp(c.verdict, "no") != 0) {
				assert_int_equal(r, *c.verdict == 'f' ||
				    k < (size_t)c.length ? 0 : c.length);
				if (r == 0)
					assert_true(*c.verdict == 'f' ||
					    proxy_need(c.bytes, k) <=
					    (size_t)c.length);
				continue;
			}
			assert_true(r <= 0 && (!wrong || r == -1));
			wrong = r == -1;
		}
		assert_int_equal(wrong, strcmp(c.verdict, "no") == 0);
	}
	fclose(f);
}

/* Each bit of the addresses. */
static void
test_checksum(void **state)
{
	static struct a_case c;
	FILE *f = open_cases("proxy.cases");
	const char *err;
	struct proxy p;
	size_t i;

	(void)state;
	while (next_case(f, &c)) {
		if (strncmp(c.name, "v2 crc32c right", 15) != 0)
			continue;
		for (i = 8 * 16; i < 8 * 28; i++) {
			c.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
			check_wrong(proxy_parse(c.bytes, c.n, &p, &err), err);
			c.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		}
	}
	fclose(f);
}

static struct source
source_of(const char *host, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct source s;

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
		source_set(&s, (const void *)&in);
	else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
		source_set(&s, (const void *)&in6);
	else
		source_set(&s, &(struct sockaddr){ .sa_family = AF_UNIX });
	s.port = port;
	return s;
}

static void
test_put_v1(void **state)
{
	static const struct {
		const char	*from, *to, *line;
	} lines[] = {
		{ "192.0.2.1", "198.51.100.7",
		    "PROXY TCP4 192.0.2.1 198.51.100.7 65535 1\r\n" },
		{ "2001:db8::1", "::",
		    "PROXY TCP6 2001:db8::1 :: 65535 1\r\n" },
		{ "192.0.2.1", "2001:db8::1",
		    "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 65535 1\r\n" },
		{ "unix", "2001:db8::1", "PROXY UNKNOWN\r\n" },
		{ "192.0.2.1", "unix", "PROXY UNKNOWN\r\n" },
	};
	struct proxy p = { .named = true };
	char buf[PROXY_MAX];
	size_t i, n;

	(void)state;
	for (i = 0; i < nitems_of(lines); i++) {
		p.from = source_of(lines[i].from, 65535);
		p.to = source_of(lines[i].to, 1);
		n = proxy_put_v1(buf, &p);
		assert_int_equal(n, strlen(lines[i].line));
		assert_memory_equal(buf, lines[i].line, n);
	}
	p.named = false;
	assert_int_equal(proxy_put_v1(buf, &p), strlen("PROXY UNKNOWN\r\n"));
}

/* What is written is read as the same. */
static void
check_both(const char *from, const char *to, const struct proxy_tls *tls)
{
	struct proxy p = { .named = true, .from = source_of(from, 1),
	    .to = source_of(to, 65535) }, again;
	char buf[PROXY_MAX];
	size_t n = proxy_put_v2(buf, &p, tls);
	const char *err;

	assert_true(n <= PROXY_MAX);
	assert_int_equal(parse((uint8_t *)buf, n, &again, &err), n);
	assert_true(again.named);
	assert_memory_equal(&again.from, &p.from, sizeof(p.from));
	assert_memory_equal(&again.to, &p.to, sizeof(p.to));
	buf[20] ^= 1;
	assert_int_equal(parse((uint8_t *)buf, n, &again, &err), -1);
}

static void
test_put_v2(void **state)
{
	static char longest[256];
	struct proxy_tls tls = { .version = "TLSv1.3",
	    .cipher = "TLS_AES_128_GCM_SHA256", .alpn = "h2",
	    .authority = "example.org" };
	struct proxy p = { .named = false }, again;
	char buf[PROXY_MAX];
	const char *err;

	(void)state;
	check_both("192.0.2.1", "198.51.100.7", NULL);
	check_both("2001:db8::1", "2001:db8::2", NULL);
	check_both("192.0.2.1", "2001:db8::2", &tls);
	memset(longest, 'x', sizeof(longest) - 1);
	tls.version = tls.cipher = tls.alpn = tls.authority = longest;
	tls.name = longest;
	check_both("2001:db8::1", "2001:db8::2", &tls);
	assert_int_equal(proxy_put_v2(buf, &p, NULL), 16);
	assert_int_equal(parse((uint8_t *)buf, 16, &again, &err), 16);
	assert_false(again.named);
}

/* Byte for byte, as another program would read it. */
static void
test_put_fields(void **state)
{
	const struct proxy_tls tls = { .version = "TLSv1.2", .cipher = "C",
	    .name = "me", .certificate = true, .verified = true,
	    .alpn = "h2", .authority = "a" };
	const struct proxy p = { .named = true,
	    .from = source_of("192.0.2.1", 1),
	    .to = source_of("192.0.2.2", 2) };
	static const char fields[] = "\x01\0\x02h2\x02\0\x01" "a\x20\0\x18"
	    "\x07\0\0\0\0\x21\0\x07TLSv1.2\x23\0\x01" "C\x22\0\x02me"
	    "\x03\0\x04";
	char buf[PROXY_MAX];
	size_t n = proxy_put_v2(buf, &p, &tls);

	(void)state;
	assert_int_equal(n, 28 + sizeof(fields) - 1 + 4);
	assert_memory_equal(buf, "\r\n\r\n\0\r\nQUIT\n\x21\x11", 14);
	assert_memory_equal(buf + 28, fields, sizeof(fields) - 1);
}

/* What has come is told as well, once, but for what is of that connection. */
static void
test_put_passed(void **state)
{
	static const uint8_t came[] = "\x30\0\x01n\x04\0\x01\0\x02\0\x01w"
	    "\x03\0\x04wxyz\xea\0\x02hi\x01\0\x02h2\x20\0\x05\x01\0\0\0\0";
	static const char all[] = "\x02\0\x01w\xea\0\x02hi\x01\0\x02h2"
	    "\x20\0\x05\x01\0\0\0\0\x03\0\x04";
	static const char less[] = "\x02\0\x01" "b\xea\0\x02hi\x01\0\x02h2"
	    "\x20\0\x05\x01\0\0\0\0\x03\0\x04";
	static uint8_t big[PROXY_MAX - 28];
	const struct proxy_tls tls = { .authority = "b" };
	struct proxy again, p = { .named = true, .fields = came,
	    .nfields = sizeof(came) - 1, .from = source_of("192.0.2.1", 1),
	    .to = source_of("192.0.2.2", 2) };
	char buf[PROXY_MAX];
	const char *err;
	size_t n;

	(void)state;
	assert_int_equal(proxy_put_v2(buf, &p, NULL), 28 + sizeof(all) + 3);
	assert_memory_equal(buf + 28, all, sizeof(all) - 1);
	n = proxy_put_v2(buf, &p, &tls);
	assert_int_equal(n, 28 + sizeof(less) + 3);
	assert_memory_equal(buf + 28, less, sizeof(less) - 1);
	assert_int_equal(parse((uint8_t *)buf, n, &again, &err), n);
	assert_int_equal(again.nfields, n - 28);

	/* There is no room for it beside the checksum. */
	big[0] = 0xea;
	big[1] = (uint8_t)((sizeof(big) - 3) >> 8);
	big[2] = (uint8_t)(sizeof(big) - 3);
	p.fields = big;
	p.nfields = sizeof(big);
	assert_int_equal(proxy_put_v2(buf, &p, NULL), 28 + 7);
	big[1] = (uint8_t)((sizeof(big) - 10) >> 8);
	big[2] = (uint8_t)(sizeof(big) - 10);
	p.nfields = sizeof(big) - 7;
	assert_int_equal(proxy_put_v2(buf, &p, NULL), PROXY_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_put_v1),
		cmocka_unit_test(test_put_v2),
		cmocka_unit_test(test_put_fields),
		cmocka_unit_test(test_put_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
