#include "compat.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "layer/tls_ctx.h"
#include "layer/tls_int.h"
#include "layer/tls_mem.h"
#include "self.h"
#include "tls/context.h"
#include "tls/take.h"

static void	 section_free(struct tls_section *);
static bool	 wanted(void);
static int	 make_all(void);
static int	 make_listen(struct tls_section *);
static int	 make_connect(struct tls_section *);
static int	 make_alpn(struct tls_section *);
static int	 alpn_chosen(SSL *, const unsigned char **, unsigned char *,
		    const unsigned char *, unsigned, void *);
static int	 read_all(void);
static int	 take_all(const void *, size_t);
static int	 take(const struct secret *);
static int	 take_of(struct tls_section *, const struct secret *);
static int	 take_cert(SSL_CTX *, const struct secret *, EVP_MD_CTX *);
static int	 take_client_ca(struct tls_section *, const struct secret *);
static int	 take_crl(struct tls_section *, const struct secret *);
static int	 take_ca(const struct secret *);
static int	 finish_all(void);
static int	 finish(struct tls_section *);
static int	 failed(const char *, ...) printf_like(1, 2);

static struct tls_section *sections;	/* as conf.tlss */
static char	 why[256];

void
tls_ctx_load(void)
{
	if (!wanted())
		return;
	tls_mem_start();
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
}

int
tls_ctx_init(const char **errp)
{
	*errp = why;
	if (!wanted()) {
		if (self.conf->ntlss > 0)
			close(self.fd[PROTO_FD_SECRETS]);
		return 0;
	}
	sections = calloc(self.conf->ntlss, sizeof(*sections));
	if (sections == NULL || tls_tickets_start() == -1 ||
	    tls_resume_start() == -1)
		return failed("there is no memory for TLS");
	return make_all() == -1 || read_all() == -1 || finish_all() == -1 ?
	    -1 : 0;
}

void
tls_ctx_free(void)
{
	unsigned i;

	for (i = 0; sections != NULL && i < self.conf->ntlss; i++)
		section_free(&sections[i]);
	free(sections);
	sections = NULL;
	tls_tickets_end();
	tls_resume_end();
}

static void
section_free(struct tls_section *s)
{
	unsigned i;

	for (i = 0; s->ctx != NULL && i < s->conf->ncerts; i++)
		SSL_CTX_free(s->ctx[i]);
	free(s->ctx);
	SSL_CTX_free(s->connect);
	X509_STORE_free(s->clients);
	EVP_MD_CTX_free(s->trust);
	tls_names_free(s);
	free(s->alpn);
	OPENSSL_cleanse(s, sizeof(*s));
}

static bool
wanted(void)
{
	const struct conf *c = self.conf;
	unsigned i, k;

	for (i = 0; i < c->nlistens; i++)
		if (c->listens[i].tls != CONF_NOREF)
			return true;
	for (i = 0; i < c->nrelays; i++)
		for (k = 0; k < c->relays[i].nremotes; k++)
			if (c->relays[i].remotes[k].tls != CONF_NOREF)
				return true;
	return false;
}

static int
make_all(void)
{
	const struct conf *c = self.conf;
	const struct conf_remote *r;
	unsigned i, k;

	for (i = 0; i < c->ntlss; i++)
		sections[i].conf = &c->tlss[i];
	for (i = 0; i < c->nlistens; i++)
		if (c->listens[i].tls != CONF_NOREF &&
		    make_listen(&sections[c->listens[i].tls]) == -1)
			return -1;
	for (i = 0; i < c->nrelays; i++)
		for (k = 0; k < c->relays[i].nremotes; k++) {
			r = &c->relays[i].remotes[k];
			if (r->tls != CONF_NOREF &&
			    make_connect(&sections[r->tls]) == -1)
				return -1;
		}
	return 0;
}

static int
make_listen(struct tls_section *s)
{
	struct tls_wrong wrong;
	unsigned i;

	if (s->ctx != NULL)
		return 0;
	if ((s->ctx = calloc(s->conf->ncerts + 1, sizeof(*s->ctx))) == NULL ||
	    (s->trust = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestInit_ex(s->trust, EVP_sha256(), NULL) != 1 ||
	    make_alpn(s) == -1)
		return failed("there is no memory for TLS");
	for (i = 0; i < s->conf->ncerts; i++) {
		s->ctx[i] = tls_context(s->conf, true, &wrong);
		if (s->ctx[i] == NULL)
			return failed("tls %s: %s %s", s->conf->name,
			    wrong.option, wrong.text);
		SSL_CTX_set_app_data(s->ctx[i], s);
		tls_tickets_use(s, s->ctx[i]);
		if (s->alpn != NULL)
			SSL_CTX_set_alpn_select_cb(s->ctx[i], alpn_chosen, s);
	}
	return s->conf->ncerts > 0 ? 0 :
	    failed("tls %s: it has no certificate", s->conf->name);
}

static int
make_connect(struct tls_section *s)
{
	struct tls_wrong wrong;

	if (s->connect != NULL)
		return 0;
	if ((s->connect = tls_context(s->conf, false, &wrong)) == NULL)
		return failed("tls %s: %s %s", s->conf->name, wrong.option,
		    wrong.text);
	if (make_alpn(s) == -1 || (s->alpn != NULL &&
	    SSL_CTX_set_alpn_protos(s->connect, s->alpn, s->alpnlen) != 0))
		return failed("there is no memory for TLS");
	if (s->conf->verify)
		SSL_CTX_set_verify(s->connect, SSL_VERIFY_PEER, NULL);
	if (s->conf->tickets)
		tls_resume_use(s->connect);
	return 0;
}

static int
make_alpn(struct tls_section *s)
{
	if (s->conf->nalpn == 0 || s->alpn != NULL)
		return 0;
	return tls_alpn_list(s->conf, &s->alpn, &s->alpnlen);
}

/* The first of ours that the client has. */
static int
alpn_chosen(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	const struct tls_section *s = arg;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, outlen, s->alpn, s->alpnlen, in,
	    inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* --- the secrets --- */

/* They are looked at where they are: there is no copy that would have to be
 * wiped but those that OpenSSL needs. */
static int
read_all(void)
{
	const int fd = self.fd[PROTO_FD_SECRETS];
	struct stat st;
	void *bytes;
	int error;

	if (fstat(fd, &st) == -1 || st.st_size <= 0 ||
	    st.st_size > SECRET_MAX)
		return failed("the secrets of the master are not there");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return failed("secrets: %s", strerror(errno));
	error = take_all(bytes, (size_t)st.st_size);
	munmap(bytes, (size_t)st.st_size);
	close(fd);
	return error;
}

static int
take_all(const void *bytes, size_t len)
{
	struct secrets all;
	struct secret one;
	int more;

	if (secret_open(&all, bytes, len) == -1)
		return failed("the secrets of the master are none");
	while ((more = secret_next(&all, &one)) == 1)
		if (take(&one) == -1)
			return failed("a secret of the master is damaged: %s",
			    tls_error());
	return more == 0 ? 0 :
	    failed("the secrets of the master are damaged");
}

static int
take(const struct secret *s)
{
	if (s->kind == SECRET_CA)
		return take_ca(s);
	return s->section < self.conf->ntlss ?
	    take_of(&sections[s->section], s) : -1;
}

static int
take_of(struct tls_section *t, const struct secret *s)
{
	const bool listens = t->ctx != NULL && s->number < t->conf->ncerts;
	const bool connects = t->connect != NULL;

	switch (s->kind) {
	case SECRET_CERT:
		return (listens && take_cert(t->ctx[s->number], s,
		    t->trust) == -1) || (connects &&
		    tls_take_shown(t->connect, s, &t->shown) == -1) ? -1 : 0;
	case SECRET_KEY:
		return (listens && tls_take_key(t->ctx[s->number], s) == -1) ||
		    (connects && tls_take_shown(t->connect, s, &t->shown) == -1)
		    ? -1 : 0;
	case SECRET_CLIENT_CA:
		return t->ctx == NULL ? 0 : take_client_ca(t, s);
	case SECRET_CRL:
		return t->clients == NULL ? 0 : take_crl(t, s);
	case SECRET_TICKET:
		if (s->number >= TLS_TICKET_KEYS)
			return -1;
		memcpy(t->tickets.keys[s->number], s->bytes, s->len);
		t->tickets.n = MAX(t->tickets.n, s->number + 1);
		t->tickets.fixed = true;
		return 0;
	default:
		return -1;
	}
}

/* The leaf, then its chain. What a session of before was promised is its public
 * key. */
static int
take_cert(SSL_CTX *ctx, const struct secret *s, EVP_MD_CTX *trust)
{
	const bool leaf = SSL_CTX_get0_certificate(ctx) == NULL;
	unsigned char *key = NULL;
	int good, len;

	if (tls_take_cert(ctx, s) == -1)
		return -1;
	if (!leaf)
		return 0;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(
	    SSL_CTX_get0_certificate(ctx)), &key);
	good = len > 0 && EVP_DigestUpdate(trust, key, (size_t)len) == 1;
	OPENSSL_free(key);
	return good ? 0 : -1;
}

static int
take_client_ca(struct tls_section *t, const struct secret *s)
{
	const unsigned char *p = s->bytes;
	X509 *ca = d2i_X509(NULL, &p, s->len);
	unsigned i;
	int good;

	if (t->clients == NULL && (t->clients = X509_STORE_new()) != NULL)
		X509_STORE_set_flags(t->clients, X509_V_FLAG_PARTIAL_CHAIN);
	good = ca != NULL && t->clients != NULL &&
	    X509_STORE_add_cert(t->clients, ca) == 1 &&
	    EVP_DigestUpdate(t->trust, s->bytes, s->len) == 1;
	for (i = 0; good && i < t->conf->ncerts; i++)
		good = SSL_CTX_add_client_CA(t->ctx[i], ca) == 1;
	X509_free(ca);
	return good ? 0 : -1;
}

static int
take_crl(struct tls_section *t, const struct secret *s)
{
	const unsigned char *p = s->bytes;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, s->len);
	int good = crl != NULL && X509_STORE_add_crl(t->clients, crl) == 1 &&
	    EVP_DigestUpdate(t->trust, s->bytes, s->len) == 1;

	X509_STORE_set_flags(t->clients, X509_V_FLAG_CRL_CHECK);
	X509_CRL_free(crl);
	return good ? 0 : -1;
}

/* Of one section, or of all that name none. */
static int
take_ca(const struct secret *s)
{
	const struct tls_section *t = sections;
	X509 *ca = tls_cert(s);
	bool good = ca != NULL;
	unsigned i;

	for (i = 0; good && i < self.conf->ntlss; i++, t++)
		good = t->connect == NULL ||
		    tls_trust(t->connect, ca, s, t->conf, i) == 0;
	X509_free(ca);
	return good ? 0 : -1;
}

static int
finish_all(void)
{
	unsigned i, k;

	for (i = 0; i < self.conf->ntlss; i++) {
		if (sections[i].ctx == NULL)
			continue;
		for (k = 0; k < sections[i].conf->ncerts; k++)
			if (SSL_CTX_check_private_key(
			    sections[i].ctx[k]) != 1)
				return failed("tls %s: a key is missing",
				    sections[i].conf->name);
		if (finish(&sections[i]) == -1)
			return failed("there is no memory for TLS");
	}
	return 0;
}

/* A session of before is one of now if it was promised the same: the same keys
 * shown, the same of who comes asked. */
static int
finish(struct tls_section *s)
{
	unsigned char trust[EVP_MAX_MD_SIZE];
	int verify = s->clients == NULL ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
	unsigned i, len;

	if (verify != SSL_VERIFY_NONE &&
	    s->conf->client_verify == CONF_VERIFY_REQUIRED)
		verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	if (EVP_DigestUpdate(s->trust, &verify, sizeof(verify)) != 1 ||
	    EVP_DigestFinal_ex(s->trust, trust, &len) != 1 ||
	    tls_count_mark(s) == -1 || tls_names(s) == -1)
		return -1;
	EVP_MD_CTX_free(s->trust);
	s->trust = NULL;
	for (i = 0; i < s->conf->ncerts; i++) {
		SSL_CTX_set_verify(s->ctx[i], verify, NULL);
		if (s->clients != NULL)
			SSL_CTX_set1_cert_store(s->ctx[i], s->clients);
		if (SSL_CTX_set_session_id_context(s->ctx[i], trust,
		    MIN(len, SSL_MAX_SID_CTX_LENGTH)) != 1)
			return -1;
	}
	return 0;
}

static int
failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return -1;
}

/* --- a session --- */

SSL *
tls_ctx_accept(const struct conf_listen *listen)
{
	SSL *ssl = SSL_new(sections[listen->tls].ctx[0]);

	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}

SSL *
tls_ctx_connect(const struct conf_remote *remote)
{
	const struct tls_section *s = &sections[remote->tls];
	SSL *ssl;

	if ((ssl = SSL_new(s->connect)) == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	if (tls_aim(ssl, s->conf, remote->address) == -1) {
		SSL_free(ssl);
		return NULL;
	}
	tls_resume_offer(ssl, remote);
	return ssl;
}

void
tls_ctx_failed(const struct conf_remote *remote)
{
	tls_resume_forget(remote);
}

void
tls_ctx_keys(const struct proto_keys *k)
{
	struct tls_tickets *t;

	if (sections == NULL || k->section >= self.conf->ntlss)
		return;
	t = &sections[k->section].tickets;
	if (t->fixed)
		return;
	memcpy(t->keys, k->keys, sizeof(t->keys));
	t->n = TLS_TICKET_KEYS;
	t->first = PROTO_KEY_PRESENT;
}
