#include "compat.h"

#include "env.h"
#include "master.h"

struct master master;

const char *
master_libexec(const char *name, char *buf, size_t size)
{
	const char *dir = env_get("SPAWND_LIBEXEC");

	snprintf(buf, size, "%s/%s", dir != NULL && dir[0] == '/' ? dir :
	    SPAWND_LIBEXECDIR, name);
	return buf;
}
