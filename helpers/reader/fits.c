#include "compat.h"

#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "fits.h"
#include "pem.h"
#include "tls/context.h"
#include "utf8.h"

#define DAY	86400	/* s */

static bool	 wrong(char *, const char *, ...) printf_like(2, 3);
static const char *subject(X509 *, char *, size_t);
static void	 text_of(const ASN1_STRING *, char *, size_t);
static const char *date(const ASN1_TIME *, char *, size_t);
static time_t	 seconds(const ASN1_TIME *);

static bool
wrong(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, PEM_WHY, fmt, ap);
	va_end(ap);
	return false;
}

static const char *
subject(X509 *cert, char *buf, size_t size)
{
	if (X509_NAME_oneline(X509_get_subject_name(cert), buf,
	    (int)size) == NULL)
		strlcpy(buf, "?", size);
	return buf;
}

static const char *
date(const ASN1_TIME *t, char *buf, size_t size)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(buf, size, "%Y-%m-%d", &tm) == 0)
		strlcpy(buf, "?", size);
	return buf;
}

/* 0 if it makes no sense. */
static time_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

bool
fits_key(const STACK_OF(X509) *chain, EVP_PKEY *key, char *why)
{
	int i;

	for (i = 0; i < sk_X509_num(chain); i++)
		if (X509_check_private_key(sk_X509_value(chain, i), key) == 1)
			break;
	tls_error();
	if (i == 0)
		return true;
	if (i == sk_X509_num(chain))
		return wrong(why, "is not the key of the certificate; give "
		    "the one that it was made with");
	return wrong(why, "is the key of certificate %d in the file; put that "
	    "first, and those that it was signed by behind it", i + 1);
}

const char *
fits_name(X509 *cert, char *buf, size_t size)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    NULL, NULL);
	const GENERAL_NAME *one;
	int i;

	buf[0] = '\0';
	for (i = 0; buf[0] == '\0' && i < sk_GENERAL_NAME_num(all); i++) {
		one = sk_GENERAL_NAME_value(all, i);
		if (one->type == GEN_DNS)
			text_of(one->d.dNSName, buf, size);
	}
	GENERAL_NAMES_free(all);
	i = X509_NAME_get_index_by_NID(X509_get_subject_name(cert),
	    NID_commonName, -1);
	if (buf[0] == '\0' && i != -1)
		text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(
		    X509_get_subject_name(cert), i)), buf, size);
	return buf;
}

/* What is longer is not cut: it would be another name. */
static void
text_of(const ASN1_STRING *s, char *buf, size_t size)
{
	unsigned char *text;
	const int n = ASN1_STRING_to_UTF8(&text, s);

	if (n < 0)
		return;
	if ((size_t)n < size && memchr(text, '\0', (size_t)n) == NULL) {
		memcpy(buf, text, (size_t)n);
		buf[n] = '\0';
		utf8_clean(buf, (size_t)n);
	}
	OPENSSL_free(text);
}

bool
fits_order(const STACK_OF(X509) *chain, char *why)
{
	char name[128];
	int i;

	for (i = 0; i + 1 < sk_X509_num(chain); i++)
		if (X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(chain, i)),
		    X509_get_subject_name(sk_X509_value(chain, i + 1))) != 0)
			return wrong(why, "is out of order: certificate %d "
			    "(%s) has not signed the one before; put each "
			    "behind the one that it has signed", i + 2,
			    subject(sk_X509_value(chain, i + 1), name,
			    sizeof(name)));
	return true;
}

bool
fits_time(const STACK_OF(X509) *chain, uint64_t *until, char *why)
{
	const time_t now = time(NULL);
	char name[128], day[32];
	bool good = true;
	time_t from, to;
	X509 *cert;
	int i;

	*until = 0;
	for (i = 0; i < sk_X509_num(chain); i++) {
		cert = sk_X509_value(chain, i);
		from = seconds(X509_get0_notBefore(cert));
		to = seconds(X509_get0_notAfter(cert));
		if (*until == 0 || (uint64_t)to < *until)
			*until = (uint64_t)to;
		if (good && to < now)
			good = wrong(why, "has expired on %s (%s); replace "
			    "it, and reload",
			    date(X509_get0_notAfter(cert), day, sizeof(day)),
			    subject(cert, name, sizeof(name)));
		else if (good && from > now)
			good = wrong(why, "is valid only from %s on (%s); "
			    "look at this machine's clock, or wait",
			    date(X509_get0_notBefore(cert), day, sizeof(day)),
			    subject(cert, name, sizeof(name)));
	}
	return good;
}

bool
fits_crl(X509_CRL *crl, const STACK_OF(X509) *cas, char *why)
{
	EVP_PKEY *key;
	int i, good = 0;

	for (i = 0; good != 1 && i < sk_X509_num(cas); i++) {
		key = X509_get0_pubkey(sk_X509_value(cas, i));
		good = key == NULL ? 0 : X509_CRL_verify(crl, key);
	}
	tls_error();
	return good == 1 ? true : wrong(why, "is of nobody in client-ca; give "
	    "the list that one of those has signed");
}

/* Of its time a quarter, but two days at least, and a month at most. */
bool
fits_crl_time(X509_CRL *crl, struct conf_cert *file, char *why)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	const time_t from = seconds(X509_CRL_get0_lastUpdate(crl));
	const time_t to = next == NULL ? 0 : seconds(next);
	char day[32];

	if (to > 0 && (file->until == 0 || (uint64_t)to < file->until)) {
		file->until = (uint64_t)to;
		file->warn = (uint64_t)(to - MIN(30 * DAY, MAX(2 * DAY,
		    (to - from) / 4)));
	}
	if (next == NULL || X509_cmp_time(next, NULL) >= 0)
		return true;
	return wrong(why, "was due to be replaced on %s, and so clients with "
	    "certificates are refused; get the new one, and reload",
	    date(next, day, sizeof(day)));
}

/* By making what a worker makes. */
bool
fits_section(const struct conf_tls *t, const STACK_OF(X509) *chain,
    EVP_PKEY *key, char *why)
{
	struct tls_wrong w;
	SSL_CTX *ctx = tls_context(t, true, &w);
	bool good = true;
	int i;

	if (ctx == NULL)
		return true;	/* said already */
	if (SSL_CTX_use_certificate(ctx, sk_X509_value(chain, 0)) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1)
		good = false;
	for (i = 1; good && i < sk_X509_num(chain); i++)
		good = SSL_CTX_add1_chain_cert(ctx,
		    sk_X509_value(chain, i)) == 1;
	SSL_CTX_free(ctx);
	return good ? true : wrong(why, "is not taken by OpenSSL: %s; have it "
	    "made anew, or lower what its configuration asks for",
	    tls_error());
}
