#include "compat.h"

#include <openssl/ssl.h>

#include "end.h"
#include "layer/ktls.h"
#include "layer/tls.h"
#include "layer/tls_out.h"
#include "unsent.h"

#define CORK		(68 * 1024)	/* records of one write */
#define OUT_MAX		(256 * 1024)	/* kept for one who reads nothing and
					   has us answer all the time */
#define HANDSHAKE	22	/* RFC 8446, B.1: the type of a record, */
#define KEY_UPDATE	24	/* B.3: and of a message in it */
#define LOOK		10	/* ms between looks at what was sent */

static void	 out_send(struct tls *, const char *, size_t);
static void	 out_keep(struct tls *, const char *, size_t);
static void	 kernel_write(struct tls *, const char *, size_t);
static uint32_t	 kernel_adds(const struct tls *);
static void	 kernel_look(struct ev_timer *);

/* The records of a large write, or of a flight of the handshake with the
 * tickets behind it, which go to the socket at once. */
static char	 corked[CORK];
static size_t	 ncorked;

void
tls_out_write(struct tls *t, const char *buf, size_t len)
{
	if (t->ktls != NULL) {
		kernel_write(t, buf, len);
		return;
	}
	t->own = t->data ? 0 : t->own + (uint32_t)len;
	if (t->cork && len <= sizeof(corked) - ncorked) {
		memcpy(corked + ncorked, buf, len);
		ncorked += len;
		return;
	}
	tls_out_uncork(t);
	out_send(t, buf, len);
}

static void
out_send(struct tls *t, const char *buf, size_t len)
{
	struct end *e = t->end;
	ssize_t n = -1;

	if (t->werror != 0)
		return;
	errno = EAGAIN;
	if (t->out == NULL)
		n = send(e->io.fd, buf, len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		tls_out_failed(t, errno);
	else if (n < (ssize_t)len)
		out_keep(t, buf + MAX(n, 0), len - (size_t)MAX(n, 0));
}

static void
out_keep(struct tls *t, const char *buf, size_t len)
{
	if (queue_len(t->out) + len > OUT_MAX)
		tls_out_failed(t, EPROTO);
	else if (queue_add(&t->out, buf, len) == -1)
		tls_out_failed(t, ENOMEM);
	if (t->werror != 0)
		return;
	t->end->writable = false;
	ev_io_again(&t->end->io, IO_WRITE);
}

void
tls_out_uncork(struct tls *t)
{
	const size_t n = ncorked;

	ncorked = 0;
	if (n != 0)
		out_send(t, corked, n);
}

/* What the socket had received before is still to
 * be read, whether an event tells of it or not; who writes is to meet it. */
void
tls_out_failed(struct tls *t, int error)
{
	t->werror = error;
	t->end->writable = true;
	t->dry = false;
	queue_free(&t->out);
}

bool
tls_out_flush(struct tls *t)
{
	struct iovec iov[QUEUE_IOV];
	ssize_t n;
	int places;

	while (t->out != NULL) {
		places = queue_look(t->out, iov);
		n = t->ktls == NULL ? writev(t->end->io.fd, iov, places) :
		    ktls_send_kept(t->ktls, t->end->io.fd, iov, places);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			t->end->writable = false;
			ev_io_again(&t->end->io, IO_WRITE);
			return false;
		}
		if (n == -1)
			tls_out_failed(t, errno);
		else
			queue_taken(&t->out, (size_t)n);
	}
	return true;
}

/* --- a kernel that encrypts --- */

/* What was written before goes as it is: none of it may be left. */
bool
tls_out_encrypt(struct tls *t, bool writing, const void *info)
{
	if (!writing)
		return false;
	tls_out_uncork(t);
	if (t->out != NULL || t->werror != 0)
		return false;
	if ((t->ktls = ktls_begin(t->end->io.fd, info)) == NULL)
		return false;
	t->ktls->tls = t;
	ev_timer_init(&t->ktls->look, kernel_look);
	return true;
}

/* A record that is no data. */
static void
kernel_write(struct tls *t, const char *buf, size_t len)
{
	const uint8_t type = t->ktls->type;
	ssize_t n = -1;

	t->own += (uint32_t)len + kernel_adds(t);
	if (t->werror != 0)
		return;
	/* Behind it OpenSSL would write by keys that the kernel has not. */
	if (type == HANDSHAKE && len > 0 && *buf == KEY_UPDATE) {
		tls_out_failed(t, EPROTO);
		return;
	}
	errno = EAGAIN;
	if (t->out == NULL)
		n = ktls_send(t->end->io.fd, type, buf, len);
	if (n == (ssize_t)len)
		return;
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		tls_out_failed(t, errno);
	else if (ktls_keep(t->ktls, type, len - (size_t)MAX(n, 0)) == -1)
		tls_out_failed(t, EPROTO);
	else
		out_keep(t, buf + MAX(n, 0), len - (size_t)MAX(n, 0));
}

/* To each record: a header, a tag, and what is before or behind the data. */
static uint32_t
kernel_adds(const struct tls *t)
{
	return SSL_version(t->ssl) == TLS1_3_VERSION ? 5 + 16 + 1 : 5 + 16 + 8;
}

int
tls_out_raw(struct tls *t)
{
	if (t->ktls == NULL)
		errno = EINVAL;
	else if (!tls_out_flush(t))
		errno = EAGAIN;
	/* An answer that has to come before more data, RFC 8446, 4.6.3. */
	else if (t->werror == 0 &&
	    SSL_get_key_update_type(t->ssl) != SSL_KEY_UPDATE_NONE)
		tls_out_failed(t, errno = EPROTO);
	else if (t->werror != 0)
		errno = t->werror;
	else {
		t->own = 0;
		return 0;
	}
	return -1;
}

ssize_t
tls_out_plain(struct tls *t, const void *buf, size_t len)
{
	ssize_t n;

	if (tls_out_raw(t) == -1)
		return -1;
	n = send(t->end->io.fd, buf, len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		tls_out_failed(t, errno);
		errno = t->werror;
	}
	return n;
}

void
tls_out_fin(struct tls *t)
{
	if (t->ktls == NULL)
		shutdown(t->end->io.fd, SHUT_WR);
	else
		ev_timer_set(&t->ktls->look, LOOK);
}

/* A kernel that encrypts has taken what TCP has not yet, and forgets it at a
 * shutdown or a close: these wait until TCP has nothing left to send. It may be
 * about to get more, so it has to be twice. */
static void
kernel_look(struct ev_timer *timer)
{
	struct ktls *k = container_of(timer, struct ktls, look);
	struct tls *t = k->tls;
	bool empty;

	if (t->end->io.fd == -1)
		return;
	empty = unsent(t->end->io.fd, false) == 0;
	if (!empty || !k->empty) {
		k->empty = empty;
		ev_timer_set(timer, LOOK);
		return;
	}
	shutdown(t->end->io.fd, SHUT_WR);
	t->layer.up(&t->end->io, IO_WRITE);
}
