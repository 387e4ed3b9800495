#include <sys/epoll.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "wire.h"

struct wire {
	SSL		*ssl;
	bool		 known;		/* whether it was resumed */
};

static int	 session_new(SSL *, SSL_SESSION *);
static ssize_t	 result(struct wire *, int, size_t);

static SSL_CTX		*ctx;
static SSL_SESSION	*newest;
static bool		 resuming;
static unsigned long long resumed;

void
wire_setup(int minor)
{
	const int version = minor == 2 ? TLS1_2_VERSION : TLS1_3_VERSION;

	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, version) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM+AES128") != 1)
		errx(1, "OpenSSL refuses what is to be offered");
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, session_new);
}

static int
session_new(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(newest);
	newest = session;
	return 1;
}

void
wire_resume(void)
{
	if (newest == NULL)
		errx(1, "there is no session to resume");
	/* Else OpenSSL takes care that none is resumed twice. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	resuming = true;
	resumed = 0;
}

unsigned long long
wire_resumed(void)
{
	return resumed;
}

struct wire *
wire_new(int fd)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->ssl = SSL_new(ctx)) == NULL ||
	    SSL_set_fd(w->ssl, fd) != 1)
		errx(1, "no memory for TLS");
	if (resuming)
		SSL_set_session(w->ssl, newest);
	SSL_set_connect_state(w->ssl);
	return w;
}

void
wire_end(struct wire *w)
{
	SSL_shutdown(w->ssl);
	ERR_clear_error();
	SSL_free(w->ssl);
	free(w);
}

ssize_t
wire_write(struct wire *w, const void *buf, size_t len)
{
	size_t n = 0;
	int r = SSL_write_ex(w->ssl, buf, len, &n);

	if (r == 1 && !w->known) {
		w->known = true;
		resumed += (unsigned)SSL_session_reused(w->ssl);
	}
	return result(w, r, n);
}

ssize_t
wire_read(struct wire *w, void *buf, size_t len)
{
	size_t n = 0;
	int r = SSL_read_ex(w->ssl, buf, len, &n);

	return result(w, r, n);
}

static ssize_t
result(struct wire *w, int r, size_t n)
{
	if (r == 1)
		return (ssize_t)n;
	switch (SSL_get_error(w->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errx(1, "TLS: %s",
		    ERR_reason_error_string(ERR_peek_error()));
	}
}

uint32_t
wire_wants(struct wire *w)
{
	return SSL_want_read(w->ssl) ? EPOLLIN : EPOLLIN | EPOLLOUT;
}
