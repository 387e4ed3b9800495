#include "compat.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>

#include "conf/conf.h"
#include "log.h"
#include "master.h"
#include "pidfile.h"
#include "proc/generation.h"
#include "safe.h"

struct pidfile {
	int	 fd;
	char	*path;
};

static const char *open_locked(struct pidfile *);
static const char *who_runs(int);
static bool	 is_named(const struct pidfile *, bool);

const char *
pidfile_path(const struct conf *conf)
{
	return master.opt.pidfile != NULL ? master.opt.pidfile : conf->pidfile;
}

bool
pidfile_is(const struct pidfile *p, const char *path)
{
	struct stat st;

	if (p == NULL || path == NULL)
		return p == NULL && path == NULL;
	return strcmp(p->path, path) == 0 &&
	    (lstat(path, &st) == 0 || errno != ENOENT);
}

struct pidfile *
pidfile_take(const char *path, const char **errp)
{
	static char sentence[512];
	struct pidfile *p;
	const char *why;

	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    (p->path = strdup(path)) == NULL)
		why = strerror(errno);
	else if ((why = open_locked(p)) == NULL)
		return p;
	snprintf(sentence, sizeof(sentence), "pid file %s: %s", path, why);
	*errp = sentence;
	if (p != NULL)
		free(p->path);
	free(p);
	return NULL;
}

/* NULL, or why not. Who held it may just have removed it: then another one
 * has the name. */
static const char *
open_locked(struct pidfile *p)
{
	const char *why;
	struct stat st;

	safe_run_make(p->path);
	for (;;) {
		p->fd = safe_open(p->path, O_RDWR | O_CREAT, 0644, &why);
		if (p->fd == -1)
			return why;
		if (fstat(p->fd, &st) == -1 || !S_ISREG(st.st_mode))
			why = "is no regular file";
		else if (flock(p->fd, LOCK_EX | LOCK_NB) == -1)
			why = errno == EWOULDBLOCK ? who_runs(p->fd) :
			    strerror(errno);
		else if (is_named(p, false))
			return NULL;
		else
			why = NULL;
		close(p->fd);
		if (why != NULL)
			return why;
	}
}

static const char *
who_runs(int fd)
{
	static char text[64];
	char number[16];
	const char *err;
	long long pid = 0;
	ssize_t n = pread(fd, number, sizeof(number) - 1, 0);

	if (n > 0) {
		number[n] = '\0';
		number[strcspn(number, "\n")] = '\0';
		pid = strtonum(number, 1, INT32_MAX, &err);
	}
	snprintf(text, sizeof(text), "spawnd runs already, as process %lld",
	    pid);
	return text;
}

int
pidfile_tell(struct pidfile *p)
{
	char number[16];
	int n = snprintf(number, sizeof(number), "%ld\n", (long)getpid());

	if (ftruncate(p->fd, 0) == -1)
		return -1;
	return pwrite(p->fd, number, (size_t)n, 0) == n ? 0 : -1;
}

/* Does the name stand for what we have open? remove: and if so, no more. */
static bool
is_named(const struct pidfile *p, bool remove_it)
{
	struct stat st, own;
	const char *name;
	int folder = safe_folder(p->path, &name);
	bool same;

	if (folder == -1)
		return false;
	same = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstat(p->fd, &own) == 0 && st.st_dev == own.st_dev &&
	    st.st_ino == own.st_ino;
	if (same && remove_it)
		unlinkat(folder, name, 0);
	close(folder);
	return same;
}

void
pidfile_leave(struct pidfile **pp)
{
	struct pidfile *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	close(p->fd);
	free(p->path);
	free(p);
}

void
pidfile_drop(struct pidfile **pp)
{
	if (*pp != NULL)
		is_named(*pp, true);
	pidfile_leave(pp);
}

void
pidfile_again(void)
{
	const char *err, *path = pidfile_path(master.gen->conf);

	if (path == NULL)
		return;
	if ((master.pidfile = pidfile_take(path, &err)) == NULL)
		log_warnx("%s", err);
	else if (pidfile_tell(master.pidfile) == -1)
		log_warn("pid file %s", path);
}
