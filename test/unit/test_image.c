/*
 * test_image.c - the way back to an image where its file has to be kept open.
 */
#include "compat.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proc/image.h"

static char	 folder[] = "/tmp/spawnd-image.XXXXXX";
static char	 name[64], next[64];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(name, sizeof(name), "%s/image", folder);
	snprintf(next, sizeof(next), "%s/next", folder);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(name);
	return rmdir(folder);
}

static void
copy(const char *from, const char *to)
{
	char buf[4096];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0700);
	ssize_t n;

	assert_true(in != -1 && out != -1);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	assert_int_equal(n, 0);
	close(in);
	close(out);
}

/* What stands there by then says 1. */
static void
test_another_has_its_name(void **state)
{
	char text[] = "true";
	char *argv[] = { text, NULL };
	int fd, status;
	pid_t pid;

	(void)state;
	copy("/bin/true", name);
	image_start(name);
	copy("/bin/false", next);
	assert_int_equal(rename(next, name), 0);
	fd = image_open();
	assert_int_not_equal(fd, -1);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	if ((pid = fork()) == 0) {
		image_run(fd, argv);
		_exit(2);
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_none(void **state)
{
	(void)state;
	image_start(next);
	assert_int_equal(image_open(), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_has_its_name),
		cmocka_unit_test(test_none)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
