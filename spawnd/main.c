/*
 * spawnd - prefork TCP relay: the master.
 */
#include "compat.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <time.h>

#include "accept/activate.h"
#include "accept/inetd.h"
#include "ev.h"
#include "idle.h"
#include "ledger.h"
#include "life.h"
#include "log.h"
#include "master.h"
#include "options.h"
#include "pending.h"
#include "proc/history.h"
#include "proc/image.h"
#include "proc/logproc.h"
#include "proc/recproc.h"
#include "proc/reader.h"
#include "proc/reaper.h"
#include "proc/upgrade.h"
#include "settle.h"
#include "tell/notify.h"
#include "tell/request.h"

static void	watch(int, const char *);
static void	 remember(int, char **);
static char	*own_path(const char *);
static void	 input(void);
static void	 check_only(void) no_return;
static void	 checked(struct reading *) no_return;
static void	 background(void);
static void	 signals_early(void);
static void	 signals(void);
static void	 on_hup(struct ev_signal *);
static void	 on_usr1(struct ev_signal *);
static void	 on_term(struct ev_signal *);
static void	 on_int(struct ev_signal *);
static void	 on_usr2(struct ev_signal *);

int
main(int argc, char **argv)
{
	const char *err;
	const bool upgraded = upgrade_under_way();

	remember(argc, argv);
	TAILQ_INIT(&master.gens);
	TAILQ_INIT(&master.listeners);
	options_parse(&master.opt, argc, argv);
	input();
	/* What else the launching process left open is none of ours. */
	if (!upgraded)
		activate_collect();
	if (!upgraded)
		signals_early();
	if (master.opt.check || master.opt.print)
		check_only();
	if (!upgraded) {
		if (master.opt.inetd)
			inetd_open();
		activate_open();
		if (master.opt.background)
			background();
	}
	image_start(master.self);
	if (ev_init(&err) == -1)
		fatalx("%s", err);
	log_watch(watch);
	settle_begin();
	request_begin();
	signals();
	reaper_start();
	notify_start(upgraded);
	idle_begin();
	setproctitle("master");
	if (upgraded) {
		upgrade_restore();
	} else {
		if ((master.ledger_fd = ledger_create()) == -1)
			fatalx("cannot start: memory for totals: %s",
			    log_why(errno));
		master.started = ev_now();
		master.started_wall = time(NULL);
		if (chdir("/") == -1)
			fatal("chdir");
		life_begin();
	}
	history_begin();
	ev_run();
	life_end(0);
}

/* What is of one client is not for the ledger: there may be very many. */
static void
watch(int level, const char *text)
{
	char who[LEDGER_WHO];

	if (level == LOG_NOTICE || strncmp(text, "session=", 8) == 0)
		return;
	snprintf(who, sizeof(who), "spawnd[%ld]", (long)getpid());
	ledger_add_event(level, who, text);
}

/* What an upgrade needs to start the next image as we were started. */
static void
remember(int argc, char **argv)
{
	char cwd[PATH_MAX];
	int i;

	if (getcwd(cwd, sizeof(cwd)) == NULL)
		strlcpy(cwd, "/", sizeof(cwd));
	master.cwd = strdup(cwd);
	master.self = own_path(argv[0]);
	master.argv = calloc((size_t)argc + 1, sizeof(char *));
	if (master.cwd == NULL || master.self == NULL || master.argv == NULL)
		fatal("start");
	for (i = 0; i < argc; i++)
		if ((master.argv[i] = strdup(argv[i])) == NULL)
			fatal("start");
}

/* Where the shell found this program. */
static char *
own_path(const char *name)
{
	char *path, *copy, *dir, *rest, *full = NULL;

	/* Not resolved: what a link points to may be what is upgraded. */
	if (name[0] == '/')
		return strdup(name);
	if (strchr(name, '/') != NULL)
		return asprintf(&full, "%s/%s", master.cwd, name) == -1 ?
		    NULL : full;
	path = getenv("PATH");
	copy = rest = strdup(path != NULL ? path : "");
	while (full == NULL && (dir = strsep(&rest, ":")) != NULL) {
		if (asprintf(&full, "%s/%s", dir, name) == -1)
			full = NULL;
		else if (access(full, X_OK) == -1) {
			free(full);
			full = NULL;
		}
	}
	free(copy);
	return full != NULL ? full : strdup(name);
}

/* What is to be read and has no name but that of a descriptor becomes the
 * standard input; the others are closed. */
static void
input(void)
{
	if (master.opt.conf_fd <= STDIN_FILENO)
		return;
	if (dup2(master.opt.conf_fd, STDIN_FILENO) == -1)
		fatal("%s", master.opt.conf_path);
	master.opt.conf_fd = STDIN_FILENO;
}

/* -n and -T. */
static void
check_only(void)
{
	const bool upgraded = upgrade_check();
	const char *err;

	if (ev_init(&err) == -1 || reader_start(master.opt.print,
	    master.opt.check && !upgraded, 0, checked, &err) == -1)
		fatalx("%s", err);
	ev_run();
	exit(1);
}

static void
checked(struct reading *r)
{
	if (r->error != NULL)
		fatalx("%s", r->error);
	if (r->conf == NULL)
		log_tell(LOG_ERR, r->text);
	log_tell(LOG_WARNING, r->warnings);
	if (r->conf == NULL)
		exit(1);
	if (master.opt.print)
		fputs(r->text, stdout);
	else
		printf("%s: the configuration is good\n",
		    options_source(&master.opt));
	if (fflush(stdout) == EOF || ferror(stdout))
		fatal("standard output");
	exit(0);
}

/*
 * The launching command returns when the daemon serves, with its status: it
 * waits for one byte, or for the end of the pipe if the daemon dies.
 */
static void
background(void)
{
	char status = 1;
	int p[2], null;

	if (pipe2(p, O_CLOEXEC) == -1)
		fatal("pipe");
	switch (fork()) {
	case -1:
		fatal("fork");
	case 0:
		break;
	default:
		close(p[1]);
		while (read(p[0], &status, 1) == -1 && errno == EINTR)
			;
		_exit(status);
	}
	close(p[0]);
	life_launched(p[1]);
	setsid();
	if ((null = open("/dev/null", O_RDWR)) == -1)
		fatal("/dev/null");
	if (master.opt.conf_fd != STDIN_FILENO)
		dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

/* Whoever started us may have ignored and held any signal: not even the end of
 * a child would be told. Some are held until there is somebody to listen. */
static void
signals_early(void)
{
	struct sigaction is;
	sigset_t later;
	int signo;

	for (signo = 1; signo < NSIG; signo++)
		if (sigaction(signo, NULL, &is) == 0 &&
		    is.sa_handler == SIG_IGN)
			signal(signo, SIG_DFL);
	sigemptyset(&later);
	sigaddset(&later, SIGHUP);
	sigaddset(&later, SIGUSR1);
	sigaddset(&later, SIGUSR2);
	sigprocmask(SIG_SETMASK, &later, NULL);
}

static void
signals(void)
{
	static struct ev_signal hup, usr1, usr2, term, intr;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a limit is an error of write(2) */
	if (ev_signal_add(&hup, SIGHUP, on_hup) == -1 ||
	    ev_signal_add(&usr1, SIGUSR1, on_usr1) == -1 ||
	    ev_signal_add(&usr2, SIGUSR2, on_usr2) == -1 ||
	    ev_signal_add(&term, SIGTERM, on_term) == -1 ||
	    ev_signal_add(&intr, SIGINT, on_int) == -1)
		fatal("signals");
}

static void
on_hup(struct ev_signal *s)
{
	(void)s;
	pending_ask(PENDING_RELOAD, NULL);
}

static void
on_usr1(struct ev_signal *s)
{
	(void)s;
	logproc_reopen();
	recproc_reopen();
}

static void
on_term(struct ev_signal *s)
{
	(void)s;
	life_stop(master.stopping);
}

static void
on_int(struct ev_signal *s)
{
	(void)s;
	life_stop(true);
}

static void
on_usr2(struct ev_signal *s)
{
	(void)s;
	pending_ask(PENDING_UPGRADE, NULL);
}

