#include "compat.h"

#include <signal.h>

#include "accept/addrs.h"
#include "accept/handoff.h"
#include "accept/inetd.h"
#include "accept/plan.h"
#include "conf/conf.h"
#include "ledger.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "pending.h"
#include "pidfile.h"
#include "proc/admin.h"
#include "proc/channel.h"
#include "proc/checkproc.h"
#include "proc/expiry.h"
#include "proc/fetch.h"
#include "proc/generation.h"
#include "proc/inside.h"
#include "proc/live.h"
#include "proc/load.h"
#include "proc/level.h"
#include "proc/logproc.h"
#include "proc/logto.h"
#include "proc/recproc.h"
#include "proc/reader.h"
#include "proc/refill.h"
#include "proc/reload.h"
#include "proc/statproc.h"
#include "proc/watch.h"
#include "proc/worker.h"
#include "schedule.h"
#include "tell/control.h"
#include "tell/notify.h"

#define FAILED		"failed: "
#define CHECK_LIMIT	30000	/* ms that reading the file may take */
#define LINES_LOGGED	1000	/* most of what it has to say */
#define BIND_AGAIN	250	/* ms between tries of bind-retry */

enum reload_stage { RELOAD_IDLE, RELOAD_CHECKING, RELOAD_BINDING,
	RELOAD_STARTING };

static void	check_start(void);
static void	check_done(struct reading *);
static int	claim(const struct conf *, const char **);
static void	check_failed(char *);
static unsigned	tell(const char *, char *, char *, size_t);
static int	prepare(const struct conf *, const char **);
static int	check_single(const struct conf *, const char **);
static void	start(struct reading *);
static bool	bind_later(const struct reading *, const char *);
static bool	bind_may_wait(const char *);
static void	bind_again(struct ev_timer *);
static void	bind_done(void);
static void	tell_user(const struct conf *);
static void	look(void);
static int	take_over(const struct conf *, const char **);
static bool	commit_later(const char *);
static void	commit(void);
static void	limit_generations(void);
static void	undo_all(void);
static void	undo(FILE *);
static void	finish(const char *, const char *);
static void	failed(const char *);

static enum reload_stage	 stage;
static struct generation	*next;
static struct reading		 binding;	/* waits for an address */
static uint64_t			 bind_since;	/* ms; 0: none does */
static struct ev_timer		 bind_timer = EV_TIMER(bind_again);
static char			 last[1024] = "never";
static bool			 keep;	/* what the operator has set */

const char *
reload_last(void)
{
	return last;
}

const char *
reload_failure(void)
{
	return strncmp(last, FAILED, strlen(FAILED)) == 0 ?
	    last + strlen(FAILED) : NULL;
}

bool
reload_idle(void)
{
	return stage == RELOAD_IDLE;
}

void
reload_keep(void)
{
	keep = true;
}

void
reload_step(void)
{
	if (stage == RELOAD_STARTING)
		look();
	if (!pending_asked(PENDING_RELOAD))
		return;
	if (master.stopping) {
		pending_refuse(PENDING_RELOAD, "spawnd is stopping");
		return;
	}
	if (bind_since != 0 && master.gen != NULL)
		failed("another one was asked for while this one waited for "
		    "an address");
	if (stage == RELOAD_IDLE) {
		pending_take(PENDING_RELOAD);
		if (master.gen != NULL)
			notify_reloading();
		check_start();
	}
}

/* --- reading the file --- */

static void
check_start(void)
{
	const char *err;

	stage = RELOAD_CHECKING;
	/* At the start there is nothing that goes on without it. */
	if (reader_start(false, false, master.gen == NULL ? 0 : CHECK_LIMIT,
	    check_done, &err) == -1)
		failed(err);
}

static void
check_done(struct reading *r)
{
	const char *err;

	if (r->error != NULL) {
		failed(r->error);
		return;
	}
	if (master.gen != NULL)
		tell("reload: ", r->warnings, NULL, 0);
	if (r->conf == NULL) {
		check_failed(r->text);
	} else if (master.gen == NULL && claim(r->conf, &err) == -1) {
		conf_free(&r->conf);
		reading_close(r);
		failed(err);
	} else
		start(r);
}

/* At the start: what another instance may hold, before anything is touched. */
static int
claim(const struct conf *conf, const char **errp)
{
	const char *path = pidfile_path(conf);

	if (path != NULL &&
	    (master.pidfile = pidfile_take(path, errp)) == NULL)
		return -1;
	if (conf->user != NULL && geteuid() != 0)
		log_info("user %s: not started by root, workers run as who "
		    "started this", conf->user);
	if (conf->chroot != NULL && geteuid() != 0)
		log_info("chroot %s: not started by root, workers see the "
		    "whole file system", conf->chroot);
	return 0;
}

/* Each mistake is a line of the log, the first one is the answer. */
static void
check_failed(char *text)
{
	char why[512] = "";
	unsigned n;

	if (master.gen == NULL) {
		log_tell(LOG_ERR, text);
		failed("the configuration has mistakes");
		return;
	}
	n = tell("reload: ", text, why, sizeof(why));
	if (n > 1)
		snprintf(why + strlen(why), sizeof(why) - strlen(why),
		    " (and %u more)", n - 1);
	failed(why);
}

/* Logs the lines, unless they are so many that it would take long, and copies
 * the first one; returns how many there are. */
static unsigned
tell(const char *what, char *text, char *first, size_t size)
{
	char *line, *rest = text;
	unsigned n = 0;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		if (n < LINES_LOGGED)
			log_warnx("%s%s", what, line);
		if (n++ == 0 && first != NULL)
			strlcpy(first, line, size);
	}
	if (n > LINES_LOGGED)
		log_warnx("%s%u lines more are not logged", what,
		    n - LINES_LOGGED);
	return n;
}

/* --- starting the new generation beside the old one --- */

static int
prepare(const struct conf *conf, const char **errp)
{
	if (check_single(conf, errp) == -1 ||
	    logto_check(conf, errp) == -1 ||
	    recproc_check(conf, errp) == -1 ||
	    plan_make(conf, errp) == -1)
		return -1;
	if (master.gen != NULL)
		return 0;
	inetd_log_begins();
	return logproc_start(conf, errp);
}

/* Whether this program, started by this user, can do it. */
static int
check_single(const struct conf *conf, const char **errp)
{
	static char why[1200];
	char path[1024];

	if (!conf->single)
		return 0;
	*errp = why;
	if (!inside_can()) {
		snprintf(why, sizeof(why), "single = yes: start %s in place "
		    "of spawnd", master_libexec("single", path, sizeof(path)));
		return -1;
	}
	if (geteuid() != 0 || conf->uid == 0)
		return 0;
	snprintf(why, sizeof(why), "single = yes: all is one process, which "
	    "cannot become user %s; start it as that user, or set user = root",
	    conf->user);
	return -1;
}

static void
start(struct reading *r)
{
	const bool first = master.gen == NULL;
	const char *err;

	stage = RELOAD_STARTING;
	if (prepare(r->conf, &err) == -1) {
		if (bind_later(r, err))
			return;
		conf_free(&r->conf);
		reading_close(r);
		failed(err);
		return;
	}
	if (first)	/* now that there is a log */
		tell("", r->warnings, NULL, 0);
	bind_done();
	tell_user(r->conf);
	if ((next = generation_new(&r->conf, r->fd, r->secrets,
	    &err)) == NULL) {
		failed(err);
		return;
	}
	if (refill_start(next) == -1)
		failed("workers could not be started");
}

/* What cannot be bound yet may be soon: bind-retry. Everything else goes on
 * meanwhile. */
static bool
bind_later(const struct reading *r, const char *why)
{
	const bool first = bind_since == 0;

	if (!bind_may_wait(why))
		return false;
	if (first) {
		binding = *r;
		binding.warnings = strdup(r->warnings);
	}
	stage = RELOAD_BINDING;
	return true;
}

/* Whether that may be tried again, which it is then. */
static bool
bind_may_wait(const char *why)
{
	const uint64_t limit = plan_retry();
	char text[CONF_UNITLEN];

	if (limit == 0 || (bind_since != 0 && ev_now() - bind_since >= limit))
		return false;
	if (bind_since == 0) {
		log_warnx("%s: it is tried again for %s", why,
		    conf_duration_str(limit, text));
		bind_since = ev_now();
	}
	ev_timer_set(&bind_timer, BIND_AGAIN);
	return true;
}

static void
bind_again(struct ev_timer *t)
{
	(void)t;
	if (stage == RELOAD_BINDING)
		start(&binding);
	else
		look();
}

static void
bind_done(void)
{
	if (bind_since == 0)
		return;
	ev_timer_stop(&bind_timer);
	free(binding.warnings);
	binding.warnings = NULL;
	bind_since = 0;
}

/* The reader has chosen one if none is set. */
static void
tell_user(const struct conf *conf)
{
	const struct conf *old = master.gen == NULL ? NULL : master.gen->conf;

	if (geteuid() != 0 || conf->user == NULL)
		return;
	if (old == NULL || old->user == NULL ||
	    strcmp(old->user, conf->user) != 0 ||
	    (old->log.user == NULL) != (conf->log.user == NULL) ||
	    (conf->log.user != NULL &&
	    strcmp(old->log.user, conf->log.user) != 0))
		log_info("workers run as user %s, the logger as %s",
		    conf->user, conf->log.user != NULL ? conf->log.user :
		    "root (a user _spawndlog would be better)");
}

static void
look(void)
{
	if (ev_timer_on(&bind_timer))
		return;
	if (next->died != 0)
		failed("a worker of the new generation did not start");
	else if (worker_count(next, true) >= next->conf->servers_min)
		commit();
	else	/* for those that were asked to leave before they served */
		refill_step(next, false);
}

/* The last things that can fail. */
static int
take_over(const struct conf *conf, const char **errp)
{
	const struct conf *old = master.gen == NULL ? NULL : master.gen->conf;
	const char *path = pidfile_path(conf);
	const bool changes = old != NULL && !pidfile_is(master.pidfile, path);
	struct pidfile *pidfile = NULL;

	if (plan_finish(conf, errp) == -1)
		return -1;
	if (changes && path != NULL &&
	    (pidfile = pidfile_take(path, errp)) == NULL)
		return -1;
	if (control_open(conf, errp) == -1) {
		pidfile_drop(&pidfile);
		return -1;
	}
	if (changes) {
		pidfile_drop(&master.pidfile);
		master.pidfile = pidfile;
		if (pidfile != NULL && pidfile_tell(pidfile) == -1)
			log_warn("pid file %s", path);
	}
	return 0;
}

/* The same as bind_later(), of what has to be bound last. */
static bool
commit_later(const char *why)
{
	if (!bind_may_wait(why))
		return false;
	plan_unfinish();
	handoff_send();
	return true;
}

static void
commit(void)
{
	struct generation *old = master.gen;
	const char *err;

	if (take_over(next->conf, &err) == -1) {
		if (!commit_later(err))
			failed(err);
		return;
	}
	bind_done();
	plan_commit(next->conf);
	if (old != NULL) {
		handoff_send();
		handoff_switch(old->conf, next->conf);
		logproc_reload(next->conf);
	}
	master.gen = next;
	next = NULL;
	fetch_good();
	log_set_level(conf_log_level(master.gen->conf));
	level_forget();
	schedule_batch(master.gen->conf->batch);
	expiry_watch();
	if (old == NULL) {
		finish(NULL, NULL);
		return;
	}
	checkproc_reload(master.gen->conf);
	statproc_reload(master.gen->conf);
	generation_retire(old);
	limit_generations();
	log_info("reload: done, generation %u", master.gen->number);
	if (master.opt.addrs_path != NULL)
		addrs_write(master.opt.addrs_path);
	strlcpy(last, "ok", sizeof(last));
	ledger_set_reload(NULL);
	undo_all();
}

/* What the operator has set holds until now; the answer tells it. */
static void
undo_all(void)
{
	char *note = NULL;
	size_t len;
	FILE *f;

	f = open_memstream(&note, &len);
	live_reload(master.gen->conf, keep, f);
	if (!keep)
		undo(f);
	if (f != NULL)
		fclose(f);
	finish(NULL, note);
	free(note);
}

static void
undo(FILE *f)
{
	const struct setting *s;
	char what[ADMIN_STRLEN];

	while ((s = admin_first()) != NULL) {
		admin_str(s->admin, what);
		log_info("reload: remote %s/%s: undone: %s", s->relay,
		    s->remote, what);
		if (f != NULL)
			fprintf(f, "remote %s/%s: undone: %s\n", s->relay,
			    s->remote, what);
		load_admin(s->relay, s->remote, 0);
		admin_set(s->relay, s->remote, 0);
	}
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
			channel_expire(w);
		n--;
	}
}

static void
failed(const char *why)
{
	struct worker *w;

	if (stage == RELOAD_BINDING) {
		conf_free(&binding.conf);
		reading_close(&binding);
	}
	bind_done();
	if (stage == RELOAD_STARTING) {
		plan_rollback();
		handoff_send();	/* an upgrade may be next */
	}
	if (next != NULL) {
		next->old = true;
		TAILQ_FOREACH(w, &next->workers, entry) {
			worker_kill(w, SIGINT, NULL);
			watch_expire(w);
		}
		mark(MARK_WORKERS);
		next = NULL;
	}
	if (master.gen != NULL)
		log_warnx("reload: failed: %s", why);
	snprintf(last, sizeof(last), FAILED "%s", why);
	ledger_set_reload(why);
	finish(why, NULL);
}

/* Answers all who asked; requests that came meanwhile are next. */
static void
finish(const char *why, const char *note)
{
	stage = RELOAD_IDLE;
	keep = false;
	pending_done(PENDING_RELOAD, why, note);
	notify_ready(reload_failure());
}

void
reload_cancel(void)
{
	if (stage == RELOAD_CHECKING)
		reader_cancel();
	if (stage != RELOAD_IDLE && master.gen != NULL)
		failed("spawnd is stopping");
}
