#include "compat.h"

#include "log.h"
#include "master.h"
#include "pidfile.h"
#include "proc/generation.h"

struct master master;

void
master_pidfile_again(void)
{
	const char *err, *path = master.opt.pidfile != NULL ?
	    master.opt.pidfile : master.gen->conf->pidfile;

	if (path == NULL)
		return;
	if ((master.pidfile = pidfile_take(path, &err)) == NULL)
		log_warnx("%s", err);
	else if (pidfile_tell(master.pidfile) == -1)
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
