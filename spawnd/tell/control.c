#include "compat.h"

#include "accept/unixsock.h"
#include "conf/conf.h"
#include "log.h"
#include "proc/inherit.h"
#include "tell/control.h"

/*
 * One request a connection, a line; the answer is "ok" or "error: why" on a
 * line of its own, what was asked for, and the end of the file.
 */

#define CLIENTS		32	/* at once, of each socket */
#define PATIENCE	10000	/* ms for a request, and for its answer */
#define BACKLOG		32
#define RETRY		200	/* ms after accept(2) has failed */

struct control;
struct door;

static void	control_event(struct ev_io *, int);
static void	control_again(struct ev_timer *);
static struct control *door_other(struct door *);
static int	door_prepare(struct door *, const char *, uint32_t, uint32_t,
		    const char **);
static bool	door_stays(const struct door *, const char *, uint32_t,
		    uint32_t);
static void	door_undo(struct door *);
static void	door_commit(struct door *);
static void	door_save(FILE *, const struct door *);
static bool	door_take(const char *);
static void	door_close(struct control *);
static struct client *client_new(struct door *, int);
static void	client_event(struct ev_io *, int);
static void	client_late(struct ev_timer *);
static void	client_read(struct client *);
static void	client_write(struct client *);
static ssize_t	client_send(struct client *);
static ssize_t	client_send_fd(struct client *);
static void	client_close(struct client *);
static void	client_free(struct ev_task *);
static void	client_told(struct live_wait *, const char *);
static void	client_done(struct pending *, const char *, const char *);

/* Two, as a new one is sure before the old one is closed. */
struct control {
	struct ev_io	 io;
	struct addr	 addr;
	struct unixsock	 file;
	struct door	*door;
};

/* Where clients come in; what comes of it is decided for all, then done. */
static struct door {
	struct control	 sockets[2];
	struct control	*now;
	enum { DOOR_KEEP, DOOR_CLOSE, DOOR_OPEN } change;
	bool		 reader;	/* they may only look */
	unsigned	 nclients;
	const char	*name;		/* of the option */
} doors[] = {
	{ .sockets = { { .io.fd = -1, .door = &doors[0] },
	    { .io.fd = -1, .door = &doors[0] } },
	    .now = &doors[0].sockets[0], .name = "control" },
	{ .sockets = { { .io.fd = -1, .door = &doors[1] },
	    { .io.fd = -1, .door = &doors[1] } },
	    .now = &doors[1].sockets[0], .name = "control-readers",
	    .reader = true }
};

static struct ev_timer		 control_timer = EV_TIMER(control_again);
static void			(*on_request)(struct client *);
static TAILQ_HEAD(, client)	 clients = TAILQ_HEAD_INITIALIZER(clients);

void
control_begin(void (*request)(struct client *))
{
	on_request = request;
}

int
control_open(const struct conf *c, const char **errp)
{
	size_t i;

	if (door_prepare(&doors[0], c->control, 0600, CONF_NOID, errp) == -1)
		return -1;
	if (door_prepare(&doors[1], c->control_readers, c->control_gid ==
	    CONF_NOID ? 0600 : 0660, c->control_gid, errp) == -1) {
		door_undo(&doors[0]);
		return -1;
	}
	for (i = 0; i < nitems_of(doors); i++)
		door_commit(&doors[i]);
	return 0;
}

static struct control *
door_other(struct door *d)
{
	return &d->sockets[d->now == &d->sockets[0]];
}

static int
door_prepare(struct door *d, const char *path, uint32_t mode, uint32_t gid,
    const char **errp)
{
	static char sentence[600];
	struct control *c = door_other(d);
	int fd;

	d->change = path == NULL ? DOOR_CLOSE : DOOR_KEEP;
	if (path == NULL || door_stays(d, path, mode, gid))
		return 0;
	if (addr_unix(path, &c->addr, errp) == -1)
		return -1;
	if (d->now->io.fd != -1 && unixsock_is(&c->addr, &d->now->file)) {
		d->now->addr = c->addr;
		return 0;
	}
	if ((fd = unixsock_listen(&c->addr, BACKLOG, mode, CONF_NOID, gid,
	    &c->file, errp)) == -1) {
		snprintf(sentence, sizeof(sentence), "%s: %s", d->name, *errp);
		*errp = sentence;
		return -1;
	}
	if (ev_io_add(&c->io, fd, IO_READ, control_event) == -1) {
		*errp = strerror(errno);
		unixsock_unlink(&c->addr, &c->file);
		close(fd);
		return -1;
	}
	d->change = DOOR_OPEN;
	return 0;
}

/* Under the same name, perhaps for another group. */
static bool
door_stays(const struct door *d, const char *path, uint32_t mode,
    uint32_t gid)
{
	const struct control *c = d->now;
	const char *err;

	if (c->io.fd == -1 || strcmp(c->addr.un.sun_path, path) != 0 ||
	    unixsock_gone(&c->addr, &c->file))
		return false;
	if (d->reader && unixsock_dress(&c->addr, &c->file, mode, CONF_NOID,
	    gid, &err) == -1)
		log_warnx("%s: %s", d->name, err);
	return true;
}

static void
door_undo(struct door *d)
{
	if (d->change == DOOR_OPEN)
		door_close(door_other(d));
}

static void
door_commit(struct door *d)
{
	if (d->change == DOOR_KEEP)
		return;
	door_close(d->now);
	if (d->change == DOOR_OPEN)
		d->now = door_other(d);
}

void
control_save(FILE *f)
{
	const struct client *c;
	size_t i;

	for (i = 0; i < nitems_of(doors); i++)
		door_save(f, &doors[i]);
	/* Who waits for the upgrade, and who has not said what it wants. */
	TAILQ_FOREACH(c, &clients, entry) {
		if (c->pending.waits)
			fprintf(f, "client %d\n", inherit_fd(c->io.fd));
		else if (c->out == NULL)
			fprintf(f, "guest %d %d %s\n", inherit_fd(c->io.fd),
			    c->reader, c->line);
	}
}

static void
door_save(FILE *f, const struct door *d)
{
	const struct control *c = d->now;

	if (c->io.fd != -1)
		fprintf(f, "control %d %d %ju %ju %s\n", d->reader,
		    inherit_fd(c->io.fd), (uintmax_t)c->file.dev,
		    (uintmax_t)c->file.ino, c->addr.un.sun_path);
}

bool
control_take(const char *line)
{
	struct client *c;
	int fd, at, reader;

	if (sscanf(line, "guest %d %d%n", &fd, &reader, &at) == 2) {
		if ((c = client_new(&doors[reader != 0], fd)) != NULL &&
		    line[at] == ' ')
			c->len = strlcpy(c->line, line + at + 1,
			    sizeof(c->line));
		return true;
	}
	if (sscanf(line, "client %d", &fd) == 1) {
		if ((c = client_new(&doors[0], fd)) != NULL)
			pending_ask(PENDING_UPGRADE, &c->pending);
		return true;
	}
	return door_take(line);
}

static bool
door_take(const char *line)
{
	struct control *c;
	uintmax_t dev, ino;
	const char *err;
	int fd, at, reader;

	if (sscanf(line, "control %d %d %ju %ju %n", &reader, &fd, &dev, &ino,
	    &at) != 4)
		return false;
	c = doors[reader != 0].now;
	if (addr_unix(line + at, &c->addr, &err) == -1)
		return false;
	c->file.dev = (dev_t)dev;
	c->file.ino = (ino_t)ino;
	return ev_io_add(&c->io, fd, IO_READ, control_event) == 0;
}

/* Clients that are being answered keep their connection. */
void
control_close(void)
{
	size_t i;

	for (i = 0; i < nitems_of(doors); i++)
		door_close(doors[i].now);
}

static void
door_close(struct control *c)
{
	if (c->io.fd == -1)
		return;
	ev_io_close(&c->io);
	unixsock_unlink(&c->addr, &c->file);
}

static void
control_event(struct ev_io *io, int what)
{
	int fd;

	(void)what;
	while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK |
	    SOCK_CLOEXEC)) != -1)
		client_new(container_of(io, struct control, io)->door, fd);
	if (errno != EAGAIN)
		ev_timer_set(&control_timer, RETRY);
	ev_io_again(io, IO_READ);
}

/* Descriptors were short; the one who waits gives no second event. */
static void
control_again(struct ev_timer *t)
{
	size_t i;

	(void)t;
	for (i = 0; i < nitems_of(doors); i++)
		if (doors[i].now->io.fd != -1)
			control_event(&doors[i].now->io, IO_READ);
}

static struct client *
client_new(struct door *door, int fd)
{
	struct client *c;

	if (door->nclients == CLIENTS || (c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return NULL;
	}
	ev_timer_init(&c->timer, client_late);
	c->pending.cb = client_done;
	c->live.cb = client_told;
	c->pass = -1;
	if (ev_io_add(&c->io, fd, IO_READ | IO_WRITE, client_event) == -1) {
		close(fd);
		free(c);
		return NULL;
	}
	c->reader = door->reader;
	door->nclients++;
	TAILQ_INSERT_TAIL(&clients, c, entry);
	ev_timer_set(&c->timer, PATIENCE);
	return c;
}

static void
client_event(struct ev_io *io, int what)
{
	struct client *c = container_of(io, struct client, io);

	if (c->out != NULL) {
		client_write(c);
		return;
	}
	if ((what & IO_READ) && !c->pending.waits && !c->live.waits)
		client_read(c);
}

static void
client_late(struct ev_timer *t)
{
	struct client *c = container_of(t, struct client, timer);

	if (!c->pending.waits && !c->live.waits)
		client_close(c);
}

static void
client_read(struct client *c)
{
	ssize_t n;

	for (;;) {
		n = read(c->io.fd, c->line + c->len,
		    sizeof(c->line) - 1 - c->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			ev_io_again(&c->io, IO_READ);
			return;
		}
		if (n <= 0) {		/* gone, or a line without an end */
			client_close(c);
			return;
		}
		c->len += (size_t)n;
		c->line[c->len] = '\0';
		if (strchr(c->line, '\n') != NULL) {
			c->line[strcspn(c->line, "\r\n")] = '\0';
			on_request(c);
			return;
		}
	}
}

static void
client_write(struct client *c)
{
	ssize_t n;

	while (c->out_off < c->out_len) {
		n = client_send(c);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			ev_io_again(&c->io, IO_WRITE);
			return;
		}
		if (n == -1)
			break;
		c->out_off += (size_t)n;
	}
	client_close(c);
}

static ssize_t
client_send(struct client *c)
{
	if (c->pass != -1)
		return client_send_fd(c);
	return send(c->io.fd, c->out + c->out_off, c->out_len - c->out_off,
	    MSG_NOSIGNAL);
}

/* It goes with the first bytes. */
static ssize_t
client_send_fd(struct client *c)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_base = c->out, .iov_len = c->out_len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf) };
	struct cmsghdr *cmsg;
	ssize_t n;

	memset(&ctl, 0, sizeof(ctl));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &c->pass, sizeof(int));
	if ((n = sendmsg(c->io.fd, &msg, MSG_NOSIGNAL)) != -1) {
		close(c->pass);
		c->pass = -1;
	}
	return n;
}

static void
client_close(struct client *c)
{
	if (c->io.fd == -1)
		return;
	if (c->pass != -1)
		close(c->pass);
	c->pass = -1;
	pending_forget(&c->pending);
	live_forget(&c->live);
	ev_timer_stop(&c->timer);
	ev_io_close(&c->io);
	TAILQ_REMOVE(&clients, c, entry);
	doors[c->reader].nclients--;
	ev_defer(&c->task, client_free);
}

static void
client_free(struct ev_task *task)
{
	struct client *c = container_of(task, struct client, task);

	free(c->out);
	free(c);
}

void
control_answer(struct client *c, const char *error, const char *text,
    size_t len)
{
	FILE *f;

	if ((f = open_memstream(&c->out, &c->out_len)) == NULL) {
		client_close(c);
		return;
	}
	if (error != NULL)
		fprintf(f, "error: %s\n", error);
	else
		fputs("ok\n", f);
	if (text != NULL)
		fwrite(text, 1, len, f);
	if (fclose(f) == EOF || c->out == NULL) {
		client_close(c);
		return;
	}
	ev_timer_set(&c->timer, PATIENCE);
	client_write(c);
}

void
control_answer_fd(struct client *c, const char *text, size_t len, int fd)
{
	c->pass = fd;
	control_answer(c, NULL, text, len);
}

static void
client_done(struct pending *p, const char *error, const char *note)
{
	control_answer(container_of(p, struct client, pending), error, note,
	    note == NULL ? 0 : strlen(note));
}

static void
client_told(struct live_wait *wait, const char *error)
{
	control_answer(container_of(wait, struct client, live), error, NULL,
	    0);
}
