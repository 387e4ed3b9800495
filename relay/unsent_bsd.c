#include "compat.h"

#include "unsent.h"

int
unsent(int fd, bool fin)
{
	int n;

	(void)fin;
	if (ioctl(fd, FIONWRITE, &n) == -1)
		return 0;
	return n;
}
