/*
 * test_log.c - lines to the logger's socket, and to standard error while
 * there is none.
 */
#include "evtest.h"

#include "log.h"

static int	 sv[2];		/* 0 is ours to read, 1 the log's */
static char	 line[LOG_LINE + 64];

static int
setup(void **state)
{
	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == -1)
		return -1;
	log_init(sv[1]);
	log_set_level(LOG_INFO);
	/* What a former test has lost is reported now. */
	log_info("begin");
	while (recv(sv[0], line, sizeof(line), MSG_DONTWAIT) > 0)
		;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	log_init(-1);
	close(sv[0]);
	close(sv[1]);
	return 0;
}

/* The next datagram; NULL: none. */
static const char *
next(void)
{
	ssize_t n = recv(sv[0], line, sizeof(line) - 1, MSG_DONTWAIT);

	if (n == -1) {
		assert_int_equal(errno, EAGAIN);
		return NULL;
	}
	assert_true(n <= LOG_LINE);
	assert_null(memchr(line, '\0', (size_t)n));
	line[n] = '\0';
	return line;
}

static void
test_names(void **state)
{
	static const int levels[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE,
	    LOG_INFO, LOG_DEBUG };
	size_t i;

	(void)state;
	for (i = 0; i < nitems_of(levels); i++)
		assert_int_equal(log_level_of(log_level_name(levels[i])),
		    levels[i]);
	assert_int_equal(log_level_of("warning"), LOG_WARNING);
	assert_int_equal(log_level_of("Warning"), -1);
	assert_int_equal(log_level_of(""), -1);
	assert_int_equal(log_level_of("emerg"), -1);
	assert_string_equal(log_level_name(-1), "?");
	assert_string_equal(log_level_name(LOG_EMERG), "?");
	assert_string_equal(log_level_name(99), "?");
}

static void
test_lines(void **state)
{
	(void)state;
	log_info("%s %d", "one", 1);
	assert_string_equal(next(), "<6>one 1");
	log_write(LOG_NOTICE, "two");
	assert_string_equal(next(), "<5>two");
	log_warnx("three");
	assert_string_equal(next(), "<4>warning: three");
	log_write(LOG_ERR, "four%%");
	assert_string_equal(next(), "<3>error: four%");
	errno = ENOENT;
	log_warn("five %d", 5);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(next(),
	    "<4>warning: five 5: No such file or directory");
	assert_null(next());
}

static void
test_levels(void **state)
{
	static const int levels[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE,
	    LOG_INFO, LOG_DEBUG };
	size_t at, of;

	(void)state;
	for (at = 0; at < nitems_of(levels); at++) {
		log_set_level(levels[at]);
		assert_int_equal(log_get_level(), levels[at]);
		for (of = 0; of < nitems_of(levels); of++) {
			log_write(levels[of], "x");
			if (of <= at)
				assert_non_null(next());
			assert_null(next());
		}
	}
}

static int	evaluated;

static int
evaluate(void)
{
	return ++evaluated;
}

static void
test_debug(void **state)
{
	(void)state;
	log_debug("%d", evaluate());
	assert_int_equal(evaluated, 0);
	log_set_level(LOG_DEBUG);
	log_debug("%d", evaluate());
	assert_int_equal(evaluated, 1);
	assert_string_equal(next(), "<7>1");
}

static void
test_errno_kept(void **state)
{
	(void)state;
	log_init(9999);		/* no such descriptor */
	errno = ERANGE;
	log_info("x");
	assert_int_equal(errno, ERANGE);
	log_warnx("x");
	assert_int_equal(errno, ERANGE);
}

static void
test_long_line(void **state)
{
	static char text[3 * LOG_LINE];
	size_t len, cut;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_info("%s", text);
	assert_non_null(next());
	cut = strlen(line);
	assert_true(cut > LOG_LINE - 64);
	assert_int_equal(strspn(line + 3, "x"), cut - 3);
	/* Around the limit: all of it, or cut, never anything behind it. */
	for (len = LOG_LINE - 64; len < LOG_LINE + 8; len++) {
		text[len] = '\0';
		log_info("%s", text);
		assert_non_null(next());
		text[len] = 'x';
		assert_int_equal(strspn(line + 3, "x"), strlen(line) - 3);
		assert_true(strlen(line) <= cut);
	}
	log_warn("%s", text);
	assert_non_null(next());
	assert_null(next());
}

/* Fills the socket; returns how many lines fitted. */
static unsigned
fill(void)
{
	uint64_t before = log_dropped();
	unsigned n = 0;

	for (; log_dropped() == before; n++)
		log_info("line %u", n);
	return n - 1;
}

static void
test_dropped(void **state)
{
	uint64_t before = log_dropped();
	unsigned fitted = fill(), i;

	(void)state;
	assert_true(fitted > 0);
	assert_int_equal(log_dropped() - before, 1);
	for (i = 0; i < 9; i++)
		log_info("lost");
	assert_int_equal(log_dropped() - before, 10);
	for (i = 0; i < fitted; i++)
		assert_non_null(next());
	assert_null(next());
	/* The next line brings the count, once. */
	log_info("found");
	assert_string_equal(next(), "<4>warning: 10 log lines were dropped");
	assert_string_equal(next(), "<6>found");
	log_info("again");
	assert_string_equal(next(), "<6>again");
	assert_null(next());
	assert_int_equal(log_dropped() - before, 10);
}

/* Those of a second time are counted anew. */
static void
test_dropped_again(void **state)
{
	uint64_t before = log_dropped();

	(void)state;
	fill();
	log_info("lost");
	assert_int_equal(log_dropped() - before, 2);
	while (next() != NULL)
		;
	log_info("found");
	assert_string_equal(next(), "<4>warning: 2 log lines were dropped");
	assert_string_equal(next(), "<6>found");
}

/* Nobody reads any more: dropped, and no signal. */
static void
test_reader_gone(void **state)
{
	uint64_t before = log_dropped();

	(void)state;
	close(sv[0]);
	log_info("x");
	log_info("x");
	assert_int_equal(log_dropped() - before, 2);
	sv[0] = -1;
}

/* Runs f in a child, whose standard error goes into line; its status. */
static int
in_child(void (*f)(void))
{
	size_t len = 0;
	ssize_t n;
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		dup2(p[1], STDERR_FILENO);
		f();
		fflush(stderr);
		_exit(0);
	}
	close(p[1]);
	while ((n = read(p[0], line + len, sizeof(line) - 1 - len)) > 0)
		len += (size_t)n;
	line[len] = '\0';
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
child_lines(void)
{
	log_init(-1);
	log_info("plain %d", 1);
	log_warnx("careful");
	log_debug("not this");
}

static void
child_fatal(void)
{
	log_init(-1);
	errno = EACCES;
	fatal("file %s", "f");
}

static void
child_fatalx(void)
{
	log_init(-1);
	fatalx("no");
}

static void
child_fatal_socket(void)
{
	errno = EACCES;
	fatal("file");
}

static void
test_standard_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(child_lines), 0);
	assert_non_null(strstr(line, "plain 1\nwarning: careful\n"));
	assert_null(strstr(line, "not this"));
	assert_null(strchr(line, '<'));
}

static void
test_fatal(void **state)
{
	ssize_t n;

	(void)state;
	assert_int_equal(in_child(child_fatal), 1);
	assert_string_equal(line, "error: file f: Permission denied\n");
	assert_int_equal(in_child(child_fatalx), 1);
	assert_string_equal(line, "error: no\n");
	assert_int_equal(in_child(child_fatal_socket), 1);
	assert_string_equal(line, "");
	n = recv(sv[0], line, sizeof(line) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(line, "<3>error: file: Permission denied");
}

static unsigned
allowed(struct log_limit *l, uint64_t now, unsigned tries, unsigned *skipped)
{
	unsigned n = 0;

	*skipped = 0;
	for (; tries > 0; tries--)
		n += log_allow(l, now, skipped);
	return n;
}

static void
test_limit(void **state)
{
	struct log_limit one = { 0 }, ten = { .more = 9 };
	unsigned skipped;

	(void)state;
	assert_int_equal(allowed(&one, 5000, 3, &skipped), 1);
	assert_int_equal(allowed(&one, 5999, 2, &skipped), 0);
	assert_int_equal(allowed(&one, 6000, 1, &skipped), 1);
	assert_int_equal(skipped, 4);
	assert_int_equal(allowed(&ten, 5000, 4, &skipped), 4);
	assert_int_equal(allowed(&ten, 5500, 20, &skipped), 6);
	assert_int_equal(allowed(&ten, 6000, 1, &skipped), 1);
	assert_int_equal(skipped, 14);
	assert_int_equal(allowed(&ten, 6000, 20, &skipped), 9);
	assert_int_equal(skipped, 0);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		T(test_lines),
		T(test_levels),
		T(test_debug),
		T(test_errno_kept),
		T(test_long_line),
		T(test_dropped),
		T(test_dropped_again),
		T(test_reader_gone),
		T(test_standard_error),
		T(test_fatal),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
