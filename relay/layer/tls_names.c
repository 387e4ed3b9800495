#include "compat.h"

#include <ctype.h>

#include "layer/tls_int.h"
#include "tls/context.h"

#define HOST_MAX	256	/* a name of the DNS, with the NUL */

static int	 names_of(struct tls_section *, unsigned);
static int	 names_alt(struct tls_section *, unsigned,
		    const GENERAL_NAMES *);
static int	 names_common(struct tls_section *, unsigned, X509 *);
static int	 name_add(struct tls_section *, unsigned,
		    const ASN1_STRING *);
static void	 pair_kinds(struct tls_section *);
static void	 pair(const struct tls_section *, unsigned, unsigned);
static bool	 same_names(const struct tls_section *, unsigned, unsigned);
static unsigned	 names_with(const struct tls_section *, unsigned, unsigned,
		    unsigned);
static int	 kind_of(const struct tls_section *, unsigned);
static void	 names_once(struct tls_section *);
static int	 name_cmp(const void *, const void *);
static int	 name_find_cmp(const void *, const void *);
static SSL_CTX	*name_find(const struct tls_section *, const char *);
static int	 name_chosen(SSL *, int *, void *);

int
tls_names(struct tls_section *s)
{
	unsigned i;

	for (i = 0; i < s->conf->ncerts; i++)
		if (names_of(s, i) == -1)
			return -1;
	if (s->nnames == 0 && !s->conf->strict_sni)
		return 0;
	qsort(s->names, s->nnames, sizeof(*s->names), name_cmp);
	pair_kinds(s);
	names_once(s);
	for (i = 0; i < s->conf->ncerts; i++) {
		SSL_CTX_set_tlsext_servername_callback(s->ctx[i], name_chosen);
		SSL_CTX_set_tlsext_servername_arg(s->ctx[i], s);
	}
	return 0;
}

void
tls_names_free(struct tls_section *s)
{
	unsigned i;

	for (i = 0; i < s->nnames; i++)
		free(s->names[i].name);
	free(s->names);
	s->names = NULL;
	s->nnames = 0;
}

/* Its alternative names; the common name of who has none. */
static int
names_of(struct tls_section *s, unsigned number)
{
	X509 *cert = SSL_CTX_get0_certificate(s->ctx[number]);
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    NULL, NULL);
	int error;

	if (all == NULL)
		return names_common(s, number, cert);
	error = names_alt(s, number, all);
	GENERAL_NAMES_free(all);
	return error;
}

static int
names_alt(struct tls_section *s, unsigned number, const GENERAL_NAMES *all)
{
	const GENERAL_NAME *one;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		one = sk_GENERAL_NAME_value(all, i);
		if (one->type == GEN_DNS &&
		    name_add(s, number, one->d.dNSName) == -1)
			return -1;
	}
	return 0;
}

static int
names_common(struct tls_section *s, unsigned number, X509 *cert)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	return at == -1 ? 0 : name_add(s, number, X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(subject, at)));
}

static int
name_add(struct tls_section *s, unsigned number, const ASN1_STRING *text)
{
	const unsigned char *p = ASN1_STRING_get0_data(text);
	size_t len = (size_t)ASN1_STRING_length(text), i;
	struct tls_name *names;

	if (len == 0 || len >= HOST_MAX || memchr(p, '\0', len) != NULL)
		return 0;
	names = reallocarray(s->names, s->nnames + 1, sizeof(*names));
	if (names == NULL)
		return -1;
	s->names = names;
	names += s->nnames;
	if ((names->name = calloc(1, len + 1)) == NULL)
		return -1;
	for (i = 0; i < len; i++)
		names->name[i] = (char)tolower(p[i]);
	names->number = number;
	s->nnames++;
	return 0;
}

/* Certificates of the same names with keys of different kinds go together: the
 * client says which kind it can check. */
static void
pair_kinds(struct tls_section *s)
{
	unsigned i, k;

	for (i = 0; i < s->conf->ncerts; i++)
		for (k = i + 1; k < s->conf->ncerts; k++)
			if (kind_of(s, i) != kind_of(s, k) &&
			    same_names(s, i, k))
				pair(s, i, k);
}

static void
pair(const struct tls_section *s, unsigned a, unsigned b)
{
	X509 *cert = SSL_CTX_get0_certificate(s->ctx[b]);
	EVP_PKEY *key = SSL_CTX_get0_privatekey(s->ctx[b]);
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(s->ctx[b], &chain);
	/* A second one of a kind is refused. */
	if (SSL_CTX_use_cert_and_key(s->ctx[a], cert, key, chain, 0) != 1)
		tls_error();
}

static int
kind_of(const struct tls_section *s, unsigned number)
{
	return EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(s->ctx[number]));
}

static bool
same_names(const struct tls_section *s, unsigned a, unsigned b)
{
	unsigned i, end, with = 0;

	for (i = 0; i < s->nnames; i = end) {
		for (end = i + 1; end < s->nnames && strcmp(s->names[i].name,
		    s->names[end].name) == 0; end++)
			;
		if (names_with(s, i, end, a) != names_with(s, i, end, b))
			return false;
		with += names_with(s, i, end, a);
	}
	return with > 0;
}

/* 1 if it is among those certificates of one name, else 0. */
static unsigned
names_with(const struct tls_section *s, unsigned i, unsigned end,
    unsigned number)
{
	for (; i < end; i++)
		if (s->names[i].number == number)
			return 1;
	return 0;
}

/* Of two with one name the first is it. */
static void
names_once(struct tls_section *s)
{
	unsigned i, n = 0;

	for (i = 0; i < s->nnames; i++)
		if (n > 0 && strcmp(s->names[i].name,
		    s->names[n - 1].name) == 0)
			free(s->names[i].name);
		else
			s->names[n++] = s->names[i];
	s->nnames = n;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct tls_name *x = a, *y = b;
	const int diff = strcmp(x->name, y->name);

	return diff != 0 ? diff : x->number < y->number ? -1 : 1;
}

static int
name_find_cmp(const void *key, const void *item)
{
	return strcmp(key, ((const struct tls_name *)item)->name);
}

/* Its own, or one for all names beneath the same (RFC 6125, 6.4.3). */
static SSL_CTX *
name_find(const struct tls_section *s, const char *asked)
{
	char name[HOST_MAX + 1];
	const struct tls_name *found;
	size_t len = strlen(asked), i;
	char *dot;

	/* It means nothing. */
	if (len > 0 && asked[len - 1] == '.')
		len--;
	if (len == 0 || len >= HOST_MAX)
		return NULL;
	for (i = 0; i < len; i++)
		name[i] = (char)tolower((unsigned char)asked[i]);
	name[len] = '\0';
	found = bsearch(name, s->names, s->nnames, sizeof(*found),
	    name_find_cmp);
	if (found == NULL && (dot = strchr(name, '.')) != NULL &&
	    dot > name) {
		dot[-1] = '*';
		found = bsearch(dot - 1, s->names, s->nnames, sizeof(*found),
		    name_find_cmp);
	}
	return found == NULL ? NULL : s->ctx[found->number];
}

static int
name_chosen(SSL *ssl, int *alert, void *arg)
{
	const struct tls_section *s = arg;
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = asked == NULL ? NULL : name_find(s, asked);

	if (ctx != NULL)
		SSL_set_SSL_CTX(ssl, ctx);
	else if (s->conf->strict_sni) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	return ctx == NULL ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}
