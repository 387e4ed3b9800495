#include "compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <event2/buffer.h>

#include "http.h"

static void
requests(void **state)
{
	static const struct {
		const char	*text;
		int		 status;
		bool		 head;
		const char	*path;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, false, "/" },
		{ "GET / HTTP/1.1\n\n", 0, false, "/" },
		{ "HEAD /x?y=z HTTP/1.0\r\n\r\n", 0, true, "/x" },
		{ "\r\nGET / HTTP/1.1\r\n\r\nmore", 0, false, "/" },
		{ "GET /? HTTP/1.1\r\n\r\n", 0, false, "/" },
		{ "", -1, false, NULL },
		{ "\r\n\r\n", -1, false, NULL },
		{ "GET / HTTP/1.1\r\n", -1, false, NULL },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r", -1, false, NULL },
		{ "GET /\r\n\r\n", 400, false, NULL },
		{ "GET\r\n\r\n", 400, false, NULL },
		{ "GET  HTTP/1.1\r\n\r\n", 400, false, NULL },
		{ "GET x HTTP/1.1\r\n\r\n", 400, false, NULL },
		{ "GET http://a/ HTTP/1.1\r\n\r\n", 400, false, NULL },
		{ "POST / HTTP/1.1\r\n\r\n", 405, false, NULL },
		{ "get / HTTP/1.1\r\n\r\n", 405, false, NULL },
		{ "GETS / HTTP/1.1\r\n\r\n", 405, false, NULL },
		{ "GET / HTTP/2.0\r\n\r\n", 505, false, NULL },
		{ "GET / HTTP/1.11\r\n\r\n", 505, false, NULL },
		{ "GET / x HTTP/1.1\r\n\r\n", 505, false, NULL },
	};
	struct http_request r;
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(cases); i++) {
		assert_int_equal(http_read(&r, cases[i].text,
		    strlen(cases[i].text)), cases[i].status);
		if (cases[i].status != 0)
			continue;
		assert_string_equal(r.path, cases[i].path);
		assert_int_equal(r.head, cases[i].head);
	}
}

static void
long_ones(void **state)
{
	char text[HTTP_HEAD_MAX + 1], path[HTTP_PATH_MAX + 32];
	struct http_request r;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "GET / HTTP/1.1\r\n", 16);
	assert_int_equal(http_read(&r, text, HTTP_HEAD_MAX - 1), -1);
	assert_int_equal(http_read(&r, text, HTTP_HEAD_MAX), 431);
	snprintf(path, sizeof(path), "GET /%0*d HTTP/1.1\n\n",
	    HTTP_PATH_MAX - 2, 0);
	assert_int_equal(http_read(&r, path, strlen(path)), 0);
	assert_int_equal(strlen(r.path), HTTP_PATH_MAX - 1);
	snprintf(path, sizeof(path), "GET /%0*d HTTP/1.1\n\n",
	    HTTP_PATH_MAX - 1, 0);
	assert_int_equal(http_read(&r, path, strlen(path)), 404);
}

static void
answers(void **state)
{
	struct evbuffer *b = evbuffer_new();
	const char *text;

	(void)state;
	evbuffer_add(b, "body", 4);
	assert_int_equal(http_answer(b, 405, "text/plain", "Allow: GET\r\n"),
	    0);
	evbuffer_add(b, "", 1);
	text = (const char *)evbuffer_pullup(b, -1);
	assert_ptr_equal(strstr(text, "HTTP/1.1 405 Method Not Allowed\r\n"),
	    text);
	assert_non_null(strstr(text, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 4\r\n"));
	assert_non_null(strstr(text, "\r\nAllow: GET\r\n\r\nbody"));
	evbuffer_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(long_ones),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
