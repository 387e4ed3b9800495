#include "compat.h"

#include <fcntl.h>

#include "proc/image.h"

extern char **environ;

void
image_start(const char *self)
{
	(void)self;
}

int
image_open(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

void
image_run(int fd, char *const argv[])
{
	fexecve(fd, argv, environ);
}
