#include "compat.h"

#include <sys/resource.h>

#include "sandbox.h"

int
sandbox_basic(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_FSIZE, &none);
}

void
sandbox_early(void)
{
}

int
sandbox_worker(const struct sandbox *box, const char **errp)
{
	(void)box;
	if (pledge("stdio recvfd inet unix", NULL) == 0)
		return 0;
	*errp = strerror(errno);
	return -1;
}

int
sandbox_reader(size_t max)
{
	const struct rlimit size = { max, max };

	setrlimit(RLIMIT_FSIZE, &size);	/* or there is a lower one */
	return pledge("stdio rpath getpw dns", NULL);
}

const char *
sandbox_describe(bool all)
{
	return all ? "pledge: stdio recvfd inet unix" : "no file growth";
}

const char *
sandbox_missing(void)
{
	return NULL;
}
