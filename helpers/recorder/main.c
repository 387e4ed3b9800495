/*
 * recorder - writes what sessions carry into files, so that no session ever
 * waits for a disk: for the record and dump sections of one generation.
 *
 *	recorder version
 *
 * Descriptors are those of a worker (proto.h): the channel to the master, the
 * configuration and a way to the logger. The master passes a feed for each
 * worker (common/feed.h) and the files of dump sections; the folders of record
 * sections it opens itself, as the user that workers are. When the channel has
 * ended and so have all feeds, it does.
 */
#include "compat.h"

#include <signal.h>

#include "conf/conf.h"
#include "drop.h"
#include "feeds.h"
#include "inbox.h"
#include "log.h"
#include "safe.h"
#include "sandbox.h"
#include "side.h"
#include "start.h"

#define TURN_MESSAGES	16

static struct conf *load(void);
static void	 drop(const struct conf *);
static int	*folders_open(const struct conf *);
static int	 folder_open(const struct conf_record *);
static void	 confine(const struct conf *, const int *);
static void	 channel_event(struct ev_io *, int);
static void	 channel_message(struct ev_io *, struct ipc_msg *);

static struct ev_io	 channel;
static struct inbox	 inbox;

int
main(int argc, char **argv)
{
	const char *err;
	struct conf *c;
	int *folders;

	if (argc != 2 || !start_has_channel(PROTO_FD_CHANNEL)) {
		fprintf(stderr, "recorder is a part of spawnd(8), "
		    "which starts it\n");
		return 2;
	}
	log_init(PROTO_FD_LOG);
	start_version(argv[1]);
	if (ev_init(&err) == -1)
		fatalx("%s", err);
	start_descriptors();	/* two a worker */
	c = load();
	drop(c);
	setproctitle("sessions");
	folders = folders_open(c);
	sandbox_secrets();
	side_signals();
	signal(SIGXFSZ, SIG_IGN);	/* then it is as a full disk */
	confine(c, folders);
	feeds_start(c, folders);
	if (ev_io_add(&channel, PROTO_FD_CHANNEL, IO_READ,
	    channel_event) == -1)
		fatal("channel to the master");
	ev_run();
	feeds_end();
	free(folders);
	conf_free(&c);
	return 0;
}

static struct conf *
load(void)
{
	const char *err;
	struct conf *c = conf_get(PROTO_FD_CONF, &err);

	if (c == NULL)
		fatalx("%s", err);
	close(PROTO_FD_CONF);
	log_set_level(conf_log_level(c));
	return c;
}

static void
drop(const struct conf *c)
{
	const char *err;

	if (c->sandbox != CONF_SANDBOX_OFF)
		sandbox_early();
	if (chdir("/") == -1)
		fatal("chdir");
	if (c->user != NULL && geteuid() == 0 && drop_root(c->user,
	    (uid_t)c->uid, (gid_t)c->gid, &err) == -1)
		fatalx("%s", err);
}

static int *
folders_open(const struct conf *c)
{
	int *folders = calloc(c->nrecords + 1, sizeof(*folders));
	unsigned i;

	if (folders == NULL)
		fatal("folders");
	for (i = 0; i < c->nrecords; i++)
		folders[i] = folder_open(&c->records[i]);
	return folders;
}

static int
folder_open(const struct conf_record *r)
{
	char path[1024];
	const char *name;
	int fd = -1;

	if (snprintf(path, sizeof(path), "%s/x", r->directory) <
	    (int)sizeof(path))
		fd = safe_folder(path, &name);
	if (fd == -1)
		log_warn("record %s: %s", r->name, r->directory);
	return fd;
}

static void
confine(const struct conf *c, const int *folders)
{
	const struct sandbox box = { .role = SANDBOX_RECORDER,
		.folders = folders, .nfolders = c->nrecords };

	start_confine(&box, c->sandbox);
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
	inbox_end(&inbox);
	ev_io_close(&channel);
	feeds_finish();
}

static void
channel_message(struct ev_io *io, struct ipc_msg *m)
{
	(void)io;
	switch (m->type) {
	case MSG_RECORD:
		feeds_add(m->fds[0], m->fds[1], (long)m->record.pid);
		break;
	case MSG_DUMP:
		feeds_dump(m->dump.section, m->fds[0]);
		break;
	case MSG_LOG:
		side_log(m->fds[0]);
		break;
	default:
		break;		/* the others are for workers */
	}
}
