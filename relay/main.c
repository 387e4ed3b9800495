/*
 * relay - a worker of spawnd. It is started by the master only, with the
 * descriptors of proto.h and the arguments "generation slot version".
 */
#include "compat.h"

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
#include "start.h"

static void	 worker_drop(const struct conf *);
static void	 worker_tls(void);
static void	 worker_signals(void);
static void	 signal_leave(struct ev_signal *);
static void	 signal_now(struct ev_signal *);
static void	 signal_none(struct ev_signal *);

int
main(int argc, char **argv)
{
	const char *err;
	int i;

	if (argc != 4 || !start_has_channel(PROTO_FD_CHANNEL)) {
		fprintf(stderr, "relay is a worker: spawnd(8) starts it\n");
		return 2;
	}
	log_init(PROTO_FD_LOG);
	self.pid = getpid();
	for (i = 0; i < PROTO_FD_END; i++)
		self.fd[i] = i;
	self.generation = start_number(argv[1], "generation");
	self.slot = start_number(argv[2], "slot");
	start_version(argv[3]);
	if (ev_init(&err) == -1)
		fatalx("%s", err);
	start_descriptors();
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
