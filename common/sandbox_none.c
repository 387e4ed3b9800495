#include "compat.h"

#include <sys/resource.h>

#include "sandbox.h"

int
sandbox_worker(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_FSIZE, &none);
}

const char *
sandbox_describe(void)
{
	return "no file growth";
}
