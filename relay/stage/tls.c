#include "compat.h"

#include <openssl/ssl.h>

#include "host.h"
#include "layer/tls.h"
#include "layer/tls_count.h"
#include "layer/tls_ctx.h"
#include "log.h"
#include "peek.h"
#include "remote/remotes.h"
#include "self.h"
#include "session.h"
#include "stage/connect.h"
#include "stage/tls.h"
#include "store.h"
#include "trace.h"

#define HANDSHAKE	22	/* RFC 8446, 5.1: the type of a record, */
#define HEADER		5	/* and two bytes of version and length */
#define HELLO_MAX	(HEADER + 16 * 1024)

static enum tls_shake	 tls_go_on(struct tls *, const char **);
static enum step	 tls_hello(struct sess *, const struct end *);
static size_t		 tls_hello_need(const unsigned char *, size_t);
static enum step	 tls_begin(struct end *, struct ssl_st *);
static bool		 tls_by_kernel(const struct path *);
static enum step	 tls_none(struct sess *);
static void		 tls_turn(struct turn *);
static enum sess_why	 tls_why(const struct tls *, const char *,
			    const char *);
static void		 tls_say(struct sess *, const char *, const char *);
static void		 tls_note(struct sess *, struct ssl_st *);
static void		 tls_note_name(struct extra *, struct ssl_st *);
static void		 tls_note_certificate(struct extra *,
			    struct ssl_st *);
static char		*tls_subject(const X509 *);
static enum step	 tls_out_failed(struct sess *, const char *,
			    enum sess_why);

bool
tls_in_wanted(const struct path *p)
{
	return p->listen->tls != CONF_NOREF;
}

enum step
tls_in_enter(struct sess *s)
{
	return tls_in_event(s, &s->client);
}

enum step
tls_in_event(struct sess *s, struct end *any)
{
	struct tls *t = tls_of(&s->client);
	const char *why;

	if (t == NULL)
		return tls_hello(s, any);
	switch (tls_go_on(t, &why)) {
	case TLS_WAITS:
		return STEP_WAIT;
	case TLS_DONE:
		tls_note(s, t->ssl);
		tls_count_done(s, t->ssl);
		s->client.readable = true;
		return STEP_NEXT;
	default:
		tls_note_name(s->extra, t->ssl);
		/* The alert is to arrive, if it can. */
		return sess_end(s, WHO_CLIENT, tls_why(t, "client", why),
		    CUT_NONE);
	}
}

/* When it is its turn; until then there is nothing to do but to wait for it. */
static enum tls_shake
tls_go_on(struct tls *t, const char **why)
{
	if (!t->mine) {
		if (!t->dry)
			turn_wait(&t->turn, tls_turn);
		return TLS_WAITS;
	}
	t->mine = false;
	return tls_shake(t, why);
}

/* Who has gone needs no more words; a remote that has is of no use. */
static enum sess_why
tls_why(const struct tls *t, const char *whom, const char *why)
{
	const int error = t->rerror != 0 ? t->rerror : t->werror;

	if (error == ECONNRESET || error == EPIPE)
		return WHY_RESET;
	if (error == 0 && t->eof && !t->end->remote)
		return WHY_FIN;
	tls_say(sess_of(t->end), whom, why);
	return WHY_HANDSHAKE;
}

/* Until its first record is there, a client costs no memory. */
static enum step
tls_hello(struct sess *s, const struct end *any)
{
	static unsigned char buf[HELLO_MAX];
	struct end *e = &s->client;
	size_t need;
	ssize_t n;

	if (any->error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	if (!e->readable)
		return STEP_WAIT;
	if ((n = peek_at(e, buf, sizeof(buf))) <= 0)
		return peek_nothing(s, n);
	need = tls_hello_need(buf, (size_t)n);
	if ((size_t)n < need)
		return peek_more(e, need) ? STEP_WAIT : peek_nothing(s, 0);
	peek_take(e, buf, 0);
	return tls_begin(e, tls_ctx_accept(s->path->listen));
}

/* Bytes of the record that begins there. What is none at all is enough:
 * OpenSSL says what is wrong. */
static size_t
tls_hello_need(const unsigned char *p, size_t n)
{
	if (p[0] != HANDSHAKE)
		return 0;
	return n < HEADER ? HEADER : HEADER + MIN(p[3] * 256u + p[4],
	    HELLO_MAX - HEADER);
}

/* Puts the layer on an end, and waits for its turn. */
static enum step
tls_begin(struct end *e, struct ssl_st *ssl)
{
	struct sess *s = sess_of(e);
	struct tls *t;

	if (store_full()) {
		SSL_free(ssl);
		return sess_end(s, WHO_RELAY, WHY_MEMORY, CUT_RESET);
	}
	if (ssl == NULL || sess_extra(s) == NULL ||
	    (t = tls_put(e, ssl)) == NULL) {
		SSL_free(ssl);
		return tls_none(s);
	}
	if (self.ktls && tls_by_kernel(s->path))
		SSL_set_options(ssl, SSL_OP_ENABLE_KTLS);
	turn_wait(&t->turn, tls_turn);
	return STEP_WAIT;
}

/* As far as that is known: a client's handshake comes before its route. */
static bool
tls_by_kernel(const struct path *p)
{
	return p->relay != NULL && p->relay->io == CONF_IO_SPLICE;
}

static enum step
tls_none(struct sess *s)
{
	sess_warn(s, "TLS", ENOMEM);
	return sess_end(s, WHO_RELAY, WHY_ERROR, CUT_RESET);
}

static void
tls_turn(struct turn *turn)
{
	struct tls *t = container_of(turn, struct tls, turn);
	struct sess *s = sess_of(t->end);

	t->mine = true;
	s->task.cb(&s->task);
}

static void
tls_say(struct sess *s, const char *whom, const char *why)
{
	static struct log_limit limit;
	unsigned skipped;
	char text[128];

	if (trace_is(s)) {
		snprintf(text, sizeof(text), "TLS handshake with the %s: %s",
		    whom, why);
		trace(s, "failed", text);
	}
	if (log_allow(&limit, ev_now(), &skipped))
		log_info("session=%lx-%llx TLS handshake with the %s: %s "
		    "(and %u others before)", (long)self.pid,
		    (unsigned long long)s->id, whom, why, skipped);
}

/* For the closing line, and for who is told by a PROXY header. */
static void
tls_note(struct sess *s, struct ssl_st *ssl)
{
	struct extra *x = s->extra;
	const unsigned char *alpn;
	unsigned len;

	tls_note_name(x, ssl);
	SSL_get0_alpn_selected(ssl, &alpn, &len);
	if (len > 0)
		x->alpn = sess_word(alpn, len);
	x->tls_version = SSL_get_version(ssl);
	x->tls_suite = SSL_get_cipher_name(ssl);
	tls_note_certificate(x, ssl);
}

static void
tls_note_name(struct extra *x, struct ssl_st *ssl)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char host[HOST_LEN];

	if (name != NULL && host_normal(name, strlen(name), host) == 0)
		x->name = sess_word(host, strlen(host));
}

static void
tls_note_certificate(struct extra *x, struct ssl_st *ssl)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);

	if (cert == NULL)
		return;
	x->certified = true;
	x->trusted = SSL_get_verify_result(ssl) == X509_V_OK;
	x->resumed = SSL_session_reused(ssl);
	x->subject = tls_subject(cert);
	X509_free(cert);
}

/* NULL: it has no name, or one that ends before its end. */
static char *
tls_subject(const X509 *cert)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	int i = X509_NAME_get_index_by_NID(name, NID_commonName, -1), len;
	unsigned char *text;
	char *copy = NULL;

	if (i == -1 || (len = ASN1_STRING_to_UTF8(&text,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)))) < 0)
		return NULL;
	if (memchr(text, '\0', (size_t)len) == NULL)
		copy = strdup((const char *)text);
	OPENSSL_free(text);
	return copy;
}

bool
tls_out_wanted(const struct path *p)
{
	unsigned i;

	for (i = 0; i < p->relay->nremotes; i++)
		if (p->relay->remotes[i].tls != CONF_NOREF)
			return true;
	return false;
}

enum step
tls_out_enter(struct sess *s)
{
	const struct conf_remote *r = s->chosen->conf;

	return r->tls == CONF_NOREF ? STEP_NEXT :
	    tls_begin(&s->remote, tls_ctx_connect(r));
}

enum step
tls_out_event(struct sess *s, struct end *any)
{
	struct tls *t = tls_of(&s->remote);
	const char *why;

	(void)any;
	if (s->client.error)
		return sess_end(s, WHO_CLIENT, WHY_RESET, CUT_RESET);
	switch (tls_go_on(t, &why)) {
	case TLS_WAITS:
		return STEP_WAIT;
	case TLS_DONE:
		remote_ok(s->chosen);
		s->remote.readable = true;
		return STEP_NEXT;
	default:
		return tls_out_failed(s, why, tls_why(t, "remote", why));
	}
}

/* It answers, and is of no use: others are better for a while. */
static enum step
tls_out_failed(struct sess *s, const char *reason, enum sess_why why)
{
	char text[128];

	snprintf(text, sizeof(text), "TLS handshake: %s", reason);
	remote_failed(s->chosen, 0, text);
	tls_ctx_failed(s->chosen->conf);
	layer_close(&s->remote, true);
	ev_io_close(&s->remote.io);
	return connect_again(s, why);
}

enum step
tls_out_timeout(struct sess *s)
{
	return !sess_is_late(s) ? tls_out_event(s, &s->client) :
	    tls_out_failed(s, "no answer", WHY_CONNECT_TIMEOUT);
}
