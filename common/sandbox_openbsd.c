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
	static const char *const promises[] = {
		[SANDBOX_WORKER] = "stdio recvfd inet unix",
		[SANDBOX_LOGGER] = "stdio rpath recvfd unix",
		[SANDBOX_READER] = "stdio rpath getpw dns inet unix",
		[SANDBOX_CTL] = "stdio unix",
		[SANDBOX_CHECKER] = "stdio rpath recvfd inet dns unix",
		[SANDBOX_USERS] = "stdio",
		[SANDBOX_RECORDER] = "stdio rpath wpath cpath recvfd",
		[SANDBOX_STATUS] = "stdio recvfd"
	};

	if (pledge(box->screen ? "stdio unix tty" : promises[box->role],
	    NULL) == 0)
		return 0;
	*errp = strerror(errno);
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
	return all ? "pledge: stdio recvfd inet unix" : "no file growth";
}

const char *
sandbox_missing(void)
{
	return NULL;
}
