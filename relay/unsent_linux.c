#include "compat.h"

#include "unsent.h"

/* The end of the stream counts as a byte until it is acknowledged. */
int
unsent(int fd, bool fin)
{
	int n;

	if (ioctl(fd, TIOCOUTQ, &n) == -1 || n <= 0)
		return 0;
	return n - fin;
}
