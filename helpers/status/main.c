/*
 * status - shows what spawnd does: as a page, as JSON, as metrics, by HTTP.
 *
 *	status version sandbox user uid gid
 *
 * The descriptors are those of a worker (proto.h): the channel to the master
 * and a way to the logger. The master passes the connections of listeners with
 * serve = status, and writes down what it shows when it is asked (the views of
 * spawnctl show); there is nothing else that this process could ask of it, and
 * no descriptor that it could get from elsewhere. version is that of the
 * protocol, sandbox the number of its word, and user whom it becomes if root
 * has started it ("": nobody else). It ends with the channel.
 */
#include "compat.h"

#include "drop.h"
#include "inbox.h"
#include "log.h"
#include "sandbox.h"
#include "side.h"
#include "start.h"
#include "views.h"
#include "visits.h"

#define TURN_MESSAGES	64

static void	 drop(char **, enum conf_sandbox);
static void	 channel_event(struct ev_io *, int);
static void	 channel_message(struct ev_io *, struct ipc_msg *);

static struct ev_io	 channel;
static struct inbox	 inbox;

int
main(int argc, char **argv)
{
	const struct sandbox box = { .role = SANDBOX_STATUS };
	enum conf_sandbox how;
	const char *err;
	uint32_t first;

	if (argc != 6 || !start_has_channel(PROTO_FD_CHANNEL)) {
		fprintf(stderr, "status is a part of spawnd(8), "
		    "which starts it\n");
		return 2;
	}
	log_init(PROTO_FD_LOG);
	start_version(argv[1]);
	if (ev_init(&err) == -1)
		fatalx("%s", err);
	setproctitle("page and metrics");
	start_descriptors();	/* one for each visitor */
	how = (enum conf_sandbox)start_number(argv[2], "sandbox");
	drop(argv + 3, how);
	side_signals();
	arc4random_buf(&first, sizeof(first));	/* opens what it needs */
	start_confine(&box, how);
	views_begin(PROTO_FD_CHANNEL, visits_answer);
	if (ev_io_add(&channel, PROTO_FD_CHANNEL, IO_READ,
	    channel_event) == -1)
		fatal("channel to the master");
	ev_run();
	return 0;
}

/* user: its name, number and group. */
static void
drop(char **user, enum conf_sandbox how)
{
	const char *err;

	if (how != CONF_SANDBOX_OFF)
		sandbox_early();
	if (chdir("/") == -1)
		fatal("chdir");
	if (*user[0] != '\0' && drop_root(user[0],
	    (uid_t)start_number(user[1], "user"),
	    (gid_t)start_number(user[2], "group"), &err) == -1)
		fatalx("%s", err);
	sandbox_secrets();
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
	(void)io;
	switch (m->type) {
	case MSG_VISIT:
		if (m->fds[0] != -1)
			visits_add(m->fds[0]);
		break;
	case MSG_SEEN:
		views_take(&m->seen, m->fds[0]);
		break;
	case MSG_LOG:
		side_log(m->fds[0]);
		break;
	default:
		break;		/* the others are for workers */
	}
}
