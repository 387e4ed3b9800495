#include "compat.h"

#include "proc/image.h"

void
image_start(const char *self)
{
	(void)self;
}

int
image_open(void)
{
	errno = ENOSYS;
	return -1;
}

void
image_run(int fd, char *const argv[])
{
	(void)fd;
	(void)argv;
	errno = ENOSYS;
}
