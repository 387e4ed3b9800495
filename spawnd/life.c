#include "compat.h"

#include <signal.h>

#include "accept/addrs.h"
#include "accept/handoff.h"
#include "accept/listener.h"
#include "accept/overload.h"
#include "conf/conf.h"
#include "ev.h"
#include "life.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "pending.h"
#include "pidfile.h"
#include "proc/auth.h"
#include "proc/checkproc.h"
#include "proc/generation.h"
#include "proc/logproc.h"
#include "proc/recproc.h"
#include "proc/reload.h"
#include "proc/statproc.h"
#include "proc/upgrade.h"
#include "proc/watch.h"
#include "proc/worker.h"
#include "tell/control.h"
#include "tell/notify.h"

#define STOP_LIMIT	3000	/* ms that workers have to close all */
#define STOP_LOOK	1000	/* ms more, if they are about to */
#define STOP_LOOKS	27	/* so often */
#define LEAVE_LIMIT	3000	/* ms until who was killed is left */

static void	 begun(struct pending *, const char *, const char *);
static void	 serving(void);
static void	 launched_tell(void);
static void	 start_failed(const char *) no_return;
static void	 stop_late(struct ev_timer *);

static struct ev_timer	 stop_timer = EV_TIMER(stop_late);
static int		 launched = -1;	/* tells the launching command */

void
life_launched(int fd)
{
	launched = fd;
}

void
life_begin(void)
{
	static struct pending first = { .cb = begun };

	pending_ask(PENDING_RELOAD, &first);
}

static void
begun(struct pending *p, const char *error, const char *note)
{
	(void)p;
	(void)note;
	if (error != NULL)
		start_failed(error);
	serving();
}

static void
serving(void)
{
	char where[1024];

	if (master.pidfile != NULL && pidfile_tell(master.pidfile) == -1)
		log_warn("pid file");
	log_info("ready: %u workers, %u listeners: %s",
	    worker_count(master.gen, true), master.gen->conf->nlistens,
	    addrs_str(where, sizeof(where)));
	if (master.opt.addrs_path != NULL)
		addrs_write(master.opt.addrs_path);
	if (launched != -1)
		launched_tell();
}

/* One that was interrupted did not want what it has begun. */
static void
launched_tell(void)
{
	const char status = 0;
	const bool gone = write(launched, &status, 1) == -1;

	close(launched);
	launched = -1;
	dup2(STDOUT_FILENO, STDERR_FILENO);
	if (!gone)
		return;
	log_warnx("the command that launched spawnd has gone meanwhile");
	life_stop(true);
}

static void
start_failed(const char *why)
{
	log_write(LOG_ERR, "cannot start: %s", why);
	notify_failed(why);
	if (logproc_started())
		fprintf(stderr, "spawnd: error: cannot start: %s\n", why);
	worker_kill_all(SIGKILL);
	life_end(1);
}

void
life_stop(bool now)
{
	if (!master.stopping) {
		log_info("stopping");
		master.stopping = true;
		notify_stopping();
		reload_cancel();
		upgrade_cancel();
		if (master.gen == NULL)
			start_failed("stopped by a signal");
		overload_end();
		listener_stop();
		generation_retire(master.gen);
	}
	if (now) {
		master.ending = true;
		handoff_drop();
		worker_kill_all(SIGINT);
		/* Who is in a hurry does not put it off. */
		if (!ev_timer_on(&stop_timer)) {
			watch_closing_any();
			ev_timer_set(&stop_timer, STOP_LIMIT);
		}
	}
	mark(MARK_WORKERS);
}

/* Those that do not come to an end are killed: not while they close, as the
 * kernel would have to do the same, and how it is done would be lost. If that
 * is not to be, they are left. */
static void
stop_late(struct ev_timer *t)
{
	static unsigned looks;
	static bool killed;

	if (!killed && watch_closing_any() && looks++ < STOP_LOOKS) {
		ev_timer_set(t, STOP_LOOK);
		return;
	}
	if (killed) {
		log_warnx("workers that cannot be ended are left");
		ev_stop();
		return;
	}
	killed = true;
	worker_kill_all(SIGKILL);
	ev_timer_set(t, LEAVE_LIMIT);
}

void
life_end(int status)
{
	handoff_drop();
	control_close();
	listener_close_all();
	auth_end();
	if (status == 0)
		log_info("stopped");
	checkproc_stop();
	recproc_stop();
	statproc_stop();
	logproc_stop();
	pidfile_drop(&master.pidfile);
	exit(status);
}
