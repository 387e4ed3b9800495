#include "compat.h"

#include <sys/stat.h>

#include "logger.h"

static bool	 file_is_named(const struct target *);
static ssize_t	 file_path(const struct target *, char *, size_t);
static bool	 file_complete(struct target *);
static size_t	 file_lines(const char *, size_t);
static size_t	 file_put(struct target *, const char *, size_t);
static bool	 file_tell_lost(struct target *);

void
file_take(struct target *t)
{
	if (file_path(t, t->path, sizeof(t->path)) == -1)
		t->path[0] = '\0';
}

bool
file_is_lost(struct target *t)
{
	return t->fd == -1 || t->fd == STDERR_FILENO || !file_is_named(t);
}

/* Where we may not search the folder, the kernel tells what has become of what
 * is open, if anybody does. */
static bool
file_is_named(const struct target *t)
{
	struct stat named, open;
	char now[sizeof(t->path)];

	if (stat(t->to, &named) == 0)
		return fstat(t->fd, &open) == 0 &&
		    named.st_dev == open.st_dev && named.st_ino == open.st_ino;
	if (errno != EACCES)
		return false;
	return t->path[0] == '\0' || file_path(t, now, sizeof(now)) == -1 ||
	    strcmp(now, t->path) == 0;
}

static ssize_t
file_path(const struct target *t, char *text, size_t size)
{
	char name[32];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", t->fd);
	if ((n = readlink(name, text, size - 1)) != -1)
		text[n] = '\0';
	return n;
}

void
file_add(struct target *t, const struct line *l)
{
	if (sizeof(t->buf) - t->len < l->len)
		file_write(t);
	memcpy(t->buf + t->len, l->text, l->len);
	t->len += l->len;
	t->waiting++;
}

/* What is left of a line that the target took a part of comes first, so that
 * no line is ever glued to another. */
static bool
file_complete(struct target *t)
{
	ssize_t n;

	if (t->rest_len == 0)
		return true;
	n = write(t->fd, t->rest, t->rest_len);
	if (n == (ssize_t)t->rest_len) {
		t->rest_len = 0;
		return true;
	}
	if (n > 0) {
		t->rest_len -= (size_t)n;
		memmove(t->rest, t->rest + n, t->rest_len);
	}
	return false;
}

static size_t
file_lines(const char *text, size_t n)
{
	size_t lines = 0;

	while (n-- > 0)
		lines += *text++ == '\n';
	return lines;
}

/* What the target does not take now is gone: the disk is full, or nobody reads
 * the pipe. Returns how many lines that are. */
static size_t
file_put(struct target *t, const char *text, size_t n)
{
	const char *end = text + n, *nl;
	ssize_t w;

	if (!file_complete(t))
		return file_lines(text, n);
	w = write(t->fd, text, n);
	if (w == (ssize_t)n)
		return 0;
	if (w > 0)
		text += w;
	if (w > 0 && text[-1] != '\n' &&
	    (nl = memchr(text, '\n', (size_t)(end - text))) != NULL &&
	    (size_t)(nl + 1 - text) <= sizeof(t->rest)) {
		t->rest_len = (size_t)(nl + 1 - text);
		memcpy(t->rest, text, t->rest_len);
		text = nl + 1;
	}
	return file_lines(text, (size_t)(end - text));
}

/* True if nothing was lost, or it has been told how much. */
static bool
file_tell_lost(struct target *t)
{
	char buf[TARGET_LINE];
	struct line line = { buf, 0, sizeof(buf) };

	if (t->lost == 0)
		return true;
	lines_lost(t, &line);
	if (file_put(t, line.text, line.len) != 0)
		return false;
	t->lost = 0;
	return true;
}

void
file_write(struct target *t)
{
	if (t->fd != -1 && file_tell_lost(t))
		t->lost += file_put(t, t->buf, t->len);
	else
		t->lost += t->waiting;
	t->len = 0;
	t->waiting = 0;
}
