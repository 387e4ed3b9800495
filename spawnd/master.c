#include "compat.h"

#include <libutil.h>

#include "log.h"
#include "master.h"
#include "proc/generation.h"

struct master master;

int
master_pidfile(const char *path, struct pidfh **pfh, const char **errp)
{
	static char why[512];
	pid_t other = 0;

	if ((*pfh = pidfile_open(path, 0644, &other)) != NULL)
		return 0;
	if (errno == EEXIST)
		snprintf(why, sizeof(why), "pid file %s: spawnd runs already, "
		    "as process %ld", path, (long)other);
	else
		snprintf(why, sizeof(why), "pid file %s: %s", path,
		    strerror(errno));
	*errp = why;
	return -1;
}

void
master_pidfile_again(void)
{
	const char *err, *path = master.opt.pidfile != NULL ?
	    master.opt.pidfile : master.gen->conf->pidfile;

	if (path == NULL)
		return;
	if (master_pidfile(path, &master.pidfile, &err) == -1)
		log_warnx("%s", err);
	else if (pidfile_write(master.pidfile) == -1)
		log_warn("pid file %s", path);
}

const char *
master_libexec(const char *name, char *buf, size_t size)
{
	const char *dir = getenv("SPAWND_LIBEXEC");

	snprintf(buf, size, "%s/%s", dir != NULL && dir[0] == '/' ? dir :
	    SPAWND_LIBEXECDIR, name);
	return buf;
}
