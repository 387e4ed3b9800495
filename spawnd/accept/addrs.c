#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>

#include "accept/addrs.h"
#include "accept/listener.h"
#include "fdname.h"
#include "log.h"
#include "master.h"
#include "safe.h"

#define PATIENCE 100	/* ms that whoever reads there has for some lines */
#define SAID	8	/* most listeners in a line of the log */

static int	write_standard(int);
static int	write_patient(int, const char *, size_t);
static int	write_in_place(const char *);
static int	replace(const char *);
static int	write_all(int);
static int	write_lines(FILE *);

void
addrs_write(const char *path)
{
	const int fd = fdname_of(path);
	struct stat st;
	int r;

	if (fd != -1)
		r = write_standard(fd);
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		r = write_in_place(path);
	else
		r = replace(path);
	if (r == -1)
		log_warn("%s", path);
}

/* By its name it would be opened, or replaced, as the file that it is. */
static int
write_standard(int fd)
{
	size_t len = 0;
	char *text = NULL;
	FILE *f;
	int r;

	if (fd != STDOUT_FILENO && fd != STDERR_FILENO) {
		errno = EBADF;		/* closed at the start */
		return -1;
	}
	if ((f = open_memstream(&text, &len)) == NULL)
		return -1;
	r = write_lines(f);
	if (r == 0)
		r = write_patient(fd, text, len);
	free(text);
	return r;
}

/* Others have it too, so it is not ours to make it non-blocking: what poll(2)
 * finds writable takes that much without a wait. */
static int
write_patient(int fd, const char *text, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	ssize_t n;
	int r;

	for (; len > 0; text += n, len -= (size_t)n) {
		n = 0;
		if ((r = poll(&pfd, 1, PATIENCE)) == -1 && errno == EINTR)
			continue;
		if (r == 0)
			errno = EAGAIN;
		if (r != 1 || (n = write(fd, text,
		    MIN(len, _POSIX_PIPE_BUF))) == -1)
			return -1;
	}
	return 0;
}

/* A device, a pipe, a FIFO (which nobody waits for). */
static int
write_in_place(const char *path)
{
	const char *err;

	return write_all(safe_open(path, O_WRONLY, 0, &err));
}

/* In a directory for everybody somebody may have laid a link there, and who
 * owns it may exchange it. */
static int
replace(const char *path)
{
	char tmp[NAME_MAX + 1];
	const char *name;
	int folder, r, saved;

	if ((folder = safe_folder(path, &name)) == -1)
		return -1;
	strlcpy(tmp, name, sizeof(tmp));
	if (strlcat(tmp, ".tmp", sizeof(tmp)) >= sizeof(tmp)) {
		close(folder);
		errno = ENAMETOOLONG;
		return -1;
	}
	unlinkat(folder, tmp, 0);
	r = write_all(openat(folder, tmp, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0644));
	if (r == 0)
		r = renameat(folder, tmp, folder, name);
	saved = errno;
	if (r == -1)
		unlinkat(folder, tmp, 0);
	close(folder);
	errno = saved;
	return r;
}

/* To a descriptor, which it closes; -1 is an error already. */
static int
write_all(int fd)
{
	FILE *f;

	if (fd == -1)
		return -1;
	if ((f = fdopen(fd, "w")) == NULL) {
		close(fd);
		return -1;
	}
	return write_lines(f);
}

/* And closes it. */
static int
write_lines(FILE *f)
{
	char text[ADDR_STRLEN];
	const struct listener *l;

	TAILQ_FOREACH(l, &master.listeners, entry)
		fprintf(f, "%s %s\n", l->name, addr_str(&l->addr, text));
	return fclose(f) == EOF ? -1 : 0;
}

char *
addrs_str(char *buf, size_t size)
{
	char text[ADDR_STRLEN];
	const struct listener *l;
	size_t len = 0;
	unsigned n = 0;

	*buf = '\0';
	TAILQ_FOREACH(l, &master.listeners, entry) {
		if (n++ >= SAID || len >= size)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s %s",
		    n == 1 ? "" : ", ", l->name, addr_str(&l->addr, text));
	}
	if (n > SAID && len < size)
		snprintf(buf + len, size - len, " and %u more", n - SAID);
	return buf;
}
