#include "compat.h"

#include <sys/resource.h>

#include <fcntl.h>

#include "accept/pause.h"
#include "ledger.h"
#include "log.h"
#include "mark.h"

#define PAUSE		200	/* ms without accepting */

static void	pause_over(struct ev_timer *);
static int	pause_limit(void);

static struct ev_timer	 timer = EV_TIMER(pause_over);
static struct log_limit	 limit;
static bool		 paused, doubt;
static int		 high = -1;	/* the reserve begins here */

void
pause_begin(const char *what, int err)
{
	unsigned skipped;

	if (log_allow(&limit, ev_now(), &skipped))
		log_warnx("%s: %s; accepting pauses", what, strerror(err));
	doubt = true;
	if (paused)
		return;
	paused = true;
	board_add(&ledger->pauses[err == EMFILE || err == ENFILE ?
	    LEDGER_DESCRIPTORS : err == ENOBUFS || err == ENOMEM ?
	    LEDGER_MEMORY : LEDGER_OTHER], 1);
	ev_timer_set(&timer, PAUSE);
}

bool
pause_on(void)
{
	return paused;
}

bool
pause_was(void)
{
	const bool was = doubt && !paused;

	if (was)
		doubt = false;
	return was;
}

bool
pause_short(int fd)
{
	if (high == -1)
		high = pause_limit();
	return fd >= high;
}

/* There may be gaps, and the table of the whole system may be full: only an
 * attempt tells. */
bool
pause_free(unsigned n)
{
	int fds[PAUSE_FREE_MAX];
	unsigned i;

	for (i = 0; i < n; i++)
		if ((fds[i] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) == -1)
			break;
	n -= i;
	while (i > 0)
		close(fds[--i]);
	return n == 0;
}

static int
pause_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur >= INT32_MAX)
		return INT32_MAX;
	return rl.rlim_cur <= PAUSE_RESERVE ? 0 :
	    (int)rl.rlim_cur - PAUSE_RESERVE;
}

static void
pause_over(struct ev_timer *t)
{
	(void)t;
	paused = false;
	high = -1;	/* a reload, or somebody else, may have changed it */
	mark(MARK_ACCEPT);
}
