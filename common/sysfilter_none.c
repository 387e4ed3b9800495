#include "compat.h"

#include "sysfilter.h"

int
sysfilter_enter(const struct sandbox *box)
{
	(void)box;
	errno = ENOSYS;
	return -1;
}
