#include "compat.h"

#ifdef HAVE_GETAUXVAL
#include <sys/auxv.h>
#define PRIVILEGED()	(getauxval(AT_SECURE) != 0)
#elif defined(HAVE_ISSETUGID)
#define PRIVILEGED()	(issetugid() != 0)
#else
#define PRIVILEGED()	(getuid() != geteuid() || getgid() != getegid())
#endif

#include "env.h"

extern char **environ;

static bool	 env_stays(const char *);

/* One that ends in = is a whole name, others begin one. */
static const char *const kept[] = {
	"PATH=", "TZ=", "LANG=", "LC_", "LD_", "GLIBC_TUNABLES=", "MALLOC_",
	"SPAWND_",
#ifdef ENABLE_ASAN
	"ASAN_OPTIONS=", "LSAN_OPTIONS=", "UBSAN_OPTIONS=",
#endif
};

bool
env_trusted(void)
{
	return !PRIVILEGED();
}

const char *
env_get(const char *name)
{
	return env_trusted() ? getenv(name) : NULL;
}

void
env_shorten(void)
{
	char **from, **to = environ;

	for (from = environ; from != NULL && *from != NULL; from++)
		if (env_stays(*from))
			*to++ = *from;
	if (to != NULL)
		*to = NULL;
}

static bool
env_stays(const char *variable)
{
	size_t i;

	for (i = 0; i < nitems_of(kept); i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}
