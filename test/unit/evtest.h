/*
 * evtest.h - what the tests of the event loop and of kqueue share.
 */
#ifndef EVTEST_H
#define EVTEST_H

#include "compat.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define LONG	5000	/* milliseconds, for what must come */
#define SHORT	30	/* for what must not */
#define MANY	500	/* socket pairs */

static inline int
count_fds(void)
{
	DIR *dir = opendir("/dev/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static inline void
raise_fd_limit(rlim_t need)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < need) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static inline void
make_pair(int sv[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, sv), 0);
}

static inline void
make_tcp_pair(int sv[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int ls = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(ls, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(ls, 1), 0);
	assert_int_equal(getsockname(ls, (struct sockaddr *)&sin, &len), 0);
	sv[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(sv[0], (struct sockaddr *)&sin, len), 0);
	sv[1] = accept(ls, NULL, NULL);
	assert_int_equal(fcntl(sv[1], F_SETFL, O_NONBLOCK), 0);
	close(ls);
}

static inline void
put(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static inline pid_t
start_child(int fd, int code)
{
	pid_t pid = fork();
	char ch;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (fd != -1 && read(fd, &ch, 1) == -1)
			_exit(99);
		_exit(code);
	}
	return pid;
}

static inline void
assert_child_good(pid_t pid)
{
	int status;

	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
