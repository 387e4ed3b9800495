/*
 * A request of any bytes on the control socket, the first of them as a former
 * image has left them, the rest in two writes: there is one answer, "ok" or a
 * sentence, to what has an end of line, and none to what has none.
 */
#include "compat.h"

#include "accept/unixsock.h"
#include "ev.h"
#include "life.h"
#include "log.h"
#include "master.h"
#include "proc/generation.h"
#include "proc/inherit.h"
#include "proc/level.h"
#include "proc/live.h"
#include "proc/load.h"
#include "proc/logproc.h"
#include "proc/recproc.h"
#include "proc/reload.h"
#include "proc/statproc.h"
#include "proc/trace.h"
#include "proc/worker.h"
#include "tell/control.h"
#include "tell/request.h"
#include "tell/show.h"

#define LINE	(sizeof(((struct client *)NULL)->line) - 1)
#define TURNS	64		/* within which it is answered */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct conf_remote	 remote = { .name = "a", .weight = 2 };
static struct conf_relay	 relay = {
	.name = "x", .remotes = &remote, .nremotes = 1
};
static struct conf		 conf = { .relays = &relay, .nrelays = 1 };
static struct generation	 gen = { .conf = &conf };
static struct worker		 worker;

struct master master = { .gen = &gen };

/* What control.c and request.c need of the other files. */
int
unixsock_listen(const struct addr *a, unsigned backlog, uint32_t mode,
    uint32_t uid, uint32_t gid, struct unixsock *file, const char **errp)
{
	(void)a;
	(void)backlog;
	(void)mode;
	(void)uid;
	(void)gid;
	(void)file;
	*errp = "not here";
	return -1;
}

int
unixsock_dress(const struct addr *a, const struct unixsock *file,
    uint32_t mode, uint32_t uid, uint32_t gid, const char **errp)
{
	(void)a;
	(void)file;
	(void)mode;
	(void)uid;
	(void)gid;
	*errp = "not here";
	return -1;
}

bool
unixsock_is(const struct addr *a, const struct unixsock *file)
{
	(void)a;
	(void)file;
	return false;
}

bool
unixsock_gone(const struct addr *a, const struct unixsock *file)
{
	(void)a;
	(void)file;
	return false;
}

void
unixsock_unlink(const struct addr *a, const struct unixsock *file)
{
	(void)a;
	(void)file;
}

int
inherit_fd(int fd)
{
	return fd;
}

void
pending_ask(enum pending_what what, struct pending *p)
{
	p->cb(p, what == PENDING_RELOAD ? NULL : "not now", NULL);
}

void
pending_forget(struct pending *p)
{
	(void)p;
}

bool
show_known(const char *name)
{
	return strcmp(name, "summary") == 0;
}

void
show_write(FILE *f, const char *name, bool json)
{
	fputs(json ? "{}" : name, f);
}

struct worker *
worker_find(pid_t pid)
{
	if (pid < 1)
		abort();
	return pid == 4711 ? &worker : NULL;
}

bool
worker_replace(struct worker *w)
{
	return w == &worker;
}

uint64_t
worker_users(const struct worker *w)
{
	return w->sent;
}

/* Only what a remote may be set to arrives, and only for the one there is. */
void
load_admin(const char *relay_name, const char *name, uint32_t admin)
{
	const enum conf_state state = BOARD_ADMIN_STATE(admin);

	if (strcmp(relay_name, "x") != 0 || strcmp(name, "a") != 0 ||
	    (state != BOARD_ADMIN_NONE && state > STATE_DISABLED) ||
	    BOARD_ADMIN_WEIGHT(admin) > 256)
		abort();
}

bool
reload_idle(void)
{
	return true;
}

int
live_set(const struct conf_filter *filter, char *words, bool existing,
    uint64_t *serial, const char **errp)
{
	(void)words;
	(void)existing;
	(void)serial;
	if (filter->kind != CONF_FILTER_FAULT)
		abort();
	*errp = "not here";
	return -1;
}

void
live_wait(struct live_wait *wait, uint64_t serial, uint64_t ms)
{
	(void)serial;
	(void)ms;
	wait->cb(wait, NULL);
}

void
live_forget(struct live_wait *wait)
{
	(void)wait;
}

void
statproc_begin(bool (*show)(FILE *, const char *, bool))
{
	(void)show;
}

void
recproc_reopen(void)
{
}

void
logproc_reopen(void)
{
}

int
trace_begin(int fd, const struct proto_trace *what, char **text, size_t *len)
{
	(void)what;
	(void)text;
	(void)len;
	close(fd);
	errno = EBUSY;
	return -1;
}

void
level_set(int level)
{
	if (level < LOG_ERR || level > LOG_DEBUG)
		abort();
}

void
life_stop(bool now)
{
	(void)now;
}

/* What a former image may leave: a line without its end. */
static size_t
left(int fd, const char *text, size_t n)
{
	char line[64 + LINE];

	if (n > LINE - 1)
		n = LINE - 1;
	if (memchr(text, '\0', n) != NULL || memchr(text, '\n', n) != NULL)
		n = 0;
	snprintf(line, sizeof(line), "guest %d 0 %.*s", fd, (int)n, text);
	if (!control_take(line))
		abort();
	return n;
}

static void
say(int fd, const char *text, size_t n)
{
	if (send(fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 &&
	    n != 0 && errno != EPIPE)
		abort();
	ev_turn(0);
}

/* What it says until it closes. */
static size_t
answer(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int i;

	for (i = 0; i < TURNS; i++) {
		ev_turn(0);
		n = recv(fd, buf + len, size - 1 - len, MSG_DONTWAIT);
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			break;
		if (n == -1 && errno != EAGAIN)
			abort();
		len += n == -1 ? 0 : (size_t)n;
	}
	if (i == TURNS)
		abort();
	buf[len] = '\0';
	return len;
}

static bool
has_end(const char *text, size_t n)
{
	const char *end = memchr(text, '\n', MIN(n, LINE));

	return end != NULL && memchr(text, '\0', (size_t)(end - text)) == NULL;
}

/* The first two bytes say how much is there already, and how much comes next.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	const char *text = (const char *)data + 2, *err;
	char buf[4096];
	size_t n, first, len;
	int sv[2];

	if (size < 2 || (size -= 2) > 2 * LINE)
		return 0;
	if (!ready && ev_init(&err) == -1)
		abort();
	if (!ready) {
		log_set_level(LOG_ERR);
		request_begin();
	}
	ready = true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == -1)
		abort();
	n = left(sv[0], text, MIN(data[0], size));
	first = MIN(data[1], size - n);
	say(sv[1], text + n, first);
	say(sv[1], text + n + first, size - n - first);
	shutdown(sv[1], SHUT_WR);
	len = answer(sv[1], buf, sizeof(buf));
	if ((len != 0) != has_end(text, size))
		abort();
	if (len != 0 && strncmp(buf, "ok\n", 3) != 0 &&
	    (strncmp(buf, "error: ", 7) != 0 || buf[len - 1] != '\n'))
		abort();
	close(sv[1]);
	return 0;
}
