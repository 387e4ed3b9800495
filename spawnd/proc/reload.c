#include "compat.h"

#include <sys/wait.h>

#include <signal.h>

#include "accept/activate.h"
#include "accept/admit.h"
#include "accept/handoff.h"
#include "accept/listener.h"
#include "conf/conf.h"
#include "ev.h"
#include "life.h"
#include "log.h"
#include "master.h"
#include "options.h"
#include "pidfile.h"
#include "proc/generation.h"
#include "proc/logproc.h"
#include "proc/reaper.h"
#include "proc/reload.h"
#include "proc/worker.h"
#include "schedule.h"
#include "shm.h"
#include "tell/control.h"
#include "tell/notify.h"

#define CHECK_LIMIT	30000	/* ms that reading the file may take */

enum reload_stage { RELOAD_IDLE, RELOAD_CHECKING, RELOAD_STARTING };

TAILQ_HEAD(waiters, reload_waiter);

static void	check_start(void);
static void	check_run(int) no_return;
static void	check_mistake(void *, const char *, int, const char *);
static void	check_done(struct ev_proc *, int);
static void	check_late(struct ev_timer *);
static char	*check_text(void);
static void	check_failed(char *);
static void	start(struct conf *);
static int	take_over(const struct conf *, const char **);
static void	commit(void);
static void	limit_generations(void);
static void	finish(const char *);
static void	failed(const char *);

static enum reload_stage	 stage;
static struct generation	*next;
static struct ev_proc		 checker = { .pid = -1 };
static struct ev_timer		 check_timer = EV_TIMER(check_late);
static int			 check_fd = -1;
static bool			 again;		/* asked for meanwhile */
static struct waiters		 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct waiters		 later = TAILQ_HEAD_INITIALIZER(later);
static char			 last[1024] = "never";

const char *
reload_last(void)
{
	return last;
}

bool
reload_idle(void)
{
	return stage == RELOAD_IDLE;
}

void
reload_first(struct conf *conf)
{
	start(conf);
}

void
reload_request(struct reload_waiter *w)
{
	if (master.stopping) {
		if (w != NULL)
			w->cb(w, "spawnd is stopping");
		return;
	}
	if (stage != RELOAD_IDLE) {
		again = true;
		if (w != NULL)
			TAILQ_INSERT_TAIL(&later, w, entry);
		return;
	}
	if (w != NULL)
		TAILQ_INSERT_TAIL(&waiting, w, entry);
	notify_reloading();
	check_start();
}

void
reload_forget(struct reload_waiter *w)
{
	struct reload_waiter *x;

	TAILQ_FOREACH(x, &waiting, entry) {
		if (x == w) {
			TAILQ_REMOVE(&waiting, w, entry);
			return;
		}
	}
	TAILQ_FOREACH(x, &later, entry) {
		if (x == w) {
			TAILQ_REMOVE(&later, w, entry);
			return;
		}
	}
}

/* --- reading the file: in a child, as resolving names takes its time --- */

static void
check_start(void)
{
	pid_t pid;

	stage = RELOAD_CHECKING;
	if ((check_fd = shm_create("spawnd-check", 0)) == -1 ||
	    (pid = fork()) == -1) {
		failed(strerror(errno));
		return;
	}
	if (pid == 0)
		check_run(check_fd);
	if (reaper_watch(&checker, pid, check_done) == -1) {
		failed(strerror(errno));
		return;
	}
	ev_timer_set(&check_timer, CHECK_LIMIT);
}

/* In the child: leaves the configuration's text, names resolved, or all the
 * mistakes, a line each. */
static void
check_run(int fd)
{
	struct conf *conf;
	FILE *f;

	ev_signal_reset(NULL);
	if ((f = fdopen(fd, "w")) == NULL)
		_exit(2);
	if ((conf = options_load(&master.opt, check_mistake, f)) == NULL) {
		fflush(f);
		_exit(1);
	}
	if (conf_print(conf, CONF_RESOLVED, f) == -1 || fflush(f) == EOF)
		_exit(2);
	_exit(0);
}

static void
check_mistake(void *arg, const char *file, int line, const char *text)
{
	if (line != 0)
		fprintf(arg, "%s:%d: %s\n", file, line, text);
	else
		fprintf(arg, "%s: %s\n", file, text);
}

static void
check_late(struct ev_timer *t)
{
	(void)t;
	log_warnx("reload: reading the configuration takes too long");
	kill(checker.pid, SIGKILL);
}

static char *
check_text(void)
{
	char *text = shm_text(check_fd);

	close(check_fd);
	check_fd = -1;
	return text;
}

static void
check_done(struct ev_proc *p, int status)
{
	struct conf *conf;
	char *text;

	(void)p;
	ev_timer_stop(&check_timer);
	text = check_text();
	if (master.stopping) {
		free(text);
		return;
	}
	if (text == NULL || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		free(text);
		failed("the configuration could not be read to its end");
		return;
	}
	if (WEXITSTATUS(status) == 1) {
		check_failed(text);
		free(text);
		return;
	}
	conf = conf_load_text(text, "configuration", check_mistake, stderr);
	free(text);
	if (conf == NULL)
		failed("the configuration could not be read back");
	else
		start(conf);
}

/* Each mistake is a line of the log, the first one is the answer. */
static void
check_failed(char *text)
{
	char why[512], *line, *rest = text;
	unsigned n = 0;

	why[0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		log_warnx("reload: %s", line);
		if (n++ == 0)
			strlcpy(why, line, sizeof(why));
	}
	if (n > 1)
		snprintf(why + strlen(why), sizeof(why) - strlen(why),
		    " (and %u more)", n - 1);
	failed(why);
}

/* --- starting the new generation beside the old one --- */

static void
start(struct conf *conf)
{
	const char *err;

	stage = RELOAD_STARTING;
	if (logproc_check(conf, &err) == -1 ||
	    listener_plan(conf, &err) == -1) {
		conf_free(&conf);
		failed(err);
		return;
	}
	if (master.gen == NULL)
		activate_log_begins();
	if (master.gen == NULL && logproc_start(conf, &err) == -1) {
		conf_free(&conf);
		failed(err);
		return;
	}
	if ((next = generation_new(&conf, &err)) == NULL) {
		failed(err);
		return;
	}
	worker_refill(next);
	if (generation_count(next, false) < next->conf->servers_min)
		failed("workers could not be started");
}

void
reload_worker_ready(struct generation *g)
{
	if (stage == RELOAD_STARTING && g == next &&
	    generation_count(g, true) >= g->conf->servers_min)
		commit();
}

void
reload_worker_died(struct generation *g)
{
	if (stage == RELOAD_STARTING && g == next)
		failed("a worker of the new generation did not start");
}

/* The last things that can fail. */
static int
take_over(const struct conf *conf, const char **errp)
{
	const struct conf *old = master.gen == NULL ? NULL : master.gen->conf;
	const char *had = old == NULL ? NULL : old->control;
	struct pidfile *pidfile = NULL;

	if (master.opt.pidfile == NULL && conf->pidfile != NULL &&
	    old != NULL && (old->pidfile == NULL ||
	    strcmp(old->pidfile, conf->pidfile) != 0) &&
	    (pidfile = pidfile_take(conf->pidfile, errp)) == NULL)
		return -1;
	if (conf->control == NULL)
		control_close();
	else if ((had == NULL || strcmp(had, conf->control) != 0) &&
	    control_open(conf->control, errp) == -1) {
		pidfile_drop(&pidfile);
		return -1;
	}
	if (pidfile != NULL || (master.opt.pidfile == NULL && old != NULL &&
	    conf->pidfile == NULL)) {
		pidfile_drop(&master.pidfile);
		master.pidfile = pidfile;
		if (pidfile != NULL && pidfile_tell(pidfile) == -1)
			log_warn("pid file %s", conf->pidfile);
	}
	return 0;
}

static void
commit(void)
{
	struct generation *old = master.gen;
	const char *err;

	if (take_over(next->conf, &err) == -1) {
		failed(err);
		return;
	}
	listener_commit(next->conf);
	if (old != NULL) {
		handoff_switch(old->conf, next->conf);
		logproc_reload(next->conf);
	}
	master.gen = next;
	next = NULL;
	log_set_level(master.gen->conf->log_level);
	schedule_batch(master.gen->conf->batch);
	if (old == NULL) {
		life_serving();
		finish(NULL);
		admit_resume();
		return;
	}
	generation_retire(old);
	limit_generations();
	log_info("reload: done, generation %u", master.gen->number);
	if (master.opt.addrs_path != NULL &&
	    listener_write_addrs(master.opt.addrs_path) == -1)
		log_warn("%s", master.opt.addrs_path);
	strlcpy(last, "ok", sizeof(last));
	admit_resume();
	finish(NULL);
}

/* When they are too many, the new one included, the oldest is closed. */
static void
limit_generations(void)
{
	unsigned n = 0, max = master.gen->conf->max_generations;
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		n += g->nworkers != 0;
	TAILQ_FOREACH(g, &master.gens, entry) {
		if (max == 0 || n <= max || g == master.gen)
			break;
		if (g->nworkers == 0)
			continue;
		log_info("generation %u is closed: max-generations is %u",
		    g->number, max);
		TAILQ_FOREACH(w, &g->workers, entry)
			worker_expire(w);
		n--;
	}
}

static void
failed(const char *why)
{
	if (stage == RELOAD_STARTING)
		listener_rollback();
	if (check_fd != -1) {
		close(check_fd);
		check_fd = -1;
	}
	if (next != NULL) {
		next->old = true;
		worker_signal_all(next, SIGINT);
		generation_sweep();
		next = NULL;
	}
	if (master.gen == NULL) {
		stage = RELOAD_IDLE;
		life_start_failed(why);
		return;
	}
	log_warnx("reload: failed: %s", why);
	snprintf(last, sizeof(last), "failed: %s", why);
	finish(why);
}

/* Answers all who asked; then the requests that came meanwhile. */
static void
finish(const char *why)
{
	struct reload_waiter *w;

	stage = RELOAD_IDLE;
	notify_ready();
	while ((w = TAILQ_FIRST(&waiting)) != NULL) {
		TAILQ_REMOVE(&waiting, w, entry);
		w->cb(w, why);
	}
	TAILQ_CONCAT(&waiting, &later, entry);
	if (!again || master.stopping)
		return;
	again = false;
	notify_reloading();
	check_start();
}

void
reload_cancel(void)
{
	if (stage == RELOAD_CHECKING)
		kill(checker.pid, SIGKILL);
	if (stage == RELOAD_STARTING && master.gen != NULL)
		failed("spawnd is stopping");
}
