/*
 * checker - finds out which remotes are well, and what their names stand for,
 * for all workers of all generations.
 *
 *	checker version sandbox user uid gid
 *
 * The descriptors are those of a worker (proto.h): the channel to the master,
 * which tells of generations, and a way to the logger. version is that of the
 * protocol, sandbox the number of its word, and user whom it becomes if root
 * has started it ("": nobody else). What is found is written into the memory
 * that comes with a generation, so the one that is started when this one dies
 * goes on from there. It ends with the channel.
 */
#include "compat.h"

#include "conf/conf.h"
#include "drop.h"
#include "gens.h"
#include "inbox.h"
#include "log.h"
#include "names.h"
#include "sandbox.h"
#include "secure.h"
#include "side.h"
#include "start.h"

#define TURN_MESSAGES	16
#define BEAT		5000	/* ms: it says that it lives */

static void	 confine(enum conf_sandbox);
static void	 channel_event(struct ev_io *, int);
static void	 channel_message(struct ev_io *, struct ipc_msg *);
static void	 beat(struct ev_timer *);

static struct ev_io	 channel;
static struct inbox	 inbox;
static struct ev_timer	 beat_timer = EV_TIMER(beat);

int
main(int argc, char **argv)
{
	const char *err;
	unsigned sandbox;

	if (argc != 6 || !start_has_channel(PROTO_FD_CHANNEL)) {
		fprintf(stderr, "checker is a part of spawnd(8), "
		    "which starts it\n");
		return 2;
	}
	log_init(PROTO_FD_LOG);
	start_version(argv[1]);
	if (ev_init(&err) == -1)
		fatalx("%s", err);
	setproctitle("remotes and names");
	start_descriptors();	/* one for each probe that is under way */
	secure_start();
	names_start();
	sandbox = start_number(argv[2], "sandbox");
	if (sandbox != CONF_SANDBOX_OFF)
		sandbox_early();
	if (chdir("/") == -1)
		fatal("chdir");
	if (*argv[3] != '\0' && drop_root(argv[3],
	    (uid_t)start_number(argv[4], "user"),
	    (gid_t)start_number(argv[5], "group"), &err) == -1)
		fatalx("%s", err);
	sandbox_secrets();
	side_signals();
	confine((enum conf_sandbox)sandbox);
	gens_begin();
	if (ev_io_add(&channel, PROTO_FD_CHANNEL, IO_READ,
	    channel_event) == -1)
		fatal("channel to the master");
	beat(&beat_timer);
	ev_run();
	return 0;
}

static void
confine(enum conf_sandbox how)
{
	const struct sandbox box = { .role = SANDBOX_CHECKER, .bind = true,
		.paths = true, .names = true, .any_port = true };

	start_confine(&box, how);
}

static void
channel_event(struct ev_io *io, int what)
{
	(void)what;
	if (inbox_read(&inbox, io, PROTO_DOWN, TURN_MESSAGES,
	    channel_message) == 0)
		return;
	if (errno != 0)
		log_warn("channel");
	ev_stop();
}

static void
channel_message(struct ev_io *io, struct ipc_msg *m)
{
	int secrets = m->fds[2];

	(void)io;
	switch (m->type) {
	case MSG_CHECK:
		if (!m->check.secrets && secrets != -1) {
			close(secrets);
			secrets = -1;
		}
		gens_add(m->check.generation, m->fds[0], m->fds[1], secrets);
		break;
	case MSG_UNCHECK:
		gens_drop(m->uncheck.generation);
		break;
	case MSG_LEVEL:
		log_set_level((int)MIN(m->level.level, LOG_DEBUG));
		break;
	case MSG_LOG:
		side_log(m->fds[0]);
		break;
	default:
		break;		/* the others are for workers */
	}
}

/* A channel that is full tells the same. */
static void
beat(struct ev_timer *t)
{
	const struct proto_alive alive = { .reserved = 0 };

	ipc_send(channel.fd, MSG_ALIVE, &alive, 1, NULL);
	ev_timer_set(t, BEAT);
}
