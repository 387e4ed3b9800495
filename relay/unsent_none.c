#include "compat.h"

#include "unsent.h"

int
unsent(int fd, bool fin)
{
	(void)fd;
	(void)fin;
	return 0;
}
