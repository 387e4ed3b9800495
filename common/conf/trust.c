#include "compat.h"

#include <sys/stat.h>

#include <limits.h>

#include "conf/parse.h"

static bool	 trust_others(const struct stat *, const char **);
static bool	 trust_folder(const char *, struct stat *);

void
conf_trust(struct conf_text *t, unsigned line, int fd, const char *path)
{
	const char *who;
	struct stat st;

	/* What comes out of a pipe is no file that stays. */
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return;
	if (trust_others(&st, &who))
		conf_text_warning(t, line, "%s can be written by %s", path,
		    who);
	conf_trust_folder(t, line, path);
}

void
conf_trust_folder(struct conf_text *t, unsigned line, const char *path)
{
	const char *who;
	struct stat st;

	if (trust_folder(path, &st) && trust_others(&st, &who) &&
	    (st.st_mode & S_ISVTX) == 0)
		conf_text_warning(t, line, "the folder of %s can be written "
		    "by %s", path, who);
}

/* Those of our own group may be meant to. */
static bool
trust_others(const struct stat *st, const char **who)
{
	if ((st->st_mode & S_IWOTH) != 0)
		*who = "everybody";
	else if (st->st_uid != 0 && st->st_uid != geteuid())
		*who = "another user, who owns it";
	else if ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 &&
	    st->st_gid != getegid())
		*who = "another group";
	else
		return false;
	return true;
}

static bool
trust_folder(const char *path, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (slash == NULL)
		return stat(".", st) == 0;
	if ((size_t)(slash - path) + 1 >= sizeof(folder))
		return false;
	memcpy(folder, path, (size_t)(slash - path) + 1);
	folder[slash - path + 1] = '\0';
	return stat(folder, st) == 0;
}
