#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <inttypes.h>

#include "accept/former.h"
#include "accept/handoff.h"
#include "accept/limit.h"
#include "accept/listener.h"
#include "accept/overload.h"
#include "env.h"
#include "ev.h"
#include "ledger.h"
#include "log.h"
#include "mark.h"
#include "master.h"
#include "pending.h"
#include "pidfile.h"
#include "proc/account.h"
#include "proc/admin.h"
#include "proc/auth.h"
#include "proc/checkproc.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/image.h"
#include "proc/inherit.h"
#include "proc/live.h"
#include "proc/load.h"
#include "proc/logproc.h"
#include "proc/recproc.h"
#include "proc/process.h"
#include "proc/reload.h"
#include "proc/seat.h"
#include "proc/shakes.h"
#include "proc/statproc.h"
#include "proc/tickets.h"
#include "proc/upgrade.h"
#include "proc/writer.h"
#include "proto.h"
#include "shm.h"
#include "tell/control.h"
#include "tell/notify.h"

/*
 * The state is text in an anonymous file, a line a thing, in the order in
 * which it is taken up. Descriptors keep their numbers over exec(2).
 */

#define CHECK_LIMIT	30000		/* ms */
#define STATE_LINE	"spawnd-state %d %d\n"
#define ENV_STATE	"SPAWND_UPGRADE_STATE"	/* descriptor of the state */
#define ENV_BACK	"SPAWND_UPGRADE_BACK"	/* of the former binary */
#define ENV_CHECK	"SPAWND_UPGRADE_CHECK"	/* the numbers to agree on */
#define ENV_WHY		"SPAWND_UPGRADE_WHY"	/* why the way back was taken */

static int	check_start(void);
static void	check_done(struct child *, int);
static void	check_ask(void);
static int	tell_next(int, int);
static void	become(void);
static int	save(FILE *);
static void	failed(const char *);
static bool	take(int);
static bool	take_line(const char *);
static bool	take_master(const char *);
static bool	take_ledger(const char *);
static void	go_back(void) no_return;

static const char		 not_now[] =
    "a reload, an upgrade or the end is under way";
static const char		 not_inside[] =
    "single = yes, and sessions are in this process: reload first, and try "
    "again when they have ended";
static struct child	 checker = CHILD("check of the new binary", check_done,
    CHILD_STDERR);
static bool		 busy;
static bool		 ready;		/* the check was passed */
static int		 check_fd = -1;

static const struct {
	const char	*word;
	bool		(*take)(const char *);
} takers[] = {
	{ "master ",	 take_master },
	{ "ledger ",	 take_ledger },
	{ "logword ",	 logproc_take_word },
	{ "log ",	 logproc_take },
	{ "writer ",	 writer_take },
	{ "listener ",	 listener_take },
	{ "socket ",	 listener_take_socket },
	{ "former ",	 former_take },
	{ "overload ",	 overload_take },
	{ "admin ",	 admin_take },
	{ "live ",	 live_take },
	{ "total ",	 load_take },
	{ "shakes ",	 shakes_take },
	{ "account ",	 account_take },
	{ "quota ",	 limit_take },
	{ "source ",	 limit_take },
	{ "generation ", generation_take },
	{ "worker ",	 process_take },
	{ "seats ",	 seat_take_up },
	{ "seat ",	 seat_take_up },
	{ "auth ",	 auth_take },
	{ "checker ",	 checkproc_take },
	{ "recorder ",	 recproc_take },
	{ "status ",	 statproc_take },
	{ "tickets ",	 tickets_take },
	{ "kept ",	 handoff_take },
	{ "control ",	 control_take },
	{ "client ",	 control_take },
	{ "guest ",	 control_take },
	{ "fd ",	 inherit_take },
};

/* --- the image that goes --- */

void
upgrade_step(void)
{
	if (ready) {
		ready = false;
		become();
	}
	if (pending_asked(PENDING_UPGRADE))
		check_ask();
}

static void
check_ask(void)
{
	const char *why;

	if (busy || master.stopping || master.gen == NULL || !reload_idle() ||
	    process_inside() != NULL) {
		why = process_inside() != NULL ? not_inside : not_now;
		log_warnx("upgrade: not now: %s", why);
		pending_refuse(PENDING_UPGRADE, why);
		return;
	}
	pending_take(PENDING_UPGRADE);
	busy = true;
	if (master.opt.relative && access(master.cwd, X_OK) == -1) {
		failed("a file was named from the folder that spawnd was "
		    "started in, and that cannot be entered");
		return;
	}
	if (!env_trusted()) {
		failed("the binary has rights of its file, and so takes "
		    "nothing from its environment: restart it instead");
		return;
	}
	if ((check_fd = shm_create("spawnd-check", 0)) == -1 ||
	    check_start() == -1) {
		failed(log_why(errno));
		return;
	}
	child_limit(&checker, CHECK_LIMIT);
}

bool
upgrade_busy(void)
{
	return busy;
}

void
upgrade_cancel(void)
{
	child_kill(&checker, SIGKILL, NULL);
}

/* The new binary checks itself, us, and the configuration. */
static int
check_start(void)
{
	const struct child_fd fds[] = {
		{ check_fd, STDOUT_FILENO }, { check_fd, STDERR_FILENO },
		{ master.opt.conf_fd, STDIN_FILENO }
	};
	char numbers[32], option[] = "-n", **argv;
	int i, r, saved;

	for (i = 0; master.argv[i] != NULL; i++)
		;
	if ((argv = calloc((size_t)i + 2, sizeof(*argv))) == NULL)
		return -1;
	argv[0] = master.argv[0];
	argv[1] = option;
	for (i = 1; master.argv[i] != NULL; i++)
		argv[i + 1] = master.argv[i];
	snprintf(numbers, sizeof(numbers), "%d %d", UPGRADE_STATE,
	    PROTO_VERSION);
	setenv(ENV_CHECK, numbers, 1);
	checker.dir = master.cwd;
	r = child_start(&checker, master.self, argv, fds,
	    master.opt.conf_fd == -1 ? 2 : 3);
	saved = errno;
	unsetenv(ENV_CHECK);
	free(argv);
	errno = saved;
	return r;
}

static void
check_done(struct child *c, int status)
{
	char text[512], want[64], *proof, *why = text;
	ssize_t n;

	(void)c;
	n = pread(check_fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	snprintf(want, sizeof(want), STATE_LINE, UPGRADE_STATE, PROTO_VERSION);
	if ((proof = strstr(text, want)) == text)
		why += strlen(want);
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
	if (proof == NULL) {
		failed("the new binary is not spawnd");
		return;
	}
	ready = true;
	mark(MARK_PENDING);
}

static int
save(FILE *f)
{
	fprintf(f, STATE_LINE, UPGRADE_STATE, PROTO_VERSION);
	fprintf(f, "master %u %" PRIu64 " %" PRId64 "\n",
	    master.last_number, master.started, (int64_t)master.started_wall);
	fprintf(f, "ledger %d\n", inherit_fd(master.ledger_fd));
	logproc_save(f);
	listener_save(f);
	overload_save(f);
	limit_save(f);
	admin_save(f);
	live_save(f);
	generation_save(f);
	auth_save(f);
	checkproc_save(f);
	recproc_save(f);
	statproc_save(f);
	tickets_save(f);
	handoff_save(f);
	control_save(f);
	inherit_save(f);
	fputs("end\n", f);
	return fflush(f) == EOF || ferror(f) || inherit_full() ? -1 : 0;
}

/* Where the state is, and the way back, if there is one. */
static int
tell_next(int state, int back)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", state);
	if (setenv(ENV_STATE, number, 1) == -1)
		return -1;
	if (back == -1)
		return 0;
	snprintf(number, sizeof(number), "%d", inherit_fd(back));
	return setenv(ENV_BACK, number, 1);
}

static void
become(void)
{
	char why[1024];
	FILE *f = NULL;
	int fd, back;

	if (master.stopping || !reload_idle() ||
	    pending_asked(PENDING_RELOAD)) {
		failed(not_now);
		return;
	}
	live_give_up("an upgrade is under way; look whether it is so, and "
	    "ask again");
	if ((fd = shm_create("spawnd-state", 0)) == -1 ||
	    (f = fdopen(fd, "w")) == NULL || save(f) == -1) {
		if (f != NULL)
			fclose(f);
		else if (fd != -1)
			close(fd);
		inherit_end();
		failed("the state could not be saved");
		return;
	}
	log_info("upgrade: going on as %s", master.self);
	notify_reloading();
	inherit_fd(fd);
	if ((back = image_open()) == -1)
		log_warnx("upgrade: there is no way back, should it not "
		    "understand the state: %s", strerror(errno));
	pidfile_leave(&master.pidfile);
	/* It may be gone, and nothing there be needed. */
	if (chdir(master.cwd) == -1)
		log_warn("upgrade: %s", master.cwd);
	if (tell_next(fd, back) == 0) {
		inherit_pass();
		execv(master.self, master.argv);
	}
	snprintf(why, sizeof(why), "%s: %s", master.self, strerror(errno));
	inherit_end();
	unsetenv(ENV_STATE);
	unsetenv(ENV_BACK);
	fclose(f);
	if (back != -1)
		close(back);
	(void)!chdir("/");
	pidfile_again();
	notify_ready(reload_failure());
	failed(why);
}

static void
failed(const char *why)
{
	busy = false;
	if (check_fd != -1)
		close(check_fd);
	check_fd = -1;
	log_warnx("upgrade: failed: %s", why);
	pending_done(PENDING_UPGRADE, why, NULL);
}

/* --- the image that comes --- */

bool
upgrade_check(void)
{
	const char *numbers = env_get(ENV_CHECK);
	int state, proto;

	if (numbers == NULL)
		return false;
	if (sscanf(numbers, "%d %d", &state, &proto) == 2 &&
	    state == UPGRADE_STATE && proto == PROTO_VERSION) {
		/* The proof, before anything else that may be said. */
		printf(STATE_LINE, state, proto);
		fflush(stdout);
		return true;
	}
	fprintf(stderr, "spawnd %s cannot take over from the release that "
	    "runs: restart it instead\n", PACKAGE_VERSION);
	exit(1);
}

bool
upgrade_under_way(void)
{
	return env_get(ENV_STATE) != NULL;
}

static bool
take_master(const char *line)
{
	int64_t wall;

	if (sscanf(line, "master %u %" SCNu64 " %" SCNd64,
	    &master.last_number, &master.started, &wall) != 3)
		return false;
	master.started_wall = (time_t)wall;
	return true;
}

static bool
take_ledger(const char *line)
{
	return sscanf(line, "ledger %d", &master.ledger_fd) == 1 &&
	    ledger_reopen(master.ledger_fd) == 0;
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
		limit_taken();
		load_watch();	/* workers that wait have said so before */
		fclose(f);
		return true;
	}
	return false;
}

/* The former image finds the descriptors as it left them: they are still those
 * that were passed on. */
static void
go_back(void)
{
	const char *back = env_get(ENV_BACK);

	if (back == NULL || env_get(ENV_WHY) != NULL)
		fatalx("the state of the former image is not understood");
	setenv(ENV_WHY, "the new binary did not understand the state", 1);
	image_run(atoi(back), master.argv);
	fatal("the way back to the former image");
}

void
upgrade_restore(void)
{
	const char *state = env_get(ENV_STATE), *why, *back;

	if (state == NULL || !take(atoi(state)))
		go_back();
	inherit_end();
	why = env_get(ENV_WHY);
	if ((back = env_get(ENV_BACK)) != NULL)
		close(atoi(back));
	pidfile_again();
	if (chdir("/") == -1)
		fatal("chdir");
	log_set_level(conf_log_level(master.gen->conf));
	pending_take(PENDING_UPGRADE);
	pending_done(PENDING_UPGRADE, why, NULL);
	if (why != NULL)
		log_warnx("upgrade: failed: %s", why);
	else
		log_info("upgrade: done, spawnd %s", PACKAGE_VERSION);
	unsetenv(ENV_STATE);
	unsetenv(ENV_BACK);
	unsetenv(ENV_WHY);
	/* New workers for the new master, or whatever else has changed. */
	if (why == NULL) {
		reload_keep();
		pending_ask(PENDING_RELOAD, NULL);
	} else
		notify_ready(reload_failure());
}
