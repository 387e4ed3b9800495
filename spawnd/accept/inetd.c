#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <syslog.h>

#include "accept/activate.h"
#include "accept/inetd.h"
#include "log.h"
#include "shm.h"

#define ERRORS_MAX	8192	/* bytes that are sent to syslog */

static bool	same_file(int, int);
static void	report(void);

static int	 errors = -1;	/* stands in for stderr */

/*
 * inetd makes its socket the standard output and error too, where nobody is
 * to read our errors: they are kept, and sent to syslog.
 */
void
inetd_open(void)
{
	const bool out = same_file(STDIN_FILENO, STDOUT_FILENO);
	const bool err = same_file(STDIN_FILENO, STDERR_FILENO);
	int fd, null;

	if ((fd = fcntl(STDIN_FILENO, F_DUPFD, STDERR_FILENO + 1)) == -1 ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		fatal("-i");
	if (err && (errors = shm_create("spawnd-errors", 0)) != -1 &&
	    (dup2(errors, STDERR_FILENO) == -1 || atexit(report) != 0))
		fatal("-i");
	dup2(null, STDIN_FILENO);
	if (out)
		dup2(null, STDOUT_FILENO);
	close(null);
	activate_add(fd, NULL, 0, true);
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) != -1 && fstat(b, &y) != -1 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

void
inetd_log_begins(void)
{
	report();
}

static void
report(void)
{
	char text[ERRORS_MAX + 1], *line, *rest = text;
	ssize_t n;
	int null;

	if (errors == -1)
		return;
	n = pread(errors, text, ERRORS_MAX, 0);
	text[n > 0 ? n : 0] = '\0';
	openlog("spawnd", LOG_PID, LOG_DAEMON);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			syslog(LOG_ERR, "%s", line);
	closelog();
	close(errors);
	errors = -1;
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
}
