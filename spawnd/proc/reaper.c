#include "compat.h"

#include <sys/wait.h>

#include <signal.h>

#include "ev.h"
#include "log.h"
#include "proc/reaper.h"

#define TURN_REAPED	64	/* children a turn */
#define AGAIN		20	/* ms until one that is watched is reaped */

static void	on_child(struct ev_signal *);
static void	again(struct ev_timer *);
static void	reap(void);

static struct ev_timer	 timer;

void
reaper_start(void)
{
	static struct ev_signal sig;

	ev_timer_init(&timer, again);
	if (ev_signal_add(&sig, SIGCHLD, on_child) == -1)
		fatal("signals");
	/* What has died before. */
	ev_timer_set(&timer, 0);
}

static void
on_child(struct ev_signal *s)
{
	(void)s;
	reap();
}

static void
again(struct ev_timer *t)
{
	(void)t;
	reap();
}

/*
 * Looks without taking: who is watched belongs to the watcher. As long as
 * such a one stands in front, the others behind it cannot be seen.
 */
static void
reap(void)
{
	siginfo_t si;
	int i;

	for (i = 0; i < TURN_REAPED; i++) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    si.si_pid == 0)
			return;
		if (ev_proc_watched(si.si_pid))
			break;
		log_debug("child %ld, not one of ours, has ended",
		    (long)si.si_pid);
		waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG);
	}
	ev_timer_set(&timer, AGAIN);
}
