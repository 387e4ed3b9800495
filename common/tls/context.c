#include "compat.h"

#include <openssl/err.h>

#include "tls/context.h"

/* Forward secrecy and authenticated encryption; the cheaper first. */
#define CIPHERS	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"

static int	 set_versions(SSL_CTX *, const struct conf_tls *,
		    struct tls_wrong *);
static int	 set_ciphers(SSL_CTX *, const struct conf_tls *,
		    struct tls_wrong *);
static int	 none_weak(const STACK_OF(SSL_CIPHER) *, struct tls_wrong *);
static int	 each_known(SSL_CTX *, const char *, const char *, const char *,
		    int (*)(SSL_CTX *, const char *), struct tls_wrong *);
static int	 know_cipher(SSL_CTX *, const char *);
static int	 know_group(SSL_CTX *, const char *);
static int	 wrong(struct tls_wrong *, const char *, const char *, ...)
		    printf_like(3, 4);

SSL_CTX *
tls_context(const struct conf_tls *t, bool listens, struct tls_wrong *w)
{
	SSL_CTX *ctx = SSL_CTX_new(listens ? TLS_server_method() :
	    TLS_client_method());

	if (ctx == NULL) {
		wrong(w, "tls", "there is no memory for it");
		return NULL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (set_versions(ctx, t, w) == 0 && set_ciphers(ctx, t, w) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

const char *
tls_error(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);
	static char text[160];

	if (ERR_SYSTEM_ERROR(code))
		reason = strerror(ERR_GET_REASON(code));
	strlcpy(text, reason == NULL ? "OpenSSL does not say why" : reason,
	    sizeof(text));
	ERR_clear_error();
	return text;
}

static int
set_versions(SSL_CTX *ctx, const struct conf_tls *t, struct tls_wrong *w)
{
	if (SSL_CTX_set_min_proto_version(ctx, t->min_version) != 1)
		return wrong(w, "min-version", "is not possible here: %s",
		    tls_error());
	if (SSL_CTX_set_max_proto_version(ctx, t->max_version) != 1)
		return wrong(w, "max-version", "is not possible here: %s",
		    tls_error());
	return 0;
}

static int
set_ciphers(SSL_CTX *ctx, const struct conf_tls *t, struct tls_wrong *w)
{
	const char *ciphers = t->ciphers == NULL ? CIPHERS : t->ciphers;
	const char *suites = t->ciphersuites == NULL ? SUITES :
	    t->ciphersuites;

	if (t->ciphers != NULL && each_known(ctx, t->ciphers, ":, ",
	    "ciphers", know_cipher, w) == -1)
		return -1;
	if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
		return wrong(w, "ciphers", "\"%.64s\" leaves none over; see "
		    "openssl ciphers", ciphers);
	if (none_weak(SSL_CTX_get_ciphers(ctx), w) == -1)
		return -1;
	if (t->ciphersuites != NULL && each_known(ctx, t->ciphersuites, ":",
	    "ciphersuites", SSL_CTX_set_ciphersuites, w) == -1)
		return -1;
	if (SSL_CTX_set_ciphersuites(ctx, suites) != 1)
		return wrong(w, "ciphersuites", "\"%.64s\" is not possible: "
		    "%s", suites, tls_error());
	if (t->groups == NULL)
		return 0;
	if (each_known(ctx, t->groups, ":", "groups", know_group, w) == -1)
		return -1;
	return SSL_CTX_set1_groups_list(ctx, t->groups) == 1 ? 0 :
	    wrong(w, "groups", "\"%.64s\" is not possible: %s", t->groups,
	    tls_error());
}

/* Suites that do not tell who speaks, or whether it was changed on the way, or
 * tell it in a way that has been a hole again and again. */
static int
none_weak(const STACK_OF(SSL_CIPHER) *ciphers, struct tls_wrong *w)
{
	const SSL_CIPHER *c;
	int i;

	for (i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		c = sk_SSL_CIPHER_value(ciphers, i);
		if (SSL_CIPHER_get_auth_nid(c) == NID_auth_null)
			return wrong(w, "ciphers", "has %s, by which nobody "
			    "shows who he is; leave it out, \":!aNULL\"",
			    SSL_CIPHER_get_name(c));
		if (!SSL_CIPHER_is_aead(c))
			return wrong(w, "ciphers", "has %s, and only suites "
			    "with GCM, CCM or ChaCha20 are spoken here; leave "
			    "the others out, \":!SHA1:!SHA256:!SHA384\"",
			    SSL_CIPHER_get_name(c));
	}
	return 0;
}

/* OpenSSL passes over what it does not know, or does not say what that is. */
static int
each_known(SSL_CTX *ctx, const char *list, const char *between,
    const char *option, int (*know)(SSL_CTX *, const char *),
    struct tls_wrong *w)
{
	char word[128];
	size_t len;

	for (; *list != '\0'; list += len + (list[len] != '\0')) {
		len = strcspn(list, between);
		snprintf(word, sizeof(word), "%.*s", (int)MIN(len, 127), list);
		if (len > 0 && know(ctx, word) != 1) {
			ERR_clear_error();
			return wrong(w, option, "has \"%s\", which OpenSSL "
			    "does not know", word);
		}
	}
	return 0;
}

static int
know_cipher(SSL_CTX *ctx, const char *word)
{
	if (*word == '@')
		return SSL_CTX_set_cipher_list(ctx, "ALL") == 1 &&
		    (strncmp(word, "@SECLEVEL=", 10) == 0 ||
		    strcmp(word, "@STRENGTH") == 0);
	return SSL_CTX_set_cipher_list(ctx, word + strspn(word, "!+-"));
}

static int
know_group(SSL_CTX *ctx, const char *word)
{
	return (int)SSL_CTX_set1_groups_list(ctx, word);
}

static int
wrong(struct tls_wrong *w, const char *option, const char *fmt, ...)
{
	va_list ap;

	w->option = option;
	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
	return -1;
}
