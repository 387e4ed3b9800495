#include "compat.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include "tls/take.h"

static bool	 has_kind(SSL_CTX *, const X509 *);
static bool	 name_of(const struct conf_tls *, const char *, char *,
		    size_t);

X509 *
tls_cert(const struct secret *s)
{
	const unsigned char *p = s->bytes;

	return d2i_X509(NULL, &p, s->len);
}

int
tls_take_cert(SSL_CTX *ctx, const struct secret *s)
{
	X509 *cert = tls_cert(s);
	int good;

	if (cert == NULL)
		return -1;
	good = SSL_CTX_get0_certificate(ctx) != NULL ?
	    SSL_CTX_add1_chain_cert(ctx, cert) == 1 :
	    SSL_CTX_use_certificate(ctx, cert) == 1;
	X509_free(cert);
	return good ? 0 : -1;
}

int
tls_take_key(SSL_CTX *ctx, const struct secret *s)
{
	const unsigned char *p = s->bytes;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, s->len);
	int good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1;

	EVP_PKEY_free(key);
	return good ? 0 : -1;
}

int
tls_take_shown(SSL_CTX *ctx, const struct secret *s, struct tls_shown *last)
{
	const bool leaf = !last->any || last->section != s->section ||
	    last->number != s->number;
	X509 *cert;
	int good = 1;

	if (s->kind == SECRET_KEY)
		return last->same_kind ? 0 : tls_take_key(ctx, s);
	if ((cert = tls_cert(s)) == NULL)
		return -1;
	if (leaf)
		*last = (struct tls_shown){ true, has_kind(ctx, cert),
		    s->section, s->number };
	if (!last->same_kind)
		good = leaf ? SSL_CTX_use_certificate(ctx, cert) == 1 :
		    SSL_CTX_add1_chain_cert(ctx, cert) == 1;
	X509_free(cert);
	return good ? 0 : -1;
}

static bool
has_kind(SSL_CTX *ctx, const X509 *cert)
{
	const int kind = EVP_PKEY_get_base_id(X509_get0_pubkey(cert));
	long more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST);
	const X509 *has;

	for (; more == 1; more = SSL_CTX_set_current_cert(ctx,
	    SSL_CERT_SET_NEXT)) {
		has = SSL_CTX_get0_certificate(ctx);
		if (EVP_PKEY_get_base_id(X509_get0_pubkey(has)) == kind)
			return true;
	}
	return false;
}

int
tls_trust(SSL_CTX *ctx, X509 *ca, const struct secret *s,
    const struct conf_tls *t, unsigned section)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	if (!(s->section == SECRET_SYSTEM ? t->ca == NULL :
	    s->section == section))
		return 0;
	if (t->ca != NULL)
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return X509_STORE_add_cert(store, ca) == 1 ? 0 : -1;
}

int
tls_alpn_list(const struct conf_tls *t, unsigned char **list, unsigned *len)
{
	size_t n;
	unsigned i;

	*len = 0;
	if ((*list = calloc(t->nalpn + 1, 256)) == NULL)
		return -1;
	for (i = 0; i < t->nalpn; i++) {
		n = strlen(t->alpn[i]);
		(*list)[(*len)++] = (unsigned char)n;
		memcpy(*list + *len, t->alpn[i], n);
		*len += (unsigned)n;
	}
	return 0;
}

int
tls_aim(SSL *ssl, const struct conf_tls *t, const char *address)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char name[256];
	const bool number = name_of(t, address, name, sizeof(name));

	if (name[0] != '\0' && !number &&
	    SSL_set_tlsext_host_name(ssl, name) != 1)
		return -1;
	if (t == NULL || !t->verify)
		return 0;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return (number ? X509_VERIFY_PARAM_set1_ip_asc(param, name) :
	    X509_VERIFY_PARAM_set1_host(param, name, 0)) == 1 ? 0 : -1;
}

/* True if it is a number. */
static bool
name_of(const struct conf_tls *t, const char *address, char *name, size_t size)
{
	const char *from = t == NULL ? NULL : t->server_name;
	unsigned char number[16];
	size_t len;

	if (from == NULL)
		from = address == NULL ? "" : address;
	from += strspn(from, " \t");
	len = strcspn(from, ", \t");
	snprintf(name, size, "%.*s", (int)MIN(len, size - 1), from);
	return inet_pton(AF_INET, name, number) == 1 ||
	    inet_pton(AF_INET6, name, number) == 1;
}
