#include "compat.h"

#include <limits.h>

#include "fdname.h"

#define LINKS	40	/* as many as open(2) follows */

static bool	fdname_folder(const char *);

/* Is it where this process finds its own descriptors? */
static bool
fdname_folder(const char *path)
{
	char own[64];
	long pid = (long)getpid();

	if (strcmp(path, "/dev/fd") == 0)
		return true;
	snprintf(own, sizeof(own), "/proc/%ld/fd", pid);
	if (strcmp(path, own) == 0)
		return true;
	snprintf(own, sizeof(own), "/proc/%ld/task/%ld/fd", pid, pid);
	return strcmp(path, own) == 0;
}

/* Link by link, as the last one leads to what is open and not to a name. */
int
fdname_of(const char *path)
{
	char name[PATH_MAX], folder[PATH_MAX], next[PATH_MAX], *base;
	const char *err;
	ssize_t n;
	int i, fd;

	if (strlcpy(name, path, sizeof(name)) >= sizeof(name))
		return -1;
	for (i = 0; i < LINKS; i++) {
		if ((base = strrchr(name, '/')) == NULL)
			return -1;
		*base++ = '\0';
		if (realpath(*name != '\0' ? name : "/", folder) == NULL)
			return -1;
		fd = (int)strtonum(base, 0, INT_MAX, &err);
		if (err == NULL && fdname_folder(folder))
			return fd;
		if (snprintf(next, sizeof(next), "%s/%s", folder, base) >=
		    (int)sizeof(next) ||
		    (n = readlink(next, name, sizeof(name) - 1)) == -1)
			return -1;
		name[n] = '\0';
		if (*name == '/')
			continue;
		if (snprintf(next, sizeof(next), "%s/%s", folder, name) >=
		    (int)sizeof(next))
			return -1;
		strlcpy(name, next, sizeof(name));
	}
	return -1;
}
