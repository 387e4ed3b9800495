#include "compat.h"

#include <netinet/tcp.h>

#include <stdarg.h>

#include "attempt.h"
#include "proxy.h"
#include "sockopt.h"

/* In this order; what is not asked for is passed over. */
enum { STEP_IDLE, STEP_CONNECT, STEP_HEADER, STEP_SHAKE, STEP_HEADER_TLS,
	STEP_SAY, STEP_HEAR, STEP_OVER };

static int	 attempt_connect(struct attempt *);
static void	 attempt_event(struct ev_io *, int);
static void	 attempt_late(struct ev_timer *);
static void	 attempt_go_on(struct attempt *);
static bool	 attempt_step(struct attempt *);
static bool	 step_connected(struct attempt *);
static bool	 met_itself(const struct attempt *);
static bool	 step_header(struct attempt *, bool);
static bool	 step_shake(struct attempt *);
static bool	 step_say(struct attempt *);
static bool	 step_hear(struct attempt *);
static bool	 hear_judge(struct attempt *, bool);
static ssize_t	 put(struct attempt *, const void *, size_t);
static ssize_t	 get(struct attempt *, void *, size_t);
static bool	 waits(struct attempt *, int);
static bool	 lacks(int);
static void	 over(struct attempt *, enum result, const char *, ...)
		    printf_like(3, 4);
static void	 over_tell(struct ev_task *);
static void	 attempt_close(struct attempt *);

void
attempt_init(struct attempt *a, void (*done)(struct attempt *, enum result,
    const char *))
{
	memset(a, 0, sizeof(*a));
	a->io.fd = -1;
	a->done = done;
	ev_timer_init(&a->limit, attempt_late);
}

void
attempt_start(struct attempt *a, const struct aim *aim)
{
	a->aim = *aim;
	a->step = STEP_CONNECT;
	a->sent = a->got = 0;
	ev_timer_set(&a->limit, aim->conf->timeout);
	if (attempt_connect(a) == -1)
		over(a, lacks(errno) ? RESULT_NONE : RESULT_BAD, "%s",
		    strerror(errno));
}

void
attempt_stop(struct attempt *a)
{
	ev_undefer(&a->over);
	attempt_close(a);
	a->step = STEP_IDLE;
}

static int
attempt_connect(struct attempt *a)
{
	const struct addr *to = &a->aim.to;
	const int on = 1;
	int fd, saved;

	fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (to->sa.sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((a->aim.local == NULL || sockopt_bind(fd, a->aim.local) == 0) &&
	    (connect(fd, &to->sa, to->len) == 0 || errno == EINPROGRESS ||
	    errno == EINTR) &&
	    ev_io_add(&a->io, fd, IO_READ | IO_WRITE, attempt_event) == 0)
		return 0;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void
attempt_event(struct ev_io *io, int what)
{
	struct attempt *a = container_of(io, struct attempt, io);
	int error;

	if (a->step == STEP_OVER)
		return;
	if (a->step == STEP_CONNECT) {
		error = sockopt_error(io->fd);
		if (error != 0) {
			over(a, lacks(error) ? RESULT_NONE : RESULT_BAD, "%s",
			    strerror(error));
			return;
		}
		if (!(what & IO_WRITE))
			return;
	}
	attempt_go_on(a);
}

static void
attempt_late(struct ev_timer *t)
{
	struct attempt *a = container_of(t, struct attempt, limit);
	static const char *const lacking[] = {
		[STEP_CONNECT] = "no connection",
		[STEP_SHAKE] = "no end of the TLS handshake",
		[STEP_SAY] = "it does not read",
		[STEP_HEAR] = "no answer"
	};
	const char *what = a->step < (int)nitems_of(lacking) ?
	    lacking[a->step] : NULL;
	char time[CONF_UNITLEN];

	over(a, RESULT_BAD, "%s in %s", what == NULL ? "no end" : what,
	    conf_duration_str(a->aim.conf->timeout, time));
}

static void
attempt_go_on(struct attempt *a)
{
	while (a->step != STEP_OVER && attempt_step(a))
		a->step++;
	if (a->step == STEP_OVER && !ev_deferred(&a->over))
		over(a, RESULT_GOOD, "%s", "");
}

/* True: this step is done. */
static bool
attempt_step(struct attempt *a)
{
	switch (a->step) {
	case STEP_CONNECT:
		return step_connected(a);
	case STEP_HEADER:
		return step_header(a, false);
	case STEP_SHAKE:
		return a->aim.conf->type != CONF_PROBE_TLS || step_shake(a);
	case STEP_HEADER_TLS:
		return a->ssl == NULL || step_header(a, true);
	case STEP_SAY:
		return step_say(a);
	default:
		return !a->aim.script->expects || step_hear(a);
	}
}

static bool
step_connected(struct attempt *a)
{
	if (!met_itself(a))
		return true;
	over(a, RESULT_BAD, "%s", strerror(ECONNREFUSED));
	return false;
}

/* Where nobody listens the kernel may have given us that very port. */
static bool
met_itself(const struct attempt *a)
{
	struct addr own = { .len = sizeof(own.un) };

	return a->aim.to.sa.sa_family != AF_UNIX &&
	    getsockname(a->io.fd, &own.sa, &own.len) == 0 &&
	    addr_cmp(&own, &a->aim.to) == 0;
}

/* That there is nobody for whom it speaks: LOCAL, UNKNOWN. Only where sessions
 * go is one waited for. */
static bool
step_header(struct attempt *a, bool inside)
{
	const struct conf_remote *r = a->aim.remote;
	const struct proxy nobody = { .named = false };
	char buf[PROXY_MAX];
	size_t len;

	if (r->proxy_out == CONF_PROXY_NONE || r->proxy_tls != inside ||
	    a->aim.conf->port != 0)
		return true;
	len = r->proxy_out == CONF_PROXY_V1 ? proxy_put_v1(buf, &nobody) :
	    proxy_put_v2(buf, &nobody, NULL);
	/* It is the first, so there is room. */
	if (put(a, buf, len) == (ssize_t)len)
		return true;
	over(a, RESULT_BAD, "PROXY header: %s", strerror(errno));
	return false;
}

static bool
step_shake(struct attempt *a)
{
	const char *why;
	int r;

	if (a->ssl == NULL && (a->aim.secure == NULL || (a->ssl =
	    secure_connect(a->aim.secure, a->aim.remote, a->io.fd)) == NULL)) {
		over(a, RESULT_NONE, "TLS: %s", strerror(ENOMEM));
		return false;
	}
	if ((r = secure_shake(a->ssl, &why)) == -1)
		over(a, RESULT_BAD, "TLS handshake: %s", why);
	else if (r == 0)
		ev_io_again(&a->io, IO_READ | IO_WRITE);
	return r == 1;
}

static bool
step_say(struct attempt *a)
{
	const struct script *s = a->aim.script;
	ssize_t n;

	while (a->sent < s->len) {
		n = put(a, s->send + a->sent, s->len - a->sent);
		if (n <= 0)
			return waits(a, IO_WRITE);
		a->sent += (size_t)n;
	}
	return true;
}

static bool
step_hear(struct attempt *a)
{
	ssize_t n;

	if (a->answer == NULL &&
	    (a->answer = malloc(DIALOGUE_MAX + 1)) == NULL) {
		over(a, RESULT_NONE, "%s", strerror(ENOMEM));
		return false;
	}
	for (;;) {
		n = get(a, a->answer + a->got, DIALOGUE_MAX - a->got);
		if (n == -1)
			return waits(a, IO_READ);
		a->got += (size_t)n;
		if (hear_judge(a, n == 0))
			return true;
		if (a->step == STEP_OVER)
			return false;
	}
}

/* True: it is as it is to be. */
static bool
hear_judge(struct attempt *a, bool end)
{
	char text[64];

	switch (script_look(a->aim.script, a->answer, a->got, end)) {
	case ANSWER_GOOD:
		return true;
	case ANSWER_MORE:
		return false;
	default:
		break;
	}
	if (a->got == 0)
		over(a, RESULT_BAD, "it closes the connection");
	else {
		snprintf(text, sizeof(text), "%.*s",
		    (int)MIN(a->got, sizeof(text) - 1), a->answer);
		text[strcspn(text, "\r\n")] = '\0';
		over(a, RESULT_BAD, "it answers \"%s\"", text);
	}
	return false;
}

static ssize_t
put(struct attempt *a, const void *bytes, size_t len)
{
	return a->ssl != NULL ? secure_write(a->ssl, bytes, len) :
	    send(a->io.fd, bytes, len, MSG_NOSIGNAL);
}

static ssize_t
get(struct attempt *a, void *bytes, size_t len)
{
	return a->ssl != NULL ? secure_read(a->ssl, bytes, len) :
	    recv(a->io.fd, bytes, len, 0);
}

/* Never true: nothing is done. */
static bool
waits(struct attempt *a, int what)
{
	if (errno == EAGAIN || errno == EINTR)
		ev_io_again(&a->io, what);
	else
		over(a, RESULT_BAD, "%s", strerror(errno));
	return false;
}

static bool
lacks(int error)
{
	return error == EADDRNOTAVAIL || error == EMFILE || error == ENFILE ||
	    error == ENOBUFS || error == ENOMEM;
}

static void
over(struct attempt *a, enum result result, const char *fmt, ...)
{
	va_list ap;

	if (ev_deferred(&a->over))
		return;
	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
	a->result = result;
	a->step = STEP_OVER;
	attempt_close(a);
	ev_defer(&a->over, over_tell);
}

static void
over_tell(struct ev_task *t)
{
	struct attempt *a = container_of(t, struct attempt, over);

	a->step = STEP_IDLE;
	a->done(a, a->result, a->why);
}

static void
attempt_close(struct attempt *a)
{
	ev_timer_stop(&a->limit);
	secure_end(&a->ssl);
	ev_io_close(&a->io);
	free(a->answer);
	a->answer = NULL;
}
