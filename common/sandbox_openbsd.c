#include "compat.h"

#include "sandbox.h"

int
sandbox_worker(void)
{
	return pledge("stdio recvfd inet unix", NULL);
}

const char *
sandbox_describe(void)
{
	return "pledge: stdio recvfd inet unix";
}
