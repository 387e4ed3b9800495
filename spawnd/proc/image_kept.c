#include "compat.h"

#include <fcntl.h>

#include "proc/image.h"

extern char **environ;

static int	kept = -1;

void
image_start(const char *self)
{
	kept = open(self, O_RDONLY | O_CLOEXEC);
}

int
image_open(void)
{
	return fcntl(kept, F_DUPFD_CLOEXEC, 0);
}

void
image_run(int fd, char *const argv[])
{
	fexecve(fd, argv, environ);
}
