#include "compat.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fdname.h"

static void
standard(void **state)
{
	char name[64];

	(void)state;
	assert_int_equal(fdname_of("/dev/fd/1"), 1);
	assert_int_equal(fdname_of("/dev/../dev//fd/63"), 63);
	if (access("/proc/self/fd", F_OK) == -1)
		return;
	assert_int_equal(fdname_of("/dev/stdout"), 1);
	assert_int_equal(fdname_of("/dev/stderr"), 2);
	assert_int_equal(fdname_of("/proc/self/fd/2"), 2);
	assert_int_equal(fdname_of("/proc/thread-self/fd/0"), 0);
	snprintf(name, sizeof(name), "/proc/%ld/fd/7", (long)getpid());
	assert_int_equal(fdname_of(name), 7);
	/* Another process's. */
	snprintf(name, sizeof(name), "/proc/%ld/fd/1", (long)getppid());
	assert_int_equal(fdname_of(name), -1);
}

static void
others(void **state)
{
	char name[PATH_MAX + 8];

	(void)state;
	assert_int_equal(fdname_of("/dev/null"), -1);
	assert_int_equal(fdname_of("/dev/fd"), -1);
	assert_int_equal(fdname_of("/dev/fd/"), -1);
	assert_int_equal(fdname_of("/dev/fd/x"), -1);
	assert_int_equal(fdname_of("/dev/fd/-1"), -1);
	assert_int_equal(fdname_of("/nowhere/at/all"), -1);
	assert_int_equal(fdname_of("1"), -1);
	assert_int_equal(fdname_of(""), -1);
	memset(name, 'a', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(fdname_of(name), -1);
}

static void
links(void **state)
{
	char dir[] = "/tmp/fdname.XXXXXX", a[64], b[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	assert_return_code(symlink("b", a), errno);
	assert_return_code(symlink("/dev/fd/1", b), errno);
	assert_int_equal(fdname_of(a), 1);
	assert_return_code(unlink(b), errno);
	assert_int_equal(fdname_of(a), -1);
	assert_return_code(symlink("a", b), errno);
	assert_int_equal(fdname_of(a), -1);
	unlink(a);
	unlink(b);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard),
		cmocka_unit_test(others),
		cmocka_unit_test(links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
