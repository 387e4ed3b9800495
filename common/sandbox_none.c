#include "compat.h"

#include <sys/resource.h>

#include "sandbox.h"

int
sandbox_basic(enum sandbox_role role)
{
	const struct rlimit none = { 0, 0 };

	return role != SANDBOX_WORKER && role != SANDBOX_CHECKER ? 0 :
	    setrlimit(RLIMIT_FSIZE, &none);
}

void
sandbox_code(void)
{
}

void
sandbox_early(void)
{
}

int
sandbox_foreign(void)
{
	return 0;
}

int
sandbox_enter(const struct sandbox *box, const char **errp)
{
	(void)box;
	*errp = sandbox_missing();
	return -1;
}

int
sandbox_reader(size_t max)
{
	const struct rlimit size = { max, max };

	setrlimit(RLIMIT_FSIZE, &size);	/* or there is a lower one */
	return 0;
}

void
sandbox_secrets(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

const char *
sandbox_describe(bool all)
{
	(void)all;
	return "no file growth";
}

const char *
sandbox_missing(void)
{
	return "anything but a limit (none is known for this system)";
}
