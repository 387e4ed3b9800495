/*
 * relay - a worker of spawnd. It is started by the master only, with the
 * descriptors of proto.h and the arguments "generation slot version".
 */
#include "compat.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <signal.h>

#include "channel.h"
#include "confine.h"
#include "drop.h"
#include "layer/tls_ctx.h"
#include "log.h"
#include "ondown.h"
#include "path.h"
#include "race.h"
#include "remote/remotes.h"
#include "sandbox.h"
#include "schedule.h"
#include "self.h"
#include "session.h"
#include "splice.h"
#include "stage.h"
#include "store.h"

static void	 worker_configure(void);
static void	 worker_limit(void);
static void	 worker_spare(const struct conf *);
static void	 worker_drop(const struct conf *);
static void	 worker_tls(void);
static void	 worker_signals(void);
static void	 signal_leave(struct ev_signal *);
static void	 signal_now(struct ev_signal *);
static void	 signal_none(struct ev_signal *);
static unsigned	 number(const char *, const char *);

struct self self;

int
main(int argc, char **argv)
{
	const char *err;
	struct stat st;

	if (argc != 4 || fstat(PROTO_FD_CHANNEL, &st) == -1 ||
	    !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "relay is a worker: spawnd(8) starts it\n");
		return 2;
	}
	log_init(PROTO_FD_LOG);
	self.pid = getpid();
	self.generation = number(argv[1], "generation");
	self.slot = number(argv[2], "slot");
	if (number(argv[3], "version") != PROTO_VERSION)
		fatalx("the master speaks version %s, this program %u: it "
		    "was replaced without an upgrade", argv[3], PROTO_VERSION);
	if (ev_init(&err) == -1)
		fatalx("%s", err);
	worker_configure();
	worker_limit();
	worker_spare(self.conf);
	schedule_batch(self.conf->batch);
	tls_ctx_load();
	worker_drop(self.conf);
	worker_tls();
	worker_signals();
	setproctitle("generation %u", self.generation);
	confine(self.conf);
	if (channel_start() == -1)
		fatal("channel to the master");
	ondown_start();
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

static void
worker_configure(void)
{
	const char *err;

	if ((self.conf = conf_get(PROTO_FD_CONF, &err)) == NULL)
		fatalx("the configuration of the master: %s", err);
	close(PROTO_FD_CONF);
	log_set_level(self.conf->log_level);
	if (self.slot >= BOARD_SLOTS)
		fatalx("slot %u is out of range", self.slot);
	if (board_attach(&self.board, PROTO_FD_BOARD, PROTO_FD_SLOT,
	    self.conf, self.slot) == -1)
		fatal("board");
	if (targets_wanted(self.conf) && targets_attach(&self.targets,
	    PROTO_FD_TARGETS, self.conf, false) == -1)
		fatal("targets");
	if (remotes_start() == -1)
		fatal("remotes");
	if (path_init(stage_set) == -1)
		fatal("paths");
	store_limit(self.conf->memory);
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

/* What sessions do not need of the descriptors may be pipes, and a third one of
 * those that are on their way to a remote. */
static void
worker_spare(const struct conf *c)
{
	rlim_t need = (rlim_t)c->users_max * 2 + PROTO_FD_WORKER +
	    conf_auth_lines(c);
	rlim_t pipes = PROTO_FD_PIPES / 2, races = PROTO_FD_RACES;
	struct rlimit rl;
	unsigned i;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur > need) {
		races += (rl.rlim_cur - need) / 4;
		pipes += (rl.rlim_cur - need) / 4;
	}
	race_limit(races > UINT16_MAX ? UINT16_MAX : (unsigned)races);
	splice_limit(pipes > UINT16_MAX ? UINT16_MAX : (unsigned)pipes);
	for (i = 0; i < c->nrelays && !splice_works(); i++)
		if (c->relays[i].io == CONF_IO_SPLICE)
			log_warnx("relay %s: io = splice: this system cannot "
			    "do it, bytes are copied", c->relays[i].name);
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
