#include "compat.h"

#include <signal.h>

#include "ev.h"
#include "log.h"
#include "proto.h"
#include "side.h"

static void	 ignored(struct ev_signal *);

void
side_signals(void)
{
	static const int all[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2 };
	static struct ev_signal watched[nitems_of(all)];
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < nitems_of(all); i++)
		if (ev_signal_add(&watched[i], all[i], ignored) == -1)
			fatal("signals");
}

static void
ignored(struct ev_signal *s)
{
	(void)s;
}

/* Nobody may end what is there. */
void
side_log(int fd)
{
	if (fd == -1)
		return;
	dup2(fd, PROTO_FD_LOG);
	close(fd);
}
