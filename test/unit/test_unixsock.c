/*
 * test_unixsock.c - what is left when a socket cannot be made.
 */
#include "compat.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "accept/unixsock.h"
#include "addr.h"
#include "conf/conf.h"

static char	 folder[] = "/tmp/spawnd-unixsock.XXXXXX";

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* Files in the folder, whose names begin with a dot or not. */
static unsigned
files(void)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(folder);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static int	 error;		/* of the folder that is ours alone */

int	 __real_openat(int, const char *, int, ...);
int	 __wrap_openat(int, const char *, int, ...);

int
__wrap_openat(int at, const char *name, int flags, ...)
{
	if (error != 0 && strncmp(name, ".spawnd.", 8) == 0) {
		errno = error;
		return -1;
	}
	return __real_openat(at, name, flags);
}

/* As it is when the system has no more descriptors, or no memory. */
static void
test_folder_goes(void **state)
{
	struct unixsock file;
	const char *err = NULL;
	struct addr a;
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/socket", folder);
	assert_int_equal(addr_unix(path, &a, &err), 0);
	error = ENFILE;
	assert_int_equal(unixsock_listen(&a, 5, CONF_NOID, CONF_NOID,
	    CONF_NOID, &file, &err), -1);
	assert_non_null(strstr(err, strerror(ENFILE)));
	assert_int_equal(files(), 0);
	error = 0;
	fd = unixsock_listen(&a, 5, CONF_NOID, CONF_NOID, CONF_NOID, &file,
	    &err);
	assert_int_not_equal(fd, -1);
	assert_int_equal(files(), 1);
	unixsock_unlink(&a, &file);
	close(fd);
	assert_int_equal(files(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_folder_goes, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
