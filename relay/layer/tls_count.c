#include "compat.h"

#include <openssl/err.h>

#include "layer/tls.h"
#include "layer/tls_count.h"
#include "layer/tls_int.h"
#include "path.h"
#include "self.h"
#include "sess.h"

static int	 count_index(void);
static void	 count(const struct sess *, SSL *, enum board_shake);
static enum board_shake count_why(const struct sess *, const struct tls *);

/* Of what a certificate has besides: here its place among the contexts. */
static int
count_index(void)
{
	static int at = -1;

	if (at == -1)
		at = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return at;
}

int
tls_count_mark(struct tls_section *s)
{
	unsigned i;

	for (i = 0; i < s->conf->ncerts; i++)
		if (X509_set_ex_data(SSL_CTX_get0_certificate(s->ctx[i]),
		    count_index(), &s->ctx[i]) != 1)
			return -1;
	return 0;
}

/* Of two kinds in one context it is the one whose kind the client wants. */
static void
count(const struct sess *s, SSL *ssl, enum board_shake what)
{
	const struct tls_section *section =
	    SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	SSL_CTX **ctx = X509_get_ex_data(SSL_get_certificate(ssl),
	    count_index());
	const unsigned number = s->path->certs +
	    (unsigned)(ctx - section->ctx);

	board_add(&board_cert(&self.board, self.board.own,
	    number)->n[what], 1);
}

void
tls_count_done(const struct sess *s, struct ssl_st *ssl)
{
	const bool old = SSL_version(ssl) < TLS1_3_VERSION;

	if (SSL_session_reused(ssl))
		count(s, ssl, old ? SHAKE_RESUMED12 : SHAKE_RESUMED13);
	else
		count(s, ssl, old ? SHAKE_TLS12 : SHAKE_TLS13);
}

uint8_t
tls_count_why(void)
{
	const unsigned long error = ERR_peek_error();
	const int why = ERR_GET_REASON(error);

	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return SHAKE_OTHER;
	/* An alert that has come is that and its number. */
	if (why >= SSL_AD_REASON_OFFSET)
		return SHAKE_REFUSED;
	switch (why) {
	case SSL_R_CALLBACK_FAILED:
		return SHAKE_NAME;
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return SHAKE_CERTIFICATE;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SHARED_GROUPS:
	case SSL_R_NO_SUITABLE_GROUPS:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
	case SSL_R_NO_APPLICATION_PROTOCOL:
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_HTTP_REQUEST:
		return SHAKE_PROTOCOL;
	default:
		return SHAKE_OTHER;
	}
}

void
tls_count_failed(const struct sess *s, const struct tls *t)
{
	count(s, t->ssl, count_why(s, t));
}

static enum board_shake
count_why(const struct sess *s, const struct tls *t)
{
	switch (s->why) {
	case WHY_FIN:
	case WHY_RESET:
		return SHAKE_CLOSED;
	case WHY_HANDSHAKE_TIMEOUT:
		return SHAKE_TIMEOUT;
	case WHY_HANDSHAKE:
		return t->failure;
	default:
		return SHAKE_OTHER;
	}
}
