#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "logger.h"
#include "safe.h"

#define LOOK	1000		/* ms between looks at the file's name */

static int	 target_open(void);
static bool	 target_moved(void);
static bool	 target_due(void);
static bool	 target_complete(void);
static size_t	 target_lines(const char *, size_t);

static const char		*target;
static bool			 file;		/* else it is never opened */
static bool			 told;		/* that it cannot be opened */
static bool			 outside;	/* of what is left to us */
static enum target_style	 style;
static int			 facility;
static int			 out = STDERR_FILENO;
static char			 rest[LOG_LINE + 64];	/* of a line */
static size_t			 rest_len;

int
target_start(const char *name, int syslog_facility)
{
	target = name;
	facility = syslog_facility;
	if (strcmp(name, "syslog") == 0) {
		style = TARGET_SYSLOG;
		return 0;
	}
	if (strcmp(name, "stdout") == 0)
		out = STDOUT_FILENO;
	else if (strcmp(name, "stderr") != 0) {
		file = true;
		return target_reopen();
	}
	if (log_is_journal(out))
		style = TARGET_JOURNAL;
	return 0;
}

const char *
target_name(void)
{
	return target;
}

const char *
target_file(void)
{
	return file ? target : NULL;
}

enum target_style
target_style(void)
{
	return style;
}

/* Better a file that was renamed than none. */
static int
target_open(void)
{
	const char *err;
	int fd, error;

	fd = safe_open(target, O_WRONLY | O_APPEND | O_CREAT, 0640, &err);
	if (fd == -1) {
		error = errno;
		outside = error == EACCES && cage_moved();
		errno = error;
		return -1;
	}
	if (out != STDERR_FILENO)
		close(out);
	out = fd;
	told = false;
	return 0;
}

bool
target_outside(void)
{
	return outside;
}

int
target_reopen(void)
{
	if (!file)
		return 0;
	told = target_open() == -1;
	return told && !outside ? -1 : 0;
}

int
target_follow(void)
{
	if (!file || !target_due() || !target_moved() || target_open() == 0)
		return 0;
	if (told || outside)
		return 0;
	told = true;
	return -1;
}

static bool
target_due(void)
{
	static int64_t last;
	struct timespec ts;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if (now - last < LOOK)
		return false;
	last = now;
	return true;
}

static bool
target_moved(void)
{
	struct stat named, open;

	return stat(target, &named) == -1 || fstat(out, &open) == -1 ||
	    named.st_dev != open.st_dev || named.st_ino != open.st_ino;
}

/* What is left of a line that the target took a part of comes first, so that
 * no line is ever glued to another. */
static bool
target_complete(void)
{
	ssize_t n;

	if (rest_len == 0)
		return true;
	n = write(out, rest, rest_len);
	if (n == (ssize_t)rest_len) {
		rest_len = 0;
		return true;
	}
	if (n > 0) {
		rest_len -= (size_t)n;
		memmove(rest, rest + n, rest_len);
	}
	return false;
}

static size_t
target_lines(const char *text, size_t n)
{
	size_t lines = 0;

	while (n-- > 0)
		lines += *text++ == '\n';
	return lines;
}

/* What the target does not take now is gone: the disk is full, or nobody reads
 * the pipe. */
size_t
target_put(const char *text, size_t n)
{
	const char *end = text + n, *nl;
	ssize_t w;

	if (!target_complete())
		return target_lines(text, n);
	w = write(out, text, n);
	if (w == (ssize_t)n)
		return 0;
	if (w > 0)
		text += w;
	if (w > 0 && text[-1] != '\n' &&
	    (nl = memchr(text, '\n', (size_t)(end - text))) != NULL &&
	    (size_t)(nl + 1 - text) <= sizeof(rest)) {
		rest_len = (size_t)(nl + 1 - text);
		memcpy(rest, text, rest_len);
		text = nl + 1;
	}
	return target_lines(text, (size_t)(end - text));
}

/* The part in front becomes syslog's own tag. */
void
target_syslog(int level, char *line)
{
	static char ident[64];
	char *text = strstr(line, ": ");

	if (text != NULL && (size_t)(text - line) < sizeof(ident)) {
		memcpy(ident, line, (size_t)(text - line));
		ident[text - line] = '\0';
		text += 2;
	} else
		text = line;
	openlog(ident, LOG_NDELAY, facility);
	syslog(level | facility, "%s", text);
}
