#include "compat.h"

#include <fcntl.h>

#include "ktls.h"

#define NAMES	"/proc/sys/net/ipv4/tcp_available_ulp"

/* To ask a socket would have the kernel load it. */
bool
ktls_here(void)
{
	char names[256], *word, *next = names;
	int fd = open(NAMES, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, names, sizeof(names) - 1);

	if (fd != -1)
		close(fd);
	if (n <= 0)
		return false;
	names[n] = '\0';
	while ((word = strsep(&next, " \n")) != NULL)
		if (strcmp(word, "tls") == 0)
			return true;
	return false;
}
