#include "compat.h"

#include <fcntl.h>

#include "proc/inherit.h"

#define FDS_MAX	16384

static void	set(int);

static int	 fds[FDS_MAX];
static size_t	 nfds;
static bool	 full;

int
inherit_fd(int fd)
{
	if (nfds == FDS_MAX) {
		full = true;
		return -1;
	}
	fds[nfds++] = fd;
	return fd;
}

bool
inherit_full(void)
{
	return full;
}

void
inherit_save(FILE *f)
{
	size_t i;

	for (i = 0; i < nfds; i++)
		fprintf(f, "fd %d\n", fds[i]);
}

/* They stay as they are until all of the state is understood: the former image
 * is to find them as it has left them. */
bool
inherit_take(const char *line)
{
	int fd;

	return sscanf(line, "fd %d", &fd) == 1 && inherit_fd(fd) == fd;
}

void
inherit_pass(void)
{
	set(0);
}

void
inherit_end(void)
{
	set(FD_CLOEXEC);
	nfds = 0;
	full = false;
}

static void
set(int flags)
{
	size_t i;

	for (i = 0; i < nfds; i++)
		fcntl(fds[i], F_SETFD, flags);
}
