#include "compat.h"

#include <sys/stat.h>

#include <syslog.h>
#include <time.h>

#include "log.h"
#include "logger.h"

#define LOOK	1000		/* ms between looks at the file's name */

static bool	 target_due(void);
static bool	 target_named(void);
static ssize_t	 target_path(char *, size_t);
static bool	 target_complete(void);
static size_t	 target_lines(const char *, size_t);

static const char		*target;
static bool			 file;		/* else it is never opened */
static char			 path[1024];	/* of out, if it has one */
static enum target_style	 style;
static int			 facility;
static int			 out = STDERR_FILENO;
static char			 rest[LOG_LINE + 64];	/* of a line */
static size_t			 rest_len;

void
target_start(const char *name, int syslog_facility)
{
	target = name;
	facility = syslog_facility;
	if (strcmp(name, "syslog") == 0) {
		style = TARGET_SYSLOG;
		return;
	}
	if (strcmp(name, "stdout") == 0)
		out = STDOUT_FILENO;
	else if (strcmp(name, "stderr") != 0) {
		file = true;
		return;
	}
	if (log_is_journal(out))
		style = TARGET_JOURNAL;
}

enum target_style
target_style(void)
{
	return style;
}

void
target_file(int fd)
{
	if (!file) {
		close(fd);
		return;
	}
	if (out != STDERR_FILENO)
		close(out);
	out = fd;
	if (target_path(path, sizeof(path)) == -1)
		path[0] = '\0';
}

bool
target_lost(void)
{
	return file && target_due() &&
	    (out == STDERR_FILENO || !target_named());
}

static bool
target_due(void)
{
	static int64_t last = INT64_MIN;
	struct timespec ts;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if (last != INT64_MIN && now - last < LOOK)
		return false;
	last = now;
	return true;
}

/* Where we may not search the folder, the kernel tells what has become of what
 * is open, if anybody does. */
static bool
target_named(void)
{
	struct stat named, open;
	char now[sizeof(path)];

	if (stat(target, &named) == 0)
		return fstat(out, &open) == 0 && named.st_dev == open.st_dev &&
		    named.st_ino == open.st_ino;
	if (errno != EACCES)
		return false;
	return path[0] == '\0' || target_path(now, sizeof(now)) == -1 ||
	    strcmp(now, path) == 0;
}

static ssize_t
target_path(char *text, size_t size)
{
	char name[32];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", out);
	if ((n = readlink(name, text, size - 1)) != -1)
		text[n] = '\0';
	return n;
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
