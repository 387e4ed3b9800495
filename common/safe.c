#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "safe.h"

#ifndef O_PATH
#define O_PATH	O_RDONLY
#endif

#define FOLDER	(O_PATH | O_DIRECTORY | O_CLOEXEC)
#define LINKS	32	/* on one way: more are a circle */

struct way {
	int	 fd;			/* the folder reached, or -1 */
	int	 links;			/* followed so far */
	char	 left[PATH_MAX];	/* the names to go */
};

static bool	 way_step(struct way *);
static bool	 way_link(struct way *, const char *);
static bool	 way_go(struct way *, int);
static bool	 link_good(int, const char *);
static bool	 ours(const struct stat *);
static bool	 of_system(const char *);
static const char *file_wrong(const struct stat *);
static const char *way_wrong(int);

static const char	 link_named[] =
			    "is a symbolic link; name the file itself";

int
safe_folder(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	struct way way = { .fd = -1 };
	size_t len;

	*name = slash != NULL ? slash + 1 : path;
	len = (size_t)(*name - path);
	if (**name == '\0' || len >= sizeof(way.left)) {
		errno = **name == '\0' ? EINVAL : ENAMETOOLONG;
		return -1;
	}
	memcpy(way.left, path, len);
	way.fd = open(*path == '/' ? "/" : ".", FOLDER);
	while (way.fd != -1 && way_step(&way))
		;
	return way.fd;
}

bool
safe_run(const char *path)
{
	static const char run[] = SPAWND_RUN "/";

	return strncmp(path, run, sizeof(run) - 1) == 0 &&
	    strchr(path + sizeof(run) - 1, '/') == NULL;
}

void
safe_run_make(const char *path)
{
	const mode_t mode = 0755;

	/* Whatever umask(2) is. */
	if (safe_run(path) && geteuid() == 0 && mkdir(SPAWND_RUN, mode) == 0)
		chmod(SPAWND_RUN, mode);
}

/* One name further; false when there is none left, or no way on. */
static bool
way_step(struct way *way)
{
	size_t skip = strspn(way->left, "/");
	size_t len = strcspn(way->left + skip, "/");
	char name[NAME_MAX + 1];
	int fd;

	if (len == 0)
		return false;
	if (len >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return way_go(way, -1);
	}
	memcpy(name, way->left + skip, len);
	name[len] = '\0';
	memmove(way->left, way->left + skip + len,
	    strlen(way->left + skip + len) + 1);
	fd = openat(way->fd, name, FOLDER | O_NOFOLLOW);
	if (fd == -1 && (errno == ENOTDIR || errno == ELOOP ||
	    errno == EMLINK))
		return way_link(way, name);
	return way_go(way, fd);
}

/* What the name is, if no folder. */
static bool
way_link(struct way *way, const char *name)
{
	char to[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(way->fd, name, to, sizeof(to) - 1);

	if (n == -1) {
		errno = errno == EINVAL ? ENOTDIR : errno;
		return way_go(way, -1);
	}
	to[n] = '\0';
	strlcpy(rest, way->left, sizeof(rest));
	if (++way->links > LINKS || !link_good(way->fd, name) ||
	    snprintf(way->left, sizeof(way->left), "%s/%s", to, rest) >=
	    (int)sizeof(way->left)) {
		errno = ELOOP;
		return way_go(way, -1);
	}
	return *to != '/' || way_go(way, open("/", FOLDER));
}

static bool
way_go(struct way *way, int fd)
{
	int saved = errno;

	close(way->fd);
	errno = saved;
	way->fd = fd;
	return fd != -1;
}

/* Others can neither have made it nor put it there. */
static bool
link_good(int folder, const char *name)
{
	struct stat in, st;

	return fstat(folder, &in) == 0 && ours(&in) &&
	    ((in.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	    (in.st_mode & S_ISVTX) != 0) &&
	    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours(&st) && st.st_nlink == 1;
}

static bool
ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

int
safe_open(const char *path, int flags, mode_t mode, const char **errp)
{
	const char *name = path;
	int folder = AT_FDCWD, fd, saved;
	bool system = of_system(path);
	struct stat st;

	flags |= O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	if (!system && (folder = safe_folder(path, &name)) == -1) {
		*errp = way_wrong(errno);
		return -1;
	}
	fd = openat(folder, name, system ? flags : flags | O_NOFOLLOW, mode);
	saved = errno;
	*errp = strerror(saved);
	if (fd == -1 && (saved == ELOOP || saved == EMLINK))
		*errp = link_named;
	else if (fd != -1 && !system && (*errp = fstat(fd, &st) == -1 ?
	    strerror(errno) : file_wrong(&st)) != NULL) {
		close(fd);
		fd = -1;
		saved = EPERM;
	}
	if (folder != AT_FDCWD)
		close(folder);
	errno = saved;
	return fd;
}

int
safe_look(const char *path, const char **errp)
{
	const char *name = path;
	int folder = AT_FDCWD, error = 0;
	bool system = of_system(path);
	struct stat st;

	if (!system && (folder = safe_folder(path, &name)) == -1) {
		*errp = way_wrong(errno);
		return -1;
	}
	*errp = NULL;
	if (fstatat(folder, name, &st, system ? 0 : AT_SYMLINK_NOFOLLOW) == -1)
		error = errno;
	else if (S_ISDIR(st.st_mode))
		error = EISDIR;
	else if (!system && S_ISLNK(st.st_mode)) {
		error = ELOOP;
		*errp = link_named;
	} else if (!system && (*errp = file_wrong(&st)) != NULL)
		error = EPERM;
	else if (faccessat(folder, name, W_OK, AT_EACCESS) == -1)
		error = errno;
	if (*errp == NULL)
		*errp = strerror(error);
	if (folder != AT_FDCWD)
		close(folder);
	errno = error;
	return error == 0 ? 0 : -1;
}

static const char *
way_wrong(int error)
{
	return error == ELOOP ? "a symbolic link on the way belongs to "
	    "another user" : strerror(error);
}

static bool
of_system(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 ||
	    strncmp(path, "/dev/fd/", 8) == 0 ||
	    (strncmp(path, "/dev/", 5) == 0 && strchr(path + 5, '/') == NULL);
}

/* NULL: nothing. */
static const char *
file_wrong(const struct stat *st)
{
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		return "is neither a regular file nor a FIFO";
	if (S_ISREG(st->st_mode) && st->st_nlink != 1)
		return "has a second name (hard link)";
	if (!ours(st))
		return "belongs to another user";
	return NULL;
}
