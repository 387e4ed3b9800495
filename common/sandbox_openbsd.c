#include "compat.h"

#include <sys/resource.h>

#include "sandbox.h"

int
sandbox_worker(void)
{
	return pledge("stdio recvfd inet unix", NULL);
}

int
sandbox_reader(size_t max)
{
	const struct rlimit size = { max, max };

	setrlimit(RLIMIT_FSIZE, &size);	/* or there is a lower one */
	return pledge("stdio rpath getpw dns", NULL);
}

const char *
sandbox_describe(void)
{
	return "pledge: stdio recvfd inet unix";
}
