#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "env.h"
#include "log.h"
#include "master.h"
#include "proc/child.h"
#include "proc/fetch.h"
#include "proto.h"
#include "safe.h"
#include "shm.h"
#include "utf8.h"

#define LIMIT		28000	/* ms; the fetcher has a lower one */
#define PATH_MOST	1024
#define PIECE		65536	/* bytes copied at a time */

static int	 launch(const char *);
static void	 ended(struct child *, int);
static void	 fetched(void);
static void	 same(void);
static void	 failed(const char *);
static void	 give(int, const char *, const char *);
static char	*report(void);
static void	 close_all(void);
static const char *copy_path(char [PATH_MOST]);
static int	 copy_folder(const char *, const char **, const char **);
static int	 copy_open(char *, size_t);
static int	 copy_write(int, const char *);
static int	 copy_bytes(int, int);
static bool	 ours(const struct stat *, mode_t);

static struct child	 fetcher = CHILD("fetcher", ended, CHILD_OWN);
static const char	*url;
static bool		 with_copy;
static int		 text_fd = -1, report_fd = -1;
static int		 last_fd = -1;	/* of the last that was fetched */
static char		*last_tag;	/* of that, as the server has it */
static bool		 kept;		/* the copy is that */
static bool		 fresh;		/* what was given is that */
static void		(*callback)(const struct fetched *);

int
fetch_start(const char *what, bool copy, void (*cb)(const struct fetched *),
    const char **errp)
{
	url = what;
	with_copy = copy;
	callback = cb;
	if ((text_fd = shm_create("spawnd-fetched", 0)) != -1 &&
	    (report_fd = shm_create("spawnd-fetch-report", 0)) != -1 &&
	    launch(last_tag != NULL ? last_tag : "") == 0) {
		child_limit(&fetcher, LIMIT);
		return 0;
	}
	*errp = log_why(errno);
	close_all();
	return -1;
}

static int
launch(const char *tag)
{
	const struct child_fd fds[] = {
		{ text_fd, FETCHER_FD_TEXT }, { report_fd, FETCHER_FD_REPORT }
	};
	char path[PATH_MOST], called[] = "fetcher";
	char *argv[] = { called, (char *)(uintptr_t)url,
	    (char *)(uintptr_t)tag, NULL };

	master_libexec("fetcher", path, sizeof(path));
	return child_start(&fetcher, path, argv, fds, nitems_of(fds));
}

void
fetch_cancel(void)
{
	if (callback == NULL)
		return;
	child_kill(&fetcher, SIGKILL, NULL);
	child_forget(&fetcher);
	callback = NULL;
	close_all();
}

static void
ended(struct child *c, int status)
{
	char *why;

	(void)c;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		fetched();
	else if (WIFEXITED(status) && WEXITSTATUS(status) == FETCHER_SAME &&
	    last_fd != -1)
		same();
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
	    (why = report()) != NULL) {
		failed(why);
		free(why);
	} else
		failed("the program that fetches it has failed");
}

/* Nobody may change it any more. */
static void
fetched(void)
{
	int fd;

	if (shm_seal(text_fd) == -1 ||
	    (fd = fcntl(text_fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		failed(log_why(errno));
		return;
	}
	if (last_fd != -1)
		close(last_fd);
	free(last_tag);
	last_fd = text_fd;
	text_fd = -1;
	last_tag = report();
	kept = false;
	give(fd, NULL, NULL);
}

static void
same(void)
{
	const int fd = fcntl(last_fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		failed(log_why(errno));
	else
		give(fd, NULL, NULL);
}

static void
failed(const char *why)
{
	char when[64], text[512];
	int fd;

	snprintf(text, sizeof(text), "it cannot be fetched: %s", why);
	if (!with_copy || (fd = copy_open(when, sizeof(when))) == -1) {
		give(-1, text, NULL);
		return;
	}
	strlcat(text, "; the copy of ", sizeof(text));
	strlcat(text, when, sizeof(text));
	strlcat(text, " is used", sizeof(text));
	give(fd, NULL, text);
}

static void
give(int fd, const char *error, const char *warning)
{
	const struct fetched f = { .fd = fd, .error = error,
	    .warning = warning };
	void (*cb)(const struct fetched *) = callback;

	callback = NULL;
	fresh = error == NULL && warning == NULL;
	close_all();
	cb(&f);
}

/* One harmless line; NULL without memory. */
static char *
report(void)
{
	char *text = shm_text(report_fd);

	if (text != NULL)
		utf8_clean(text, strlen(text));
	return text;
}

static void
close_all(void)
{
	if (text_fd != -1)
		close(text_fd);
	if (report_fd != -1)
		close(report_fd);
	text_fd = report_fd = -1;
}

/* --- the copy --- */

/* A name that is that of one URL, by FNV-1a. */
static const char *
copy_path(char path[PATH_MOST])
{
	const char *folder = env_get("SPAWND_STATE"), *p;
	uint64_t hash = 0xcbf29ce484222325;

	for (p = url; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
	snprintf(path, PATH_MOST, "%s/%016llx.conf", folder != NULL ? folder :
	    SPAWND_STATE, (unsigned long long)hash);
	return path;
}

/* One that only we can put files into. */
static int
copy_folder(const char *path, const char **name, const char **errp)
{
	const int folder = safe_folder(path, name);
	struct stat st;

	*errp = strerror(errno);
	if (folder == -1)
		return -1;
	if (fstat(folder, &st) == 0 && ours(&st, S_IFDIR))
		return folder;
	*errp = "its folder is not ours alone to write to";
	close(folder);
	return -1;
}

static bool
ours(const struct stat *st, mode_t type)
{
	return (st->st_mode & S_IFMT) == type &&
	    (st->st_uid == geteuid() || st->st_uid == 0) &&
	    (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int
copy_open(char *when, size_t size)
{
	char path[PATH_MOST];
	const char *name, *err;
	struct stat st;
	struct tm tm;
	int folder, fd;

	if ((folder = copy_folder(copy_path(path), &name, &err)) == -1)
		return -1;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK);
	close(folder);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && ours(&st, S_IFREG) &&
	    gmtime_r(&st.st_mtime, &tm) != NULL &&
	    strftime(when, size, "%Y-%m-%dT%H:%M:%SZ", &tm) != 0)
		return fd;
	close(fd);
	return -1;
}

void
fetch_good(void)
{
	char path[PATH_MOST], folder[PATH_MOST];
	const char *name, *err;
	int dir;

	if (!fresh || kept)
		return;
	strlcpy(folder, copy_path(path), sizeof(folder));
	*strrchr(folder, '/') = '\0';
	mkdir(folder, 0700);
	if ((dir = copy_folder(path, &name, &err)) == -1) {
		log_warnx("no copy of %s is kept: %s: %s", url, path, err);
		return;
	}
	if (copy_write(dir, name) == -1)
		log_warn("no copy of %s is kept: %s", url, path);
	else
		kept = true;
	close(dir);
}

/* It is there whole, or as it was. */
static int
copy_write(int dir, const char *name)
{
	char new[64];
	int fd, r, saved;

	snprintf(new, sizeof(new), "%s.new", name);
	unlinkat(dir, new, 0);
	fd = openat(dir, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if ((r = copy_bytes(last_fd, fd)) == 0)
		r = renameat(dir, new, dir, name);
	saved = errno;
	if (r == -1)
		unlinkat(dir, new, 0);
	close(fd);
	errno = saved;
	return r;
}

static int
copy_bytes(int from, int to)
{
	static char piece[PIECE];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, piece, sizeof(piece), at)) > 0) {
		if (write(to, piece, (size_t)n) != n)
			return -1;
		at += n;
	}
	return n == 0 ? 0 : -1;
}
