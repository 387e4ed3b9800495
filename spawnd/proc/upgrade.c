#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <inttypes.h>

#include "accept/handoff.h"
#include "accept/listener.h"
#include "ev.h"
#include "log.h"
#include "master.h"
#include "pidfile.h"
#include "proc/generation.h"
#include "proc/logproc.h"
#include "proc/reaper.h"
#include "proc/reload.h"
#include "proc/upgrade.h"
#include "proc/worker.h"
#include "proto.h"
#include "shm.h"
#include "tell/control.h"
#include "tell/notify.h"

/*
 * The state is text in an anonymous file, a line a thing, in the order in
 * which it is taken up. Descriptors keep their numbers over exec(2).
 */

#define CHECK_LIMIT	30000		/* ms */
#define KEPT_MAX	16384		/* descriptors handed over */
#define STATE_LINE	"spawnd-state %d %d\n"
#define ENV_STATE	"SPAWND_UPGRADE_STATE"	/* descriptor of the state */
#define ENV_BACK	"SPAWND_UPGRADE_BACK"	/* of the former binary */
#define ENV_CHECK	"SPAWND_UPGRADE_CHECK"	/* the numbers to agree on */
#define ENV_WHY		"SPAWND_UPGRADE_WHY"	/* why the way back was taken */

static void	check_done(struct ev_proc *, int);
static void	check_late(struct ev_timer *);
static void	check_exec(void) no_return;
static void	become(struct ev_task *);
static int	save(FILE *);
static int	own_image(void);
static void	kept_set(bool);
static void	failed(const char *);
static bool	take(int);
static bool	take_line(const char *);
static bool	take_master(const char *);
static void	save_kept(FILE *);
static bool	take_fd(const char *);
static void	go_back(void) no_return;

static const char		 not_now[] =
    "a reload, an upgrade or the end is under way";
static struct reload_waiter	*asker;
static struct ev_proc		 checker = { .pid = -1 };
static struct ev_timer		 check_timer = EV_TIMER(check_late);
static struct ev_task		 task;
static bool			 busy;
static int			 check_fd = -1;
static int			 kept[KEPT_MAX];
static size_t			 nkept;

static const struct {
	const char	*word;
	bool		(*take)(const char *);
} takers[] = {
	{ "master ",	 take_master },
	{ "log ",	 logproc_take },
	{ "listener ",	 listener_take },
	{ "total ",	 generation_take_total },
	{ "generation ", generation_take },
	{ "worker ",	 worker_take },
	{ "kept ",	 handoff_take },
	{ "control ",	 control_take },
	{ "client ",	 control_take },
	{ "guest ",	 control_take },
	{ "fd ",	 take_fd },
};

/* --- the image that goes --- */

void
upgrade_request(struct reload_waiter *w)
{
	pid_t pid;

	if (busy || master.stopping || master.gen == NULL || !reload_idle()) {
		log_warnx("upgrade: not now: %s", not_now);
		if (w != NULL)
			w->cb(w, not_now);
		return;
	}
	asker = w;
	busy = true;
	if ((check_fd = shm_create("spawnd-check", 0)) == -1 ||
	    (pid = fork()) == -1) {
		failed(strerror(errno));
		return;
	}
	if (pid == 0)
		check_exec();
	if (reaper_watch(&checker, pid, check_done) == -1) {
		failed(strerror(errno));
		return;
	}
	ev_timer_set(&check_timer, CHECK_LIMIT);
}

void
upgrade_cancel(void)
{
	if (checker.pid != -1)
		kill(checker.pid, SIGKILL);
}

void
upgrade_forget(const struct reload_waiter *w)
{
	if (asker == w)
		asker = NULL;
}

/* In the child: the new binary checks itself, us, and the configuration. */
static void
check_exec(void)
{
	char numbers[32], **argv;
	int i, n = 0;

	for (i = 0; master.argv[i] != NULL; i++)
		;
	if ((argv = calloc((size_t)i + 2, sizeof(*argv))) == NULL)
		_exit(1);

	snprintf(numbers, sizeof(numbers), "%d %d", UPGRADE_STATE,
	    PROTO_VERSION);
	ev_signal_reset(NULL);
	argv[n++] = master.argv[0];
	argv[n++] = (char *)(uintptr_t)"-n";
	for (i = 1; master.argv[i] != NULL; i++)
		argv[n++] = master.argv[i];
	dup2(check_fd, STDOUT_FILENO);
	dup2(check_fd, STDERR_FILENO);
	if (setenv(ENV_CHECK, numbers, 1) == -1 || chdir(master.cwd) == -1) {
		perror(master.cwd);
		_exit(1);
	}
	execv(master.self, argv);
	perror(master.self);
	_exit(1);
}

static void
check_late(struct ev_timer *t)
{
	(void)t;
	kill(checker.pid, SIGKILL);
}

static void
check_done(struct ev_proc *p, int status)
{
	char why[512], want[64];
	bool proven;
	ssize_t n;

	(void)p;
	ev_timer_stop(&check_timer);
	n = pread(check_fd, why, sizeof(why) - 1, 0);
	why[n > 0 ? n : 0] = '\0';
	snprintf(want, sizeof(want), STATE_LINE, UPGRADE_STATE, PROTO_VERSION);
	proven = strstr(why, want) != NULL;
	why[strcspn(why, "\n")] = '\0';
	close(check_fd);
	check_fd = -1;
	if (master.stopping) {
		failed(not_now);
		return;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		failed(why[0] != '\0' ? why :
		    "the new binary did not survive its check");
		return;
	}
	if (!proven) {
		failed("the new binary is not spawnd");
		return;
	}
	/* When this turn has sent what it has accepted. */
	ev_defer(&task, become);
}

int
upgrade_keep(int fd)
{
	if (nkept == KEPT_MAX)
		return -1;
	kept[nkept++] = fd;
	return fd;
}

static void
kept_set(bool open)
{
	size_t i;

	for (i = 0; i < nkept; i++)
		fcntl(kept[i], F_SETFD, open ? 0 : FD_CLOEXEC);
	if (!open)
		nkept = 0;
}

/* The file of the image that runs now, even if another has its name. */
static int
own_image(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return fd != -1 ? fd : open("/proc/curproc/file",
	    O_RDONLY | O_CLOEXEC);
}

static int
save(FILE *f)
{
	struct generation *g;
	struct worker *w;

	TAILQ_FOREACH(g, &master.gens, entry)
		TAILQ_FOREACH(w, &g->workers, entry)
			handoff_flush(w);
	fprintf(f, STATE_LINE, UPGRADE_STATE, PROTO_VERSION);
	fprintf(f, "master %u %" PRIu64 " %" PRId64 " %" PRIu64 " %" PRIu64
	    " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	    master.last_number, master.started, (int64_t)master.started_wall,
	    master.accepted, master.refused, master.past_sessions,
	    master.past_in, master.past_out, master.past_dropped);
	logproc_save(f);
	listener_save(f);
	generation_save(f);
	handoff_save(f);
	control_save(f, asker);
	save_kept(f);
	fputs("end\n", f);
	return fflush(f) == EOF || ferror(f) || nkept == KEPT_MAX ? -1 : 0;
}

/* In the new image they are to be close-on-exec again. */
static void
save_kept(FILE *f)
{
	size_t i;

	for (i = 0; i < nkept; i++)
		fprintf(f, "fd %d\n", kept[i]);
}

static bool
take_fd(const char *line)
{
	int fd;

	return sscanf(line, "fd %d", &fd) == 1 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != -1;
}

static void
become(struct ev_task *t)
{
	char number[16], why[1024];
	FILE *f = NULL;
	int fd, back;

	(void)t;
	if (master.stopping || !reload_idle()) {
		failed(not_now);
		return;
	}
	if ((fd = shm_create("spawnd-state", 0)) == -1 ||
	    (f = fdopen(fd, "w")) == NULL || save(f) == -1) {
		if (f != NULL)
			fclose(f);
		kept_set(false);
		failed("the state could not be saved");
		return;
	}
	log_info("upgrade: going on as %s", master.self);
	notify_reloading();
	upgrade_keep(fd);
	snprintf(number, sizeof(number), "%d", fd);
	setenv(ENV_STATE, number, 1);
	if ((back = own_image()) != -1) {
		snprintf(number, sizeof(number), "%d", upgrade_keep(back));
		setenv(ENV_BACK, number, 1);
	}
	kept_set(true);
	pidfile_leave(&master.pidfile);
	if (chdir(master.cwd) == 0)
		execv(master.self, master.argv);
	snprintf(why, sizeof(why), "%s: %s", master.self, strerror(errno));
	kept_set(false);
	unsetenv(ENV_STATE);
	unsetenv(ENV_BACK);
	fclose(f);
	if (back != -1)
		close(back);
	(void)!chdir("/");
	master_pidfile_again();
	notify_ready();
	failed(why);
}

static void
failed(const char *why)
{
	struct reload_waiter *w = asker;

	busy = false;
	asker = NULL;
	if (check_fd != -1)
		close(check_fd);
	check_fd = -1;
	log_warnx("upgrade: failed: %s", why);
	if (w != NULL)
		w->cb(w, why);
}

/* --- the image that comes --- */

void
upgrade_check(void)
{
	const char *numbers = getenv(ENV_CHECK);
	int state, proto;

	if (numbers == NULL)
		return;
	if (sscanf(numbers, "%d %d", &state, &proto) == 2 &&
	    state == UPGRADE_STATE && proto == PROTO_VERSION) {
		printf(STATE_LINE, state, proto);	/* the proof */
		return;
	}
	fprintf(stderr, "spawnd %s cannot take over from the release that "
	    "runs: restart it instead\n", PACKAGE_VERSION);
	exit(1);
}

bool
upgrade_pending(void)
{
	return getenv(ENV_STATE) != NULL;
}

static bool
take_master(const char *line)
{
	int64_t wall;

	if (sscanf(line, "master %u %" SCNu64 " %" SCNd64 " %" SCNu64
	    " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
	    &master.last_number, &master.started, &wall, &master.accepted,
	    &master.refused, &master.past_sessions, &master.past_in,
	    &master.past_out, &master.past_dropped) != 9)
		return false;
	master.started_wall = (time_t)wall;
	return true;
}

static bool
take_line(const char *line)
{
	size_t i;

	for (i = 0; i < nitems_of(takers); i++)
		if (strncmp(line, takers[i].word,
		    strlen(takers[i].word)) == 0)
			return takers[i].take(line);
	return false;
}

static bool
take(int fd)
{
	char *line = NULL;
	size_t size = 0;
	bool whole = false, good;
	int state, proto;
	ssize_t n;
	FILE *f;

	if (lseek(fd, 0, SEEK_SET) == -1 || (f = fdopen(fd, "r")) == NULL)
		return false;
	good = getline(&line, &size, f) > 0 &&
	    sscanf(line, "spawnd-state %d %d", &state, &proto) == 2 &&
	    state == UPGRADE_STATE && proto == PROTO_VERSION;
	while (good && !whole && (n = getline(&line, &size, f)) > 0) {
		line[n - 1] = '\0';
		if (!(whole = strcmp(line, "end") == 0))
			good = take_line(line);
	}
	free(line);
	if (good && whole && master.gen != NULL) {
		fclose(f);
		return true;
	}
	return false;
}

/* The former image finds the descriptors as it left them. */
static void
go_back(void)
{
	extern char **environ;
	const char *back = getenv(ENV_BACK);
	int fd;

	if (back == NULL || getenv(ENV_WHY) != NULL)
		fatalx("the state of the former image is not understood");
	setenv(ENV_WHY, "the new binary did not understand the state", 1);
	fd = atoi(back);
	fexecve(fd, master.argv, environ);
	fatal("the way back to the former image");
}

void
upgrade_restore(void)
{
	int fd = atoi(getenv(ENV_STATE));
	const char *why, *back;

	if (!take(fd))
		go_back();
	why = getenv(ENV_WHY);
	if ((back = getenv(ENV_BACK)) != NULL)
		close(atoi(back));
	master_pidfile_again();
	if (chdir("/") == -1)
		fatal("chdir");
	log_set_level(master.gen->conf->log_level);
	control_upgraded(why);
	if (why != NULL)
		log_warnx("upgrade: failed: %s", why);
	else
		log_info("upgrade: done, spawnd %s", PACKAGE_VERSION);
	unsetenv(ENV_STATE);
	unsetenv(ENV_BACK);
	unsetenv(ENV_WHY);
	/* New workers for the new master, or whatever else has changed. */
	if (why == NULL)
		reload_request(NULL);
	else
		notify_ready();
}
