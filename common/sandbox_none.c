#include "compat.h"

#include <sys/resource.h>

#include "sandbox.h"

int
sandbox_worker(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_FSIZE, &none);
}

int
sandbox_reader(size_t max)
{
	const struct rlimit size = { max, max };

	setrlimit(RLIMIT_FSIZE, &size);	/* or there is a lower one */
	return 0;
}

const char *
sandbox_describe(void)
{
	return "no file growth";
}
