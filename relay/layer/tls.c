#include "compat.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "end.h"
#include "layer/ktls.h"
#include "layer/tls.h"
#include "layer/tls_count.h"
#include "layer/tls_out.h"

#define READ_BUFFER	(66 * 1024)	/* taken from the socket at once: four
					   records and a bit */
#define RECORD		(16 * 1024)	/* of what is written, at most */
#define IDLE_RECORDS	32		/* that bring no data, in a row */

static int	 bio_read(BIO *, char *, int);
static int	 bio_write(BIO *, const char *, int);
static long	 bio_ctrl(BIO *, int, long, void *);
static BIO	*bio_new(struct tls *);
static ssize_t	 tls_read(struct end *, struct layer *, void *, size_t);
static int	 tls_read_failed(struct tls *, unsigned *);
static bool	 tls_is_dry(const struct tls *);
static ssize_t	 tls_write(struct end *, struct layer *, const void *,
		    size_t);
static void	 tls_write_failed(struct tls *);
static void	 tls_wait_piece(struct tls *);
static int	 tls_raw(struct end *, struct layer *);
static void	 tls_shut(struct end *, struct layer *);
static void	 tls_notify(struct tls *);
static int	 tls_ready(struct end *, struct layer *, int);
static int	 tls_ready_out(struct tls *, int);
static size_t	 tls_held(const struct layer *);
static size_t	 tls_own(const struct layer *);
static bool	 tls_unread(const struct layer *);
static void	 tls_close(struct end *, struct layer *, bool);
static const char *tls_reason(const struct tls *);

static const struct transport tls_transport = { tls_read, tls_write, tls_raw,
	tls_shut, tls_ready, tls_held, tls_own, tls_unread, tls_close };

/* --- between OpenSSL and the socket --- */

static BIO *
bio_new(struct tls *t)
{
	static BIO_METHOD *m;
	BIO *bio;

	if (m == NULL && (m = BIO_meth_new(BIO_get_new_index() |
	    BIO_TYPE_SOURCE_SINK, "end")) != NULL) {
		BIO_meth_set_read(m, bio_read);
		BIO_meth_set_write(m, bio_write);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	if (m == NULL || (bio = BIO_new(m)) == NULL)
		return NULL;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	return bio;
}

static int
bio_read(BIO *bio, char *buf, int len)
{
	struct tls *t = BIO_get_data(bio);
	ssize_t n = -1;

	BIO_clear_retry_flags(bio);
	errno = t->rerror != 0 ? t->rerror : EAGAIN;
	if (!t->dry && t->rerror == 0)
		n = recv(t->end->io.fd, buf, (size_t)len, 0);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		t->rerror = errno;
		return -1;
	}
	t->eof = n == 0;
	if (n == -1 ? errno == EAGAIN : n < len && !t->hup)
		t->dry = true;
	if (n == -1) {
		t->blocked = t->dry;
		BIO_set_retry_read(bio);
	}
	return (int)n;
}

static int
bio_write(BIO *bio, const char *buf, int len)
{
	BIO_clear_retry_flags(bio);
	tls_out_write(BIO_get_data(bio), buf, (size_t)len);
	return len;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct tls *t = BIO_get_data(bio);

	switch (cmd) {
	case BIO_CTRL_EOF:
		return t->eof;
	case BIO_CTRL_FLUSH:
		return 1;
	case KTLS_CTRL_BEGIN:
		return tls_out_encrypt(t, num != 0, ptr);
	case KTLS_CTRL_SENDS:
		return t->ktls != NULL;
	case KTLS_CTRL_TYPE:
	case KTLS_CTRL_NO_TYPE:
		if (t->ktls != NULL)
			t->ktls->type = (uint8_t)num;
		return 0;
	default:
		return 0;
	}
}

/* --- the layer --- */

struct tls *
tls_put(struct end *e, struct ssl_st *ssl)
{
	struct tls *t = calloc(1, sizeof(*t));
	BIO *bio = t == NULL ? NULL : bio_new(t);

	if (bio == NULL) {
		free(t);
		return NULL;
	}
	t->end = e;
	t->ssl = ssl;
	t->hup = e->hup;
	t->dry = !e->readable;
	SSL_set_bio(ssl, bio, bio);
	SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* Who sends nothing but records without data is to be met here. */
	SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
	SSL_set_read_ahead(ssl, 1);
	layer_put(e, &t->layer, &tls_transport);
	return t;
}

struct tls *
tls_of(const struct end *e)
{
	struct layer *l = layer_of(e);

	return l == NULL ? NULL : container_of(l, struct tls, layer);
}

enum tls_shake
tls_shake(struct tls *t, const char **why)
{
	int r, error;

	t->cork = true;
	r = SSL_do_handshake(t->ssl);
	t->cork = false;
	tls_out_uncork(t);
	if (r == 1) {
		t->done = true;
		SSL_set_default_read_buffer_len(t->ssl, READ_BUFFER);
		return TLS_DONE;
	}
	error = SSL_get_error(t->ssl, r);
	if (error == SSL_ERROR_WANT_READ && t->werror == 0) {
		if (t->dry)
			ev_io_again(&t->end->io, IO_READ);
		return TLS_WAITS;
	}
	*why = tls_reason(t);
	t->failure = tls_count_why();
	ERR_clear_error();
	return TLS_FAILED;
}

/* In OpenSSL's words, which are its own and not the peer's. */
static const char *
tls_reason(const struct tls *t)
{
	const long verdict = SSL_get_verify_result(t->ssl);
	const unsigned long error = ERR_peek_error();
	const char *text = NULL;

	if (t->rerror != 0 || t->werror != 0)
		return strerror(t->rerror != 0 ? t->rerror : t->werror);
	if (t->eof)
		return "the other side has closed the connection";
	if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		text = X509_verify_cert_error_string(verdict);
	else if (ERR_GET_REASON(error) == SSL_R_CALLBACK_FAILED)
		text = "it asks for no name that a certificate has";
	if (text == NULL)
		text = ERR_reason_error_string(error);
	return text == NULL ? "for no known reason" : text;
}

/* Nothing is left of what was read, nor in the socket until an event. */
static bool
tls_is_dry(const struct tls *t)
{
	return t->dry && !SSL_has_pending(t->ssl);
}

/* As many records as fit, so that the far end is written to but once. */
static ssize_t
tls_read(struct end *e, struct layer *l, void *buf, size_t len)
{
	struct tls *t = container_of(l, struct tls, layer);
	unsigned idle = 0;
	size_t n, sum = 0;
	int go_on = 1;

	while (go_on == 1 && sum < len && (sum == 0 || !tls_is_dry(t))) {
		t->blocked = false;
		if (SSL_read_ex(t->ssl, (char *)buf + sum, len - sum,
		    &n) == 1)
			sum += n;
		else
			go_on = tls_read_failed(t, &idle);
	}
	if (sum == 0)
		return go_on;
	/* An end that was met behind them is for the next call: no event may
	 * come any more. */
	if (t->blocked || (go_on == 1 && tls_is_dry(t))) {
		e->readable = false;
		ev_io_again(&e->io, IO_READ);
	}
	return (ssize_t)sum;
}

/* 1: go on. Otherwise as read(2): what is told now is told again by the next
 * call, unless it is that there is nothing for now. */
static int
tls_read_failed(struct tls *t, unsigned *idle)
{
	const int error = SSL_get_error(t->ssl, 0);

	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (error == SSL_ERROR_WANT_READ) {
		errno = t->blocked ? EAGAIN : EINTR;
		return !t->blocked && ++*idle < IDLE_RECORDS ? 1 : -1;
	}
	ERR_clear_error();
	/* The error of a socket is told once: a write that met it leaves an
	 * end of the file for the read. */
	if (t->rerror == 0)
		t->rerror = t->eof && t->werror != 0 ? t->werror : EPROTO;
	errno = t->rerror;
	return -1;
}

static ssize_t
tls_write(struct end *e, struct layer *l, const void *buf, size_t len)
{
	struct tls *t = container_of(l, struct tls, layer);
	size_t n, sum = 0;
	int r = 1;

	(void)e;
	t->partial = false;
	if (t->ktls != NULL)
		return tls_out_plain(t, buf, len);
	if (!tls_out_flush(t)) {
		errno = EAGAIN;
		return -1;
	}
	t->cork = len > RECORD;
	t->data = true;
	while (sum < len && t->out == NULL && t->werror == 0 &&
	    (r = SSL_write_ex(t->ssl, (const char *)buf + sum, len - sum,
	    &n)) == 1)
		sum += n;
	t->cork = t->data = false;
	tls_out_uncork(t);
	if (r != 1)
		tls_write_failed(t);
	if (sum > 0)
		return (ssize_t)sum;
	errno = t->partial ? EAGAIN : t->werror;
	return -1;
}

static void
tls_write_failed(struct tls *t)
{
	const int error = SSL_get_error(t->ssl, 0);

	ERR_clear_error();
	if (t->werror == 0 && error == SSL_ERROR_WANT_READ)
		tls_wait_piece(t);
	else if (t->werror == 0)
		tls_out_failed(t, EPROTO);
}

/* A message of the handshake may come in several records (RFC 8446, 5.1):
 * until it is whole OpenSSL writes nothing, and goes on when there is more to
 * read. */
static void
tls_wait_piece(struct tls *t)
{
	t->partial = true;
	ev_io_again(&t->end->io, IO_READ);
}

static int
tls_raw(struct end *e, struct layer *l)
{
	(void)e;
	return tls_out_raw(container_of(l, struct tls, layer));
}

static void
tls_shut(struct end *e, struct layer *l)
{
	struct tls *t = container_of(l, struct tls, layer);

	(void)e;
	t->shut = true;
	tls_notify(t);
}

static void
tls_notify(struct tls *t)
{
	int r = 1;

	t->partial = false;
	if (t->done && SSL_in_init(t->ssl))
		r = SSL_do_handshake(t->ssl);
	if (r != 1 && SSL_get_error(t->ssl, r) == SSL_ERROR_WANT_READ)
		tls_wait_piece(t);
	else
		SSL_shutdown(t->ssl);
	ERR_clear_error();
	if (!t->partial && t->out == NULL)
		tls_out_fin(t);
}

static int
tls_ready(struct end *e, struct layer *l, int what)
{
	struct tls *t = container_of(l, struct tls, layer);

	(void)e;
	if (what & IO_READ)
		t->dry = false;
	if (what & IO_EOF)
		t->hup = true;
	if ((what & IO_WRITE) && t->out != NULL)
		what = tls_ready_out(t, what);
	if (!t->partial)
		return what;
	if ((what & ~IO_WRITE) == 0)
		return 0;
	if (t->shut)
		tls_notify(t);
	return what | IO_WRITE;
}

static int
tls_ready_out(struct tls *t, int what)
{
	if (!tls_out_flush(t))
		return what & ~IO_WRITE;
	/* Nobody may have more to write, and meet it. */
	if (t->werror != 0)
		return what | IO_ERROR;
	if (t->shut && !t->partial)
		tls_out_fin(t);
	return what;
}

static size_t
tls_held(const struct layer *l)
{
	const struct tls *t = container_of(l, const struct tls, layer);
	const bool looks = t->ktls != NULL && ev_timer_on(&t->ktls->look);

	return queue_len(t->out) + looks;
}

static size_t
tls_own(const struct layer *l)
{
	return container_of(l, const struct tls, layer)->own;
}

/* What comes behind a close_notify is nobody's. */
static bool
tls_unread(const struct layer *l)
{
	const struct tls *t = container_of(l, const struct tls, layer);

	return SSL_has_pending(t->ssl) &&
	    !(SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN);
}

static void
tls_close(struct end *e, struct layer *l, bool reset)
{
	struct tls *t = container_of(l, struct tls, layer);

	if (!reset && t->done && !t->shut && e->io.fd != -1)
		tls_shut(e, l);
	if (!t->done && !e->remote)
		tls_count_failed(sess_of(e), t);
	SSL_free(t->ssl);
	ERR_clear_error();
	turn_cancel(&t->turn);
	if (t->ktls != NULL)
		ev_timer_stop(&t->ktls->look);
	free(t->ktls);
	queue_free(&t->out);
	free(t);
}
