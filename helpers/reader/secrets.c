#include "compat.h"

#include <sys/stat.h>

#include <time.h>

#include <openssl/x509.h>

#include "fits.h"
#include "log.h"
#include "pem.h"
#include "proto.h"
#include "sandbox.h"
#include "secret.h"
#include "secrets.h"
#include "system.h"
#include "tls/context.h"

#define SOON		(30 * 86400)	/* s, before a certificate ends */
#define PASSPHRASE_MAX	1024
#define NAME_SIZE	256		/* of a name of the DNS */

/* A section that is looked at. */
struct look {
	struct conf_check	*c;
	const struct cfg_t	*sec;
	struct conf_tls		*tls;
	unsigned		 number;	/* of the section */
	FILE			*out;
	char			 phrase[PASSPHRASE_MAX];
	bool			 no_phrase;	/* it has failed */
};

static void	 look_at(struct look *);
static void	 look_options(struct look *);
static void	 look_secrecy(struct look *, const STACK_OF(SSL_CIPHER) *);
static void	 look_phrase(struct look *);
static void	 look_certs(struct look *);
static void	 look_cert(struct look *, unsigned);
static bool	 look_pair(struct look *, unsigned, STACK_OF(X509) *,
		    struct pem_file *);
static bool	 look_key(struct look *, unsigned, STACK_OF(X509) *,
		    struct pem_file *);
static void	 look_times(struct look *, unsigned, const STACK_OF(X509) *);
static void	 look_name(struct look *, unsigned, X509 *);
static void	 look_private(struct look *, unsigned, struct pem_file *);
static void	 look_clients(struct look *);
static STACK_OF(X509) *look_cas(struct look *, const char *, const char *,
		    enum secret_kind);
static void	 look_crl(struct look *, unsigned, const STACK_OF(X509) *);
static bool	 look_revoked(struct look *, unsigned, X509_CRL *,
		    const STACK_OF(X509) *);
static void	 look_each(struct look *, const STACK_OF(X509) *,
		    enum secret_kind);
static void	 look_system(struct look *);
static void	 look_tickets(struct look *);
static bool	 look_file(struct look *, const char *, unsigned,
		    struct pem_file *, const char *);
static void	 look_for_remotes(struct conf_check *, const struct cfg_t *,
		    FILE *);
static unsigned	 line_of(const struct look *, const char *, unsigned);
static void	 leave(struct look *, enum secret_kind, unsigned,
		    unsigned char *, int);

void
secrets_look(struct conf_check *c, const struct cfg_t *root)
{
	struct look l = { .c = c };
	unsigned i;

	if (c->conf->ntlss == 0)
		return;
	sandbox_secrets();
	if ((l.out = fdopen(READER_FD_SECRETS, "w")) == NULL ||
	    setvbuf(l.out, NULL, _IONBF, 0) != 0 || secret_begin(l.out) == -1)
		fatal("secrets");
	for (i = 0; i < c->conf->ntlss; i++) {
		l.sec = conf_child(root, "tls", i);
		l.tls = &c->conf->tlss[i];
		l.number = i;
		look_at(&l);
	}
	look_for_remotes(c, root, l.out);
	OPENSSL_cleanse(l.phrase, sizeof(l.phrase));
	if (ferror(l.out) || fclose(l.out) == EOF)
		fatal("secrets");
}

static void
look_at(struct look *l)
{
	STACK_OF(X509) *cas;

	look_options(l);
	look_phrase(l);
	look_certs(l);
	look_clients(l);
	look_tickets(l);
	if (l->tls->ca == NULL)
		return;
	cas = look_cas(l, "ca", l->tls->ca, SECRET_CA);
	sk_X509_pop_free(cas, X509_free);
}

/* What OpenSSL does not know. */
static void
look_options(struct look *l)
{
	struct tls_wrong w;
	SSL_CTX *ctx = tls_context(l->tls, true, &w);

	if (ctx == NULL)
		conf_check_fail(l->c, line_of(l, w.option, 0), "%s %s",
		    w.option, w.text);
	else
		look_secrecy(l, SSL_CTX_get_ciphers(ctx));
	SSL_CTX_free(ctx);
}

/* Users of old devices may need them. */
static void
look_secrecy(struct look *l, const STACK_OF(SSL_CIPHER) *ciphers)
{
	const SSL_CIPHER *c;
	int i;

	for (i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		c = sk_SSL_CIPHER_value(ciphers, i);
		if (SSL_CIPHER_get_kx_nid(c) != NID_kx_rsa)
			continue;
		conf_text_warning(l->c->text, line_of(l, "ciphers", 0),
		    "ciphers has %s: who gets the key some day can read what "
		    "was said before; better leave it out, \":!kRSA\"",
		    SSL_CIPHER_get_name(c));
		break;
	}
}

static void
look_phrase(struct look *l)
{
	const char *path = l->tls->passphrase_file;
	struct pem_file f;
	size_t len;

	OPENSSL_cleanse(l->phrase, sizeof(l->phrase));
	l->no_phrase = false;
	if (l->tls->passphrase != NULL)
		strlcpy(l->phrase, l->tls->passphrase, sizeof(l->phrase));
	if (path == NULL)
		return;
	if (look_file(l, "passphrase-file", 0, &f, path)) {
		look_private(l, line_of(l, "passphrase-file", 0), &f);
		len = strcspn((char *)f.bytes, "\r\n");
		if (len == 0 || len >= sizeof(l->phrase))
			conf_check_fail(l->c, line_of(l, "passphrase-file", 0),
			    "passphrase-file \"%.255s\" has no passphrase of "
			    "1 to %d bytes in its first line", path,
			    PASSPHRASE_MAX - 1);
		else
			memcpy(l->phrase, f.bytes, len);
	} else
		l->no_phrase = true;
	pem_close(&f);
}

static void
look_certs(struct look *l)
{
	unsigned i;

	for (i = 0; i < l->tls->ncerts; i++)
		look_cert(l, i);
}

static void
look_cert(struct look *l, unsigned i)
{
	const char *path = l->tls->certs[i].file;
	const unsigned line = line_of(l, "certificate", i);
	STACK_OF(X509) *chain = NULL;
	struct pem_file f;
	char why[PEM_WHY];

	if (look_file(l, "certificate", i, &f, path) &&
	    (chain = pem_certs(&f)) == NULL)
		conf_check_fail(l->c, line, "certificate \"%.255s\" %s", path,
		    f.why);
	if (chain != NULL) {
		if (look_pair(l, i, chain, &f) && !fits_order(chain, why))
			conf_text_doubt(l->c->text, line,
			    "certificate \"%.255s\" %s", path, why);
		look_times(l, i, chain);
		look_name(l, i, sk_X509_value(chain, 0));
	}
	sk_X509_pop_free(chain, X509_free);
	pem_close(&f);
}

/* With the key in a file of its own, or in that one. */
static bool
look_pair(struct look *l, unsigned i, STACK_OF(X509) *chain,
    struct pem_file *own)
{
	unsigned char *der;
	struct pem_file f;
	bool good = false;
	int k, len;

	for (k = 0; k < sk_X509_num(chain); k++) {
		der = NULL;
		len = i2d_X509(sk_X509_value(chain, k), &der);
		leave(l, SECRET_CERT, i, der, len);
	}
	if (l->tls->nkeys == 0) {
		good = look_key(l, i, chain, own);
	} else if (i < l->tls->nkeys) {
		if (look_file(l, "key", i, &f, l->tls->keys[i]))
			good = look_key(l, i, chain, &f);
		pem_close(&f);
	}
	return good;
}

static bool
look_key(struct look *l, unsigned i, STACK_OF(X509) *chain,
    struct pem_file *f)
{
	const char *option = l->tls->nkeys == 0 ? "certificate" : "key";
	const unsigned line = line_of(l, option, i);
	EVP_PKEY *key;
	unsigned char *der = NULL;
	char why[PEM_WHY];
	bool good;
	int len;

	if (l->no_phrase)
		return false;
	key = pem_key(f, l->phrase[0] == '\0' ? NULL : l->phrase);
	if (key == NULL) {
		conf_check_fail(l->c, line, "%s \"%.255s\" %s", option,
		    f->path, f->why);
		return false;
	}
	look_private(l, line, f);
	good = fits_key(chain, key, why);
	if (!good)
		conf_check_fail(l->c, line, "%s \"%.255s\" %s", option,
		    f->path, why);
	else if (!(good = fits_section(l->tls, chain, key, why)))
		conf_check_fail(l->c, line_of(l, "certificate", i),
		    "certificate \"%.255s\" %s", l->tls->certs[i].file, why);
	else {
		len = i2d_PrivateKey(key, &der);
		leave(l, SECRET_KEY, i, der, len);
	}
	EVP_PKEY_free(key);
	return good;
}

static void
look_times(struct look *l, unsigned i, const STACK_OF(X509) *chain)
{
	struct conf_cert *cert = &l->tls->certs[i];
	const unsigned line = line_of(l, "certificate", i);
	const time_t now = time(NULL);
	char why[PEM_WHY];
	const bool good = fits_time(chain, &cert->until, why);

	cert->warn = cert->until - MIN(cert->until, SOON);
	if (!good)
		conf_text_doubt(l->c->text, line, "certificate \"%.255s\" %s",
		    cert->file, why);
	else if (cert->warn < (uint64_t)now)
		conf_text_warning(l->c->text, line, "certificate \"%.255s\" "
		    "expires in %u days; replace it, and reload", cert->file,
		    (unsigned)((cert->until - (uint64_t)now) / 86400));
}

/* For who looks at it. */
static void
look_name(struct look *l, unsigned i, X509 *cert)
{
	char name[NAME_SIZE], *copy;

	fits_name(cert, name, sizeof(name));
	if ((copy = conf_alloc(l->c->conf, strlen(name) + 1)) != NULL)
		strlcpy(copy, name, strlen(name) + 1);
	l->tls->certs[i].name = copy;
}

/* What only we are to read. */
static void
look_private(struct look *l, unsigned line, struct pem_file *f)
{
	struct stat st;

	conf_trust(l->c->text, line, f->fd, f->path);
	if (fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IROTH) != 0)
		conf_text_warning(l->c->text, line, "%s can be read by "
		    "everybody; chmod o-r it", f->path);
}

static void
look_clients(struct look *l)
{
	STACK_OF(X509) *cas;
	unsigned i;

	if (l->tls->client_ca == NULL)
		return;
	cas = look_cas(l, "client-ca", l->tls->client_ca, SECRET_CLIENT_CA);
	for (i = 0; cas != NULL && i < l->tls->ncrls; i++)
		look_crl(l, i, cas);
	sk_X509_pop_free(cas, X509_free);
}

static STACK_OF(X509) *
look_cas(struct look *l, const char *option, const char *path,
    enum secret_kind kind)
{
	const unsigned line = line_of(l, option, 0);
	STACK_OF(X509) *cas = NULL;
	struct pem_file f;
	uint64_t until;
	char why[PEM_WHY];

	if (look_file(l, option, 0, &f, path) &&
	    (cas = pem_certs(&f)) == NULL)
		conf_check_fail(l->c, line, "%s \"%.255s\" %s", option, path,
		    f.why);
	if (f.fd != -1)
		conf_trust(l->c->text, line, f.fd, path);
	if (cas != NULL && !fits_time(cas, &until, why))
		conf_text_warning(l->c->text, line, "%s \"%.255s\" %s", option,
		    path, why);
	look_each(l, cas, kind);
	pem_close(&f);
	return cas;
}

static void
look_each(struct look *l, const STACK_OF(X509) *cas, enum secret_kind kind)
{
	unsigned char *der;
	int i, len;

	for (i = 0; cas != NULL && i < sk_X509_num(cas); i++) {
		der = NULL;
		len = i2d_X509(sk_X509_value(cas, i), &der);
		leave(l, kind, (unsigned)i, der, len);
	}
}

static void
look_crl(struct look *l, unsigned at, const STACK_OF(X509) *cas)
{
	const struct conf_cert *file = &l->tls->crls[at];
	const unsigned line = line_of(l, "crl", at);
	const uint64_t now = (uint64_t)time(NULL);
	STACK_OF(X509_CRL) *crls = NULL;
	struct pem_file f;
	bool good = true;
	int i;

	if (look_file(l, "crl", at, &f, file->file) &&
	    (crls = pem_crls(&f)) == NULL)
		conf_check_fail(l->c, line, "crl \"%.255s\" %s", file->file,
		    f.why);
	for (i = 0; crls != NULL && i < sk_X509_CRL_num(crls); i++)
		good = look_revoked(l, at, sk_X509_CRL_value(crls, i), cas) &&
		    good;
	if (good && file->until != 0 && file->warn < now)
		conf_text_warning(l->c->text, line, "crl \"%.255s\" is due to "
		    "be replaced in %u hours; get the new one, and reload",
		    file->file, (unsigned)((file->until - now) / 3600));
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	pem_close(&f);
}

static bool
look_revoked(struct look *l, unsigned at, X509_CRL *crl,
    const STACK_OF(X509) *cas)
{
	struct conf_cert *file = &l->tls->crls[at];
	const unsigned line = line_of(l, "crl", at);
	unsigned char *der = NULL;
	char why[PEM_WHY];
	bool good = true;
	int len;

	if (!fits_crl(crl, cas, why)) {
		conf_check_fail(l->c, line, "crl \"%.255s\" %s", file->file,
		    why);
		return false;
	}
	if (!fits_crl_time(crl, file, why)) {
		conf_text_doubt(l->c->text, line, "crl \"%.255s\" %s",
		    file->file, why);
		good = false;
	}
	len = i2d_X509_CRL(crl, &der);
	leave(l, SECRET_CRL, at, der, len);
	return good;
}

/* One key behind the other. */
static void
look_tickets(struct look *l)
{
	const unsigned line = line_of(l, "ticket-keys", 0);
	const char *path = l->tls->ticket_keys;
	struct secret s = { .kind = SECRET_TICKET, .section = l->number,
	    .len = SECRET_TICKET_LEN };
	struct pem_file f;

	if (path == NULL)
		return;
	if (look_file(l, "ticket-keys", 0, &f, path)) {
		look_private(l, line, &f);
		if (f.len % SECRET_TICKET_LEN != 0 ||
		    f.len > PROTO_KEYS * SECRET_TICKET_LEN)
			conf_check_fail(l->c, line, "ticket-keys \"%.255s\" "
			    "has %zu bytes; it must have %d random ones, or "
			    "twice or three times as many; make them with: "
			    "openssl rand %d", path, f.len, SECRET_TICKET_LEN,
			    SECRET_TICKET_LEN);
		for (; (s.number + 1) * SECRET_TICKET_LEN <= f.len;
		    s.number++) {
			s.bytes = f.bytes + s.number * SECRET_TICKET_LEN;
			if (secret_put(l->out, &s) == -1)
				fatal("secrets");
		}
	}
	pem_close(&f);
}

/* Opens a file; false if that has failed, and was said. */
static bool
look_file(struct look *l, const char *option, unsigned i, struct pem_file *f,
    const char *path)
{
	if (pem_open(f, path) == 0)
		return true;
	conf_check_fail(l->c, line_of(l, option, i), "%s \"%.255s\" %s",
	    option, path, f->why);
	return false;
}

/* Those of the system, if a remote is to be believed by them. */
static void
look_for_remotes(struct conf_check *c, const struct cfg_t *root, FILE *out)
{
	struct look l = { .c = c, .out = out, .number = SECRET_SYSTEM };
	const struct conf_relay *r;
	const struct conf_tls *t;
	unsigned i, k;

	for (i = 0; i < c->conf->nrelays; i++) {
		r = &c->conf->relays[i];
		for (k = 0; k < r->nremotes; k++) {
			if (r->remotes[k].tls >= c->conf->ntlss)
				continue;
			t = &c->conf->tlss[r->remotes[k].tls];
			if (!t->verify || t->ca != NULL)
				continue;
			l.sec = conf_child(root, "tls", r->remotes[k].tls);
			look_system(&l);
			return;
		}
	}
}

static void
look_system(struct look *l)
{
	const unsigned line = line_of(l, "ca", 0);
	STACK_OF(X509) *cas;
	char why[PEM_WHY];

	if ((cas = system_cas(l->c->text, line, why)) == NULL)
		conf_check_fail(l->c, line, "%s", why);
	look_each(l, cas, SECRET_CA);
	sk_X509_pop_free(cas, X509_free);
}

/* The line of a value, or that of the section if there is none. */
static unsigned
line_of(const struct look *l, const char *option, unsigned i)
{
	const struct conf_value *v = conf_value(l->sec, option, i);

	return v == NULL ? conf_line(l->sec) : v->line;
}

/* Writes what OpenSSL has encoded, and wipes it. */
static void
leave(struct look *l, enum secret_kind kind, unsigned number,
    unsigned char *der, int len)
{
	const struct secret s = { .kind = kind, .section = l->number,
	    .number = number, .bytes = der, .len = (uint32_t)len };

	if (len <= 0 || secret_put(l->out, &s) == -1)
		fatal("secrets");
	OPENSSL_clear_free(der, (size_t)len);
}
