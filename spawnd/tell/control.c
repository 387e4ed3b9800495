#include "compat.h"

#include "accept/unixsock.h"
#include "conf/conf.h"
#include "proc/inherit.h"
#include "tell/control.h"

/*
 * One request a connection, a line; the answer is "ok" or "error: why" on a
 * line of its own, what was asked for, and the end of the file.
 */

#define CLIENTS		32	/* at once */
#define PATIENCE	10000	/* ms for a request, and for its answer */
#define BACKLOG		32
#define RETRY		200	/* ms after accept(2) has failed */

static void	control_event(struct ev_io *, int);
static void	control_again(struct ev_timer *);
static struct client *client_new(int);
static void	client_event(struct ev_io *, int);
static void	client_late(struct ev_timer *);
static void	client_read(struct client *);
static void	client_write(struct client *);
static ssize_t	client_send(struct client *);
static ssize_t	client_send_fd(struct client *);
static void	client_close(struct client *);
static void	client_free(struct ev_task *);
static void	client_done(struct pending *, const char *, const char *);

/* Two, as a new one is sure before the old one is closed. */
static struct control {
	struct ev_io	 io;
	struct addr	 addr;
	struct unixsock	 file;
} sockets[2] = { { .io.fd = -1 }, { .io.fd = -1 } };

static struct control		*control = &sockets[0];
static struct ev_timer		 control_timer = EV_TIMER(control_again);
static void			(*on_request)(struct client *);
static unsigned			 nclients;
static TAILQ_HEAD(, client)	 clients = TAILQ_HEAD_INITIALIZER(clients);

void
control_begin(void (*request)(struct client *))
{
	on_request = request;
}

int
control_open(const char *path, const char **errp)
{
	static char sentence[600];
	struct control *c = &sockets[control == &sockets[0]];
	int fd;

	if (control->io.fd != -1 &&
	    strcmp(control->addr.un.sun_path, path) == 0 &&
	    !unixsock_gone(&control->addr, &control->file))
		return 0;
	if (addr_unix(path, &c->addr, errp) == -1)
		return -1;
	if (control->io.fd != -1 && unixsock_is(&c->addr, &control->file)) {
		control->addr = c->addr;
		return 0;
	}
	if ((fd = unixsock_listen(&c->addr, BACKLOG, 0600, CONF_NOID,
	    CONF_NOID, &c->file, errp)) == -1) {
		snprintf(sentence, sizeof(sentence), "control: %s", *errp);
		*errp = sentence;
		return -1;
	}
	if (ev_io_add(&c->io, fd, IO_READ, control_event) == -1) {
		*errp = strerror(errno);
		unixsock_unlink(&c->addr, &c->file);
		close(fd);
		return -1;
	}
	control_close();
	control = c;
	return 0;
}

void
control_save(FILE *f)
{
	const struct client *c;

	if (control->io.fd != -1)
		fprintf(f, "control %d %ju %ju %s\n",
		    inherit_fd(control->io.fd), (uintmax_t)control->file.dev,
		    (uintmax_t)control->file.ino, control->addr.un.sun_path);
	/* Who waits for the upgrade, and who has not said what it wants. */
	TAILQ_FOREACH(c, &clients, entry) {
		if (c->pending.waits)
			fprintf(f, "client %d\n", inherit_fd(c->io.fd));
		else if (c->out == NULL)
			fprintf(f, "guest %d %s\n", inherit_fd(c->io.fd),
			    c->line);
	}
}

bool
control_take(const char *line)
{
	struct client *c;
	uintmax_t dev, ino;
	const char *err;
	int fd, at;

	if (sscanf(line, "guest %d%n", &fd, &at) == 1) {
		if ((c = client_new(fd)) != NULL && line[at] == ' ')
			c->len = strlcpy(c->line, line + at + 1,
			    sizeof(c->line));
		return true;
	}
	if (sscanf(line, "client %d", &fd) == 1) {
		if ((c = client_new(fd)) != NULL)
			pending_ask(PENDING_UPGRADE, &c->pending);
		return true;
	}
	if (sscanf(line, "control %d %ju %ju %n", &fd, &dev, &ino, &at) != 3 ||
	    addr_unix(line + at, &control->addr, &err) == -1)
		return false;
	control->file.dev = (dev_t)dev;
	control->file.ino = (ino_t)ino;
	return ev_io_add(&control->io, fd, IO_READ, control_event) == 0;
}

/* Clients that are being answered keep their connection. */
void
control_close(void)
{
	if (control->io.fd == -1)
		return;
	ev_io_close(&control->io);
	unixsock_unlink(&control->addr, &control->file);
}

static void
control_event(struct ev_io *io, int what)
{
	int fd;

	(void)what;
	while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK |
	    SOCK_CLOEXEC)) != -1)
		client_new(fd);
	if (errno != EAGAIN)
		ev_timer_set(&control_timer, RETRY);
	ev_io_again(io, IO_READ);
}

/* Descriptors were short; the one who waits gives no second event. */
static void
control_again(struct ev_timer *t)
{
	(void)t;
	if (control->io.fd != -1)
		control_event(&control->io, IO_READ);
}

static struct client *
client_new(int fd)
{
	struct client *c;

	if (nclients == CLIENTS || (c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return NULL;
	}
	ev_timer_init(&c->timer, client_late);
	c->pending.cb = client_done;
	c->pass = -1;
	if (ev_io_add(&c->io, fd, IO_READ | IO_WRITE, client_event) == -1) {
		close(fd);
		free(c);
		return NULL;
	}
	nclients++;
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
	if ((what & IO_READ) && !c->pending.waits)
		client_read(c);
}

static void
client_late(struct ev_timer *t)
{
	struct client *c = container_of(t, struct client, timer);

	if (!c->pending.waits)
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
	ev_timer_stop(&c->timer);
	ev_io_close(&c->io);
	TAILQ_REMOVE(&clients, c, entry);
	nclients--;
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
