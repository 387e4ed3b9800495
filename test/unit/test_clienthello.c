/*
 * Every case of clienthello.cases: whole, as far as it has come, and with its
 * message in records that are cut at every byte.
 */
#include "compat.h"

#include "casefile.h"
#include "parse/clienthello.h"

#define HEAD		5	/* bytes of a record's head */

/* Of memory that ends where the bytes do. */
static int
parse(const uint8_t *bytes, size_t n, struct hello *h)
{
	uint8_t *copy = malloc(n + (n == 0));
	int r;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	r = hello_parse(copy, n, h);
	free(copy);
	if (r == 0)
		assert_true(h->need > n && h->need <= HELLO_MAX);
	return r;
}

static void
says(const struct a_case *c, const struct hello *h)
{
	assert_string_equal(h->name, *c->a == '-' ? "" : c->a);
	assert_string_equal(h->alpn, *c->b == '-' ? "" : c->b);
}

static void
parts(const struct a_case *c)
{
	size_t n, most = c->length == 0 ? c->n : (size_t)c->length;
	struct hello h;
	int r;

	for (n = 0; n < most; n += n > 1000 ? 97 : 1) {
		r = parse(c->bytes, n, &h);
		assert_int_equal(r <= 0, true);
		if (c->length > 0) {
			assert_int_equal(r, 0);
			assert_true(h.need <= most);
		}
	}
}

/* The bytes of the message that are in its records; returns how many. */
static size_t
message_of(const struct a_case *c, uint8_t *out)
{
	size_t at = 0, n, len = 0;

	while (at + HEAD < (size_t)c->length) {
		n = (size_t)c->bytes[at + 3] << 8 | c->bytes[at + 4];
		n = MIN(n, (size_t)c->length - at - HEAD);
		memcpy(out + len, c->bytes + at + HEAD, n);
		len += n;
		at += HEAD + n;
	}
	return len;
}

static size_t
put_record(uint8_t *out, const uint8_t *p, size_t n)
{
	const uint8_t head[HEAD] = { 22, 3, 1, (uint8_t)(n >> 8), (uint8_t)n };

	memcpy(out, head, HEAD);
	memcpy(out + HEAD, p, n);
	return HEAD + n;
}

static void
cuts(const struct a_case *c)
{
	static uint8_t message[CASE_BYTES], bytes[CASE_BYTES + 2 * HEAD];
	size_t cut, n, len = message_of(c, message);
	struct hello h;

	for (cut = 1; cut < len; cut += cut > 1000 ? 997 : 1) {
		if (cut > 16384 || len - cut > 16384)
			continue;
		n = put_record(bytes, message, cut);
		n += put_record(bytes + n, message + cut, len - cut);
		assert_int_equal(parse(bytes, n, &h), (int)n);
		says(c, &h);
		assert_int_equal(parse(bytes, n - 1, &h), 0);
		assert_int_equal(h.need, n);
	}
}

static void
test_cases(void **state)
{
	static struct a_case c;
	FILE *f = open_cases("clienthello.cases");
	struct hello h;
	unsigned n = 0;
	int r;

	(void)state;
	for (; next_case(f, &c); n++) {
		r = parse(c.bytes, c.n, &h);
		if (strcmp(c.verdict, "ok") == 0) {
			if (r != c.length)
				fail_msg("%s: %d, not %d", c.name, r,
				    c.length);
			says(&c, &h);
			cuts(&c);
		} else if (r != -1)
			fail_msg("%s: %d", c.name, r);
		parts(&c);
	}
	assert_true(n > 60);
	fclose(f);
}

/* Who asks again only when there is as much as was needed is not woken once a
 * record. */
static void
test_need(void **state)
{
	static struct a_case c;
	FILE *f = open_cases("clienthello.cases");
	struct hello h;
	unsigned looks;
	size_t n;

	(void)state;
	while (next_case(f, &c)) {
		if (c.length == 0)
			continue;
		n = looks = 0;
		while (parse(c.bytes, n, &h) == 0) {
			n = h.need;
			looks++;
		}
		assert_int_equal(n, c.length);
		assert_true(looks < 40);
	}
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
