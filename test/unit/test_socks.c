/*
 * test_socks.c - messages of SOCKS and heads of HTTP: what they ask for, how
 * much is taken, what is missing at every byte, and the answers.
 */
#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "parse/httpconnect.h"
#include "parse/socks.h"

#define WHO	"Proxy-Authorization: "

static enum socks_wrong	 wrong;
static enum http_status	 status;
static unsigned		 offers;

static int
methods(const uint8_t *p, size_t len, struct request *r, size_t *need)
{
	(void)r;
	return socks5_methods(p, len, &offers, need);
}

static int
login(const uint8_t *p, size_t len, struct request *r, size_t *need)
{
	return socks5_login(p, len, r, need);
}

static int
four(const uint8_t *p, size_t len, struct request *r, size_t *need)
{
	return socks4_request(p, len, r, &wrong, need);
}

static int
five(const uint8_t *p, size_t len, struct request *r, size_t *need)
{
	return socks5_request(p, len, r, &wrong, need);
}

static int
http(const uint8_t *p, size_t len, struct request *r, size_t *need)
{
	return http_request(p, len, r, &status, need);
}

/* "host:port user password" of what these bytes ask for, in memory that ends
 * where they do; and at every byte before that how many more there are. */
static const char *
asks(int (*parse)(const uint8_t *, size_t, struct request *, size_t *),
    const char *bytes, size_t len, int length)
{
	static char text[2048];
	struct request r;
	char to[DEST_STRLEN];
	uint8_t *copy;
	size_t n, need = 0;
	int got;

	for (n = 0; n <= len; n++) {
		memset(&r, 0, sizeof(r));
		copy = malloc(n + (n == 0));
		assert_non_null(copy);
		memcpy(copy, bytes, n);
		got = parse(copy, n, &r, &need);
		free(copy);
		if (n == len)
			assert_int_equal(got, length);
		else if (length != -1 && n < (size_t)length) {
			assert_int_equal(got, 0);
			assert_in_range(need, n + 1, (size_t)length);
		}
	}
	snprintf(text, sizeof(text), "%s %s %s", dest_str(&r.to, to), r.user,
	    r.password);
	return text;
}

#define ASKS(parse, bytes, length) \
	asks(parse, bytes, sizeof(bytes) - 1, length)

static void
version4(void **state)
{
	char longest[8 + 256 + 255];

	(void)state;
	assert_string_equal(ASKS(four, "\4\1\0\x50\12\0\0\7me\0more", 11),
	    "10.0.0.7:80 me ");
	assert_string_equal(ASKS(four, "\4\1\1\xbb\0\0\0\7\0A.Example.\0", 20),
	    "a.example:443  ");
	assert_string_equal(ASKS(four, "\4\1\1\xbb\0\0\0\1x\0""127.0.0.1\0",
	    20), "127.0.0.1:443 x ");
	assert_int_equal(wrong, SOCKS_RIGHT);
	assert_string_equal(ASKS(four, "\4\1\1\xbb\0\0\0\1x\0a b\0", 14),
	    "? x ");
	ASKS(four, "\4\2\0\0\12\0\0\7\0", 9);
	assert_int_equal(wrong, SOCKS_WRONG_COMMAND);
	ASKS(four, "\4\1\0\0\12\0\0\7\0", -1);
	ASKS(four, "\5", -1);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "\4\1\0\1\0\0\0\1", 8);
	asks(four, longest, 8 + 256, -1);
	longest[8 + 255] = '\0';
	asks(four, longest, sizeof(longest), -1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(*asks(four, longest, sizeof(longest),
	    sizeof(longest)), '?');
}

static void
version5(void **state)
{
	(void)state;
	ASKS(methods, "\5\3\0\1\2more", 5);
	assert_int_equal(offers, SOCKS_NONE | SOCKS_PASSWORD);
	ASKS(methods, "\5\1\1", 3);
	assert_int_equal(offers, 0);
	ASKS(methods, "\5\0", 2);
	ASKS(methods, "\4\1", -1);
	assert_string_equal(ASKS(login, "\1\2me\3pwdmore", 8), "? me pwd");
	assert_string_equal(ASKS(login, "\1\0\0", 3), "?  ");
	ASKS(login, "\1\1\0\1a", -1);
	ASKS(login, "\5", -1);
	assert_string_equal(ASKS(five, "\5\1\0\1\12\0\0\7\0\x50", 10),
	    "10.0.0.7:80  ");
	assert_string_equal(ASKS(five, "\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0"
	    "\0\0\0\1\1\xbb", 22), "[2001:db8::1]:443  ");
	assert_string_equal(ASKS(five, "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff"
	    "\12\0\0\7\1\xbb", 22), "[::ffff:10.0.0.7]:443  ");
	assert_string_equal(ASKS(five, "\5\1\0\3\11A.example\0\x16..", 16),
	    "a.example:22  ");
	assert_string_equal(ASKS(five, "\5\1\0\3\3::1\0\x16", 10),
	    "[::1]:22  ");
	assert_int_equal(wrong, SOCKS_RIGHT);
	assert_string_equal(ASKS(five, "\5\1\0\3\0\0\x16\0", 7), "?  ");
	ASKS(five, "\5\3\0\1\0\0\0\0\0\0", 10);
	assert_int_equal(wrong, SOCKS_WRONG_COMMAND);
	ASKS(five, "\5\1\0\1\12\0\0\7\0\0", -1);
	ASKS(five, "\5\1\1\1\12\0\0\7\0\1", -1);
	assert_int_equal(five((const uint8_t *)"\5\1\0\2x", 5,
	    &(struct request){ .user = "" }, &(size_t){ 0 }), 4);
	assert_int_equal(wrong, SOCKS_WRONG_TYPE);
}

static void
right(void **state)
{
	(void)state;
	assert_string_equal(ASKS(http, "CONNECT a.Example:443 HTTP/1.1\r\n"
	    "Host: x\r\n\r\nmore", 43), "a.example:443  ");
	assert_int_equal(status, HTTP_OK);
	assert_string_equal(ASKS(http, "CONNECT [::1]:22 HTTP/1.0\n\n", 27),
	    "[::1]:22  ");
	assert_int_equal(status, HTTP_OK);
	assert_string_equal(ASKS(http, "CONNECT 10.0.0.1:65535 HTTP/1.1\r\n"
	    "proxy-authorization:\tBASIC  bWU6cDp3 \n\r\n", 73),
	    "10.0.0.1:65535 me p:w");
	assert_string_equal(ASKS(http, "CONNECT a:1 HTTP/1.1\n" WHO
	    "Basic bWU=\n\n", 54), "a:1  ");
	assert_int_equal(status, HTTP_OK);
	assert_string_equal(ASKS(http, "CONNECT a:1 HTTP/1.1\n" WHO
	    "Bearer bWU6cHc=\n\n", 59), "a:1  ");
	assert_string_equal(ASKS(http, "CONNECT a:1 HTTP/1.1\n" WHO
	    "Basic bWU6c*==\n\n", 58), "a:1  ");
	assert_string_equal(ASKS(http, "CONNECT a:1 HTTP/1.1\n" WHO
	    "Basic bWUAOnA=\n\n", 58), "a:1  ");
	assert_int_equal(status, HTTP_OK);
}

static void
refused(void **state)
{
	static const char *const bad[] = { "a", "a:", "a:0", "a:65536",
	    "a:99999999999", "a:+1", "a:1x", ":1", "[]:1", "[::1:1", "::1:1",
	    "[a]:1", "[10.0.0.1]:1", "a b:1", "u@a:1", "http://a/", "a:1 " };
	static const struct {
		const char	*head;
		enum http_status status;
	} heads[] = {
		{ "GET / HTTP/1.1\n\n", HTTP_METHOD },
		{ "GET http://a/ HTTP/1.0\n\n", HTTP_METHOD },
		{ "connect a:1 HTTP/1.1\n\n", HTTP_METHOD },
		{ "CONNECT a:1 HTTP/2.0\n\n", HTTP_VERSION },
		{ "CONNECT a:1 HTTX\n\n", HTTP_BAD },
		{ "CONNECT a:1\n\n", HTTP_BAD },
		{ "GET\n\n", HTTP_BAD },
		{ "G(T / HTTP/1.1\n\n", HTTP_BAD },
		{ "CONNECT a:1 HTTP/1.1\nHost\n\n", HTTP_BAD },
		{ "CONNECT a:1 HTTP/1.1\nA: b\n c\n\n", HTTP_BAD },
		{ "CONNECT a:1 HTTP/1.1\nA : b\n\n", HTTP_BAD },
		{ "CONNECT a:1 HTTP/1.1\n" WHO "x\n" WHO "y\n\n", HTTP_BAD },
	};
	char text[256], *large;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(bad); i++) {
		snprintf(text, sizeof(text), "CONNECT %s HTTP/1.1\n\n", bad[i]);
		asks(http, text, strlen(text), (int)strlen(text));
		assert_int_equal(status, HTTP_BAD);
	}
	for (i = 0; i < nitems_of(heads); i++) {
		asks(http, heads[i].head, strlen(heads[i].head),
		    (int)strlen(heads[i].head));
		assert_int_equal(status, heads[i].status);
	}
	ASKS(http, "\26\3\1", -1);
	assert_int_equal(status, HTTP_BAD);
	ASKS(http, "CONNECT a:1\0", -1);
	assert_int_equal(status, HTTP_BAD);
	large = malloc(HTTP_MAX + 2);
	assert_non_null(large);
	memset(large, 'A', HTTP_MAX);
	memcpy(large + HTTP_MAX, "\n\n", 2);
	assert_int_equal(http((uint8_t *)large, HTTP_MAX + 2,
	    &(struct request){ .user = "" }, &i), -1);
	assert_int_equal(status, HTTP_LARGE);
	free(large);
}

static void
answers(void **state)
{
	struct addr a = { .in = { .sin_family = AF_INET,
	    .sin_port = htons(258) }, .len = sizeof(a.in) };
	struct addr six = { .in6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(258), .sin6_addr = IN6ADDR_LOOPBACK_INIT },
	    .len = sizeof(six.in6) };
	uint8_t buf[SOCKS_REPLY];
	char text[HTTP_REPLY];

	(void)state;
	a.in.sin_addr.s_addr = htonl(0x7f000001);
	assert_int_equal(socks4_reply(buf, 90, &a), 8);
	assert_memory_equal(buf, "\0\x5a\1\2\x7f\0\0\1", 8);
	assert_int_equal(socks5_reply(buf, 0, &a), 10);
	assert_memory_equal(buf, "\5\0\0\1\x7f\0\0\1\1\2", 10);
	assert_int_equal(socks5_reply(buf, 0, &six), 22);
	assert_memory_equal(buf, "\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\2",
	    22);
	assert_int_equal(socks5_reply(buf, 7, NULL), 10);
	assert_memory_equal(buf, "\5\7\0\1\0\0\0\0\0\0", 10);
	assert_int_equal(http_reply(text, HTTP_OK, true), 39);
	assert_string_equal(text, "HTTP/1.0 200 Connection established"
	    "\r\n\r\n");
	http_reply(text, HTTP_LOGIN, false);
	assert_non_null(strstr(text, "\r\nProxy-Authenticate: Basic "));
	http_reply(text, HTTP_METHOD, false);
	assert_non_null(strstr(text, "\r\nAllow: CONNECT\r\n"));
	assert_non_null(strstr(text, "curl --socks5-hostname"));
	assert_true(http_is_1_0((const uint8_t *)"X Y HTTP/1.0\r\nZ", 15));
	assert_false(http_is_1_0((const uint8_t *)"X Y HTTP/1.1\r\nZ", 15));
	assert_false(http_is_1_0((const uint8_t *)"X Y HTTP/1.0", 12));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version4),
		cmocka_unit_test(version5),
		cmocka_unit_test(right),
		cmocka_unit_test(refused),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
