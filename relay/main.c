/*
 * relay - a worker of spawnd. It is started by the master only, with the
 * descriptors of proto.h and the arguments "generation slot version".
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <signal.h>

#include "begin.h"
#include "channel.h"
#include "confine.h"
#include "drop.h"
#include "layer/tls_ctx.h"
#include "log.h"
#include "sandbox.h"
#include "schedule.h"
#include "self.h"
#include "session.h"

static void	 worker_limit(void);
static void	 worker_drop(const struct conf *);
static void	 worker_tls(void);
static void	 worker_signals(void);
static void	 signal_leave(struct ev_signal *);
static void	 signal_now(struct ev_signal *);
static void	 signal_none(struct ev_signal *);
static unsigned	 number(const char *, const char *);

int
main(int argc, char **argv)
{
	const char *err;
	struct stat st;
	int i;

	if (argc != 4 || fstat(PROTO_FD_CHANNEL, &st) == -1 ||
	    !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "relay is a worker: spawnd(8) starts it\n");
		return 2;
	}
	log_init(PROTO_FD_LOG);
	self.pid = getpid();
	for (i = 0; i < PROTO_FD_END; i++)
		self.fd[i] = i;
	self.generation = number(argv[1], "generation");
	self.slot = number(argv[2], "slot");
	if (number(argv[3], "version") != PROTO_VERSION)
		fatalx("the master speaks version %s, this program %u: it "
		    "was replaced without an upgrade", argv[3], PROTO_VERSION);
	if (ev_init(&err) == -1)
		fatalx("%s", err);
	worker_limit();
	if (begin_load(&err) == -1)
		fatalx("%s", err);
	schedule_batch(self.conf->batch);
	tls_ctx_load();
	worker_drop(self.conf);
	worker_tls();
	worker_signals();
	setproctitle("generation %u", self.generation);
	confine(self.conf);
	if (begin_serve(ev_stop) == -1)
		fatal("channel to the master");
	ev_run();
	tls_ctx_free();
	log_debug("worker ends: %llu sessions served",
	    (unsigned long long)board_get(&self.board.own->taken));
	return 0;
}

static unsigned
number(const char *text, const char *what)
{
	const char *err;
	long long n = strtonum(text, 0, UINT32_MAX, &err);

	if (err != NULL)
		fatalx("%s \"%s\" is %s", what, text, err);
	return (unsigned)n;
}

/* The master's limit may have been lowered for a while. */
static void
worker_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur == rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

static void
worker_drop(const struct conf *c)
{
	const char *err;

	confine_early(c);
	if (geteuid() != 0)
		return;
	if (c->chroot != NULL && chroot(c->chroot) == -1)
		fatal("chroot %s (it needs CAP_SYS_CHROOT)", c->chroot);
	if ((c->chroot != NULL || c->working_directory == NULL) &&
	    chdir("/") == -1)
		fatal("chdir");
	if (c->user != NULL && drop_root(c->user, (uid_t)c->uid,
	    (gid_t)c->gid, &err) == -1)
		fatalx("%s", err);
}

/* What others have written is not read as root. */
static void
worker_tls(void)
{
	const char *err;

	if (self.conf->ntlss > 0)
		sandbox_secrets();
	if (tls_ctx_init(&err) == -1)
		fatalx("%s", err);
}

static void
worker_signals(void)
{
	static struct ev_signal hup, term, intr, usr1, usr2;

	signal(SIGPIPE, SIG_IGN);
	if (ev_signal_add(&hup, SIGHUP, signal_leave) == -1 ||
	    ev_signal_add(&term, SIGTERM, signal_leave) == -1 ||
	    ev_signal_add(&intr, SIGINT, signal_now) == -1 ||
	    ev_signal_add(&usr1, SIGUSR1, signal_none) == -1 ||
	    ev_signal_add(&usr2, SIGUSR2, signal_none) == -1)
		fatal("signals");
}

static void
signal_leave(struct ev_signal *s)
{
	(void)s;
	channel_leave(LEAVE_SIGNAL);
}

static void
signal_now(struct ev_signal *s)
{
	(void)s;
	log_info("stopped with %llu sessions",
	    (unsigned long long)self.nsessions);
	sess_close_all(WHY_STOPPED, 0);
	ev_stop();
}

/* Signals that mean something to the master only, and reach a worker when
 * they are sent to the whole process group. */
static void
signal_none(struct ev_signal *s)
{
	(void)s;
}
