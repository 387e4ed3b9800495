#include "compat.h"

#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <event2/buffer.h>

#include "answers.h"
#include "http.h"
#include "visits.h"

#define BIG	(VISITS_HOLD / 2 + 1)

static size_t	 size;		/* of an answer */
static bool	 known;

/* --- in the place of what visits.c calls --- */

bool
answers_has(const char *path, enum views_form *form)
{
	*form = VIEWS_ROWS;
	return strcmp(path, "/") == 0;
}

int
answers_write(struct evbuffer *b, const char *path)
{
	struct evbuffer_iovec v;

	(void)path;
	evbuffer_reserve_space(b, (ev_ssize_t)size, &v, 1);
	memset(v.iov_base, 'x', size);
	v.iov_len = size;
	evbuffer_commit_space(b, &v, 1);
	return http_answer(b, 200, "text/plain", NULL);
}

int
answers_refuse(struct evbuffer *b, int status)
{
	return http_answer(b, status, "text/plain", NULL);
}

bool
views_want(enum views_form form)
{
	(void)form;
	return known;
}

/* --- the tests --- */

static int
visitor(const char *says)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	assert_int_equal(send(sv[0], says, strlen(says), 0), strlen(says));
	visits_add(sv[1]);
	while (ev_turn(0) > 0)
		;
	return sv[0];
}

/* The status that it has got; 0: nothing yet, -1: it was closed. */
static int
answer(int fd)
{
	char text[16] = "";
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_PEEK);

	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	return n == 0 ? -1 : atoi(text + strlen("HTTP/1.1 "));
}

static void
leave(int fd)
{
	close(fd);
	while (ev_turn(0) > 0)
		;
}

static void
answered(void **state)
{
	int fd;

	(void)state;
	known = true;
	size = 5;
	fd = visitor("GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(answer(fd), 200);
	leave(fd);
	fd = visitor("GET /x HTTP/1.1\r\n\r\n");
	assert_int_equal(answer(fd), 404);
	leave(fd);
	fd = visitor("GET / HT");
	assert_int_equal(answer(fd), 0);
	leave(fd);
}

/* All who wait are told at once, or that there is nobody who knows. */
static void
who_waits(void **state)
{
	int a, b;

	(void)state;
	known = false;
	size = 5;
	a = visitor("GET / HTTP/1.1\r\n\r\n");
	b = visitor("HEAD / HTTP/1.1\r\n\r\n");
	assert_int_equal(answer(a), 0);
	visits_answer(VIEWS_JSON, true);
	assert_int_equal(answer(a), 0);
	visits_answer(VIEWS_ROWS, true);
	assert_int_equal(answer(a), 200);
	assert_int_equal(answer(b), 200);
	leave(a);
	leave(b);
	a = visitor("GET / HTTP/1.1\r\n\r\n");
	visits_answer(VIEWS_ROWS, false);
	assert_int_equal(answer(a), 503);
	leave(a);
}

/* Has the other side gone before all of the answer was read? */
static bool
was_cut(int fd)
{
	static char buf[65536];
	size_t n = 0;
	ssize_t got;

	while ((got = recv(fd, buf, sizeof(buf), 0)) > 0)
		n += (size_t)got;
	return got != -1 && n < BIG;
}

/* Who does not read what it has asked for is not paid for by memory. */
static void
slow_readers(void **state)
{
	int fds[3], i;

	(void)state;
	known = true;
	size = BIG;
	for (i = 0; i < 3; i++)
		fds[i] = visitor("GET / HTTP/1.1\r\n\r\n");
	for (i = 0; i < 3; i++)
		assert_int_equal(answer(fds[i]), 200);
	assert_true(was_cut(fds[0]));
	assert_false(was_cut(fds[1]));
	assert_false(was_cut(fds[2]));
	for (i = 0; i < 3; i++)
		leave(fds[i]);
	fds[0] = visitor("GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(answer(fds[0]), 200);
	leave(fds[0]);
}

/* Those who say nothing are the first to go. */
static void
too_many(void **state)
{
	static int fds[VISITS_MAX + 1];
	int i;

	(void)state;
	known = false;
	size = 5;
	fds[0] = visitor("GET / HTTP/1.1\r\n\r\n");
	for (i = 1; i <= VISITS_MAX; i++)
		fds[i] = visitor("GET");
	assert_int_equal(answer(fds[0]), 0);
	assert_int_equal(answer(fds[1]), -1);
	assert_int_equal(answer(fds[2]), 0);
	for (i = 0; i <= VISITS_MAX; i++)
		leave(fds[i]);
}

static int
begin(void **state)
{
	const char *err;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return ev_init(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered),
		cmocka_unit_test(who_waits),
		cmocka_unit_test(slow_readers),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
