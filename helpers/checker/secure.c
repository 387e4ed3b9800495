#include "compat.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <stdarg.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "secret.h"
#include "secure.h"
#include "tls/context.h"
#include "tls/take.h"

struct secure {
	const struct conf	*conf;
	SSL_CTX			**of;	/* one a section, or NULL */
	SSL_CTX			*open;	/* of who has none, or NULL */
	struct tls_shown	 shown;	/* while secrets are read */
};

static int	 make_all(struct secure *);
static int	 make_of(struct secure *, unsigned);
static int	 take_all(struct secure *, int);
static int	 take_each(struct secure *, const void *, size_t);
static int	 take(struct secure *, const struct secret *);
static int	 take_ca(struct secure *, const struct secret *);
static int	 failed(const char *, ...) printf_like(1, 2);
static ssize_t	 done(SSL *, int);
static const char *reason(SSL *);

static char	 error[256];

void
secure_start(void)
{
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
}

struct secure *
secure_new(const struct conf *conf, int fd, const char **errp)
{
	struct secure *s = calloc(1, sizeof(*s));

	*errp = error;
	if (s == NULL || (s->of = calloc(conf->ntlss + 1,
	    sizeof(*s->of))) == NULL) {
		failed("there is no memory for TLS");
		free(s);
		return NULL;
	}
	s->conf = conf;
	if (make_all(s) == -1 || (fd != -1 && take_all(s, fd) == -1))
		secure_free(&s);
	return s;
}

void
secure_free(struct secure **sp)
{
	struct secure *s = *sp;
	unsigned i;

	*sp = NULL;
	if (s == NULL)
		return;
	for (i = 0; i < s->conf->ntlss; i++)
		SSL_CTX_free(s->of[i]);
	SSL_CTX_free(s->open);
	free(s->of);
	free(s);
}

/* --- contexts --- */

static int
make_all(struct secure *s)
{
	const struct conf_relay *r = s->conf->relays;
	const struct conf_remote *remote;
	unsigned i, k;

	for (i = 0; i < s->conf->nrelays; i++, r++)
		for (k = 0; k < r->nremotes; k++) {
			remote = &r->remotes[k];
			if (remote->nchecks > 0 &&
			    remote->checks->type == CONF_PROBE_TLS &&
			    make_of(s, remote->tls) == -1)
				return -1;
		}
	return 0;
}

static int
make_of(struct secure *s, unsigned section)
{
	const struct conf_tls *t;
	unsigned char *alpn;
	struct tls_wrong w;
	unsigned len;
	SSL_CTX *ctx;

	if (section == CONF_NOREF) {
		if (s->open == NULL &&
		    (s->open = SSL_CTX_new(TLS_client_method())) == NULL)
			return failed("there is no memory for TLS");
		return 0;
	}
	if (s->of[section] != NULL)
		return 0;
	t = &s->conf->tlss[section];
	if ((ctx = s->of[section] = tls_context(t, false, &w)) == NULL)
		return failed("tls %s: %s %s", t->name, w.option, w.text);
	if (t->verify)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (t->nalpn == 0)
		return 0;
	if (tls_alpn_list(t, &alpn, &len) == -1)
		return failed("there is no memory for TLS");
	len = (unsigned)SSL_CTX_set_alpn_protos(ctx, alpn, len);
	free(alpn);
	return len == 0 ? 0 : failed("there is no memory for TLS");
}

static int
take_all(struct secure *s, int fd)
{
	struct stat st;
	void *bytes;
	int r;

	if (fstat(fd, &st) == -1 || st.st_size <= 0 || st.st_size > SECRET_MAX)
		return failed("the secrets of the master are not there");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return failed("secrets: %s", strerror(errno));
	r = take_each(s, bytes, (size_t)st.st_size);
	munmap(bytes, (size_t)st.st_size);
	return r == 0 ? 0 : failed("the secrets of the master are damaged");
}

static int
take_each(struct secure *s, const void *bytes, size_t len)
{
	struct secrets all;
	struct secret one;
	int more;

	if (secret_open(&all, bytes, len) == -1)
		return -1;
	while ((more = secret_next(&all, &one)) == 1)
		if (take(s, &one) == -1)
			return -1;
	return more;
}

static int
take(struct secure *s, const struct secret *one)
{
	SSL_CTX *ctx;

	if (one->kind == SECRET_CA)
		return take_ca(s, one);
	if (one->section >= s->conf->ntlss)
		return -1;
	ctx = s->of[one->section];
	return ctx == NULL || (one->kind != SECRET_CERT &&
	    one->kind != SECRET_KEY) ? 0 :
	    tls_take_shown(ctx, one, &s->shown);
}

static int
take_ca(struct secure *s, const struct secret *one)
{
	X509 *ca = tls_cert(one);
	bool good = ca != NULL;
	unsigned i;

	for (i = 0; good && i < s->conf->ntlss; i++)
		good = s->of[i] == NULL || tls_trust(s->of[i], ca, one,
		    &s->conf->tlss[i], i) == 0;
	X509_free(ca);
	return good ? 0 : -1;
}

static int
failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, sizeof(error), fmt, ap);
	va_end(ap);
	return -1;
}

/* --- a probe --- */

const char *
secure_name(const struct secure *s, const struct conf_remote *r)
{
	return r->tls == CONF_NOREF ? NULL : s->conf->tlss[r->tls].name;
}

SSL *
secure_connect(struct secure *s, const struct conf_remote *r, int fd)
{
	const bool has = r->tls != CONF_NOREF;
	SSL *ssl = SSL_new(has ? s->of[r->tls] : s->open);

	ERR_clear_error();
	if (ssl == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	if (SSL_set_fd(ssl, fd) == 1 && tls_aim(ssl, has ?
	    &s->conf->tlss[r->tls] : NULL, r->address) == 0)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

int
secure_shake(SSL *ssl, const char **why)
{
	int r;

	ERR_clear_error();
	errno = 0;
	if ((r = SSL_do_handshake(ssl)) == 1)
		return 1;
	r = SSL_get_error(ssl, r);
	if (r == SSL_ERROR_WANT_READ || r == SSL_ERROR_WANT_WRITE)
		return 0;
	*why = reason(ssl);
	return -1;
}

static const char *
reason(SSL *ssl)
{
	const long verified = SSL_get_verify_result(ssl);

	if (verified != X509_V_OK &&
	    SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
		return X509_verify_cert_error_string(verified);
	if (ERR_peek_last_error() == 0)
		return errno == 0 ? "it closes the connection" :
		    strerror(errno);
	return tls_error();
}

ssize_t
secure_read(SSL *ssl, void *buf, size_t len)
{
	ERR_clear_error();
	errno = 0;
	return done(ssl, SSL_read(ssl, buf, (int)len));
}

ssize_t
secure_write(SSL *ssl, const void *buf, size_t len)
{
	ERR_clear_error();
	errno = 0;
	return done(ssl, SSL_write(ssl, buf, (int)len));
}

static ssize_t
done(SSL *ssl, int r)
{
	if (r > 0)
		return r;
	switch (SSL_get_error(ssl, r)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_SYSCALL:
		if (errno == 0)
			errno = ECONNRESET;
		return -1;
	default:
		errno = EPROTO;
		return -1;
	}
}

void
secure_end(SSL **ssl)
{
	if (*ssl == NULL)
		return;
	ERR_clear_error();
	if (SSL_is_init_finished(*ssl))
		SSL_shutdown(*ssl);
	SSL_free(*ssl);
	*ssl = NULL;
}
