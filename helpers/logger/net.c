#include "compat.h"

#include "logger.h"
#include "sockopt.h"

static void	 tell_lost(struct target *);
static void	 add_message(struct target *, const struct line *);
static size_t	 message(const char *, size_t, const char **);
static ssize_t	 net_send(const struct target *, const char *, size_t);
static bool	 is_closed(const struct target *);
static void	 net_lost(struct target *);
static bool	 send_packet(struct target *, const char *, size_t);
static size_t	 write_packets(struct target *);
static size_t	 write_stream(struct target *);

/*
 * Messages wait as RFC 6587, 3.4.1 has them: behind their length and a blank,
 * as they go into a stream; for a packet each, that is taken off. What a new
 * connection gets begins with a whole one.
 */
void
net_add(struct target *t, const struct line *l)
{
	if (sizeof(t->buf) - t->len >= 2 * TARGET_LINE)
		tell_lost(t);
	add_message(t, l);
}

static void
tell_lost(struct target *t)
{
	char buf[TARGET_LINE];
	struct line line = { buf, 0, sizeof(buf) };

	if (t->lost == 0)
		return;
	lines_lost(t, &line);
	t->lost = 0;
	add_message(t, &line);
}

static void
add_message(struct target *t, const struct line *l)
{
	struct line all = { t->buf, t->len, sizeof(t->buf) };

	if (sizeof(t->buf) - t->len < l->len + 8) {
		t->lost++;
		return;
	}
	line_number(&all, l->len);
	line_byte(&all, ' ');
	line_bytes(&all, l->text, l->len);
	t->len = all.len;
	t->waiting++;
}

/* The length of the first one with all that is in front of it, which begins
 * at *start. */
static size_t
message(const char *text, size_t n, const char **start)
{
	size_t len = 0;
	const char *p = text;

	for (; *p != ' '; p++)
		len = len * 10 + (size_t)(*p - '0');
	*start = p + 1;
	return MIN((size_t)(p + 1 - text) + len, n);
}

/* A unix socket may be of either type. */
void
net_take(struct target *t)
{
	int type;

	t->part = 0;
	if (t->kind != TARGET_JOURNALD &&
	    sockopt_get(t->fd, SOL_SOCKET, SO_TYPE, &type) == 0)
		t->kind = type == SOCK_STREAM ? TARGET_STREAM : TARGET_DGRAM;
}

static ssize_t
net_send(const struct target *t, const char *text, size_t n)
{
	return send(t->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What is sent to one that has gone would be lost without a word. If it has,
 * errno is why, or 0. */
static bool
is_closed(const struct target *t)
{
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	errno = 0;
	n = recvmsg(t->fd, &msg, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n == -1 && errno != EAGAIN && errno != ENOTCONN);
}

/* Another is asked for, and what waits, waits. */
static void
net_lost(struct target *t)
{
	const int error = errno;

	close(t->fd);
	t->fd = -1;
	t->part = 0;
	if (t->failed)
		return;
	t->failed = true;
	lines_say("warning: log to %s: %s; lines wait for it, as many as there "
	    "is room for", t->to, error == 0 ? "closed" : strerror(error));
}

void
net_write(struct target *t)
{
	size_t done;

	if (t->fd == -1)
		return;
	if (t->kind == TARGET_STREAM && is_closed(t)) {
		net_lost(t);
		return;
	}
	done = t->kind == TARGET_STREAM ? write_stream(t) : write_packets(t);
	t->len -= done;
	memmove(t->buf, t->buf + done, t->len);
	/* Though nobody says anything more. */
	if (t->len == 0 && t->kind == TARGET_STREAM)
		tell_lost(t);
}

static size_t
write_packets(struct target *t)
{
	const char *start;
	size_t done = 0, len;

	while (done < t->len) {
		len = message(t->buf + done, t->len - done, &start);
		if (!send_packet(t, start,
		    (size_t)(t->buf + done + len - start)))
			break;
		done += len;
		t->waiting--;
	}
	return done;
}

/* Whether it is done with. That a packet before this one was refused is told
 * with this one. */
static bool
send_packet(struct target *t, const char *text, size_t n)
{
	if (net_send(t, text, n) != -1) {
		t->failed = false;
		return true;
	}
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
		return false;
	case EMSGSIZE:
		t->lost++;
		return true;
	default:
		t->lost += errno == ECONNREFUSED &&
		    strncmp(t->to, "udp", 3) == 0;
		net_lost(t);
		return false;
	}
}

static size_t
write_stream(struct target *t)
{
	const char *start;
	size_t done = 0, len;
	ssize_t n;

	n = net_send(t, t->buf + t->part, t->len - t->part);
	if (n == -1) {
		if (errno != EAGAIN && errno != ENOTCONN)
			net_lost(t);
		return 0;
	}
	t->failed = false;
	t->part += (size_t)n;
	while (done < t->len) {
		len = message(t->buf + done, t->len - done, &start);
		if (t->part < len)
			break;
		t->part -= len;
		done += len;
		t->waiting--;
	}
	return done;
}
