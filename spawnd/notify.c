#include "compat.h"

#include <sys/un.h>

#include <time.h>

#include "log.h"
#include "spawnd.h"

static void	notify(const char *);

/*
 * The protocol of sd_notify(3): a datagram of lines to the unix socket that
 * NOTIFY_SOCKET names. Nothing to do where no supervisor asks for it.
 */
static void
notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlcpy(un.sun_path, path, sizeof(un.sun_path)) >=
	    sizeof(un.sun_path))
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path));
	if (path[0] == '@')
		un.sun_path[0] = '\0';	/* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	    (struct sockaddr *)&un, len) == -1)
		log_warn("%s", path);
	close(fd);
}

void
notify_ready(void)
{
	char text[160];

	snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld\n"
	    "STATUS=generation %u\n", (long)getpid(), master.gen->number);
	notify(text);
}

void
notify_reloading(void)
{
	char text[96];
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
	    (unsigned long long)ts.tv_sec * 1000000 +
	    (unsigned long long)ts.tv_nsec / 1000);
	notify(text);
}

void
notify_stopping(void)
{
	notify("STOPPING=1\n");
}
