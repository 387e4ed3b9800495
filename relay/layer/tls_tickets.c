#include "compat.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "layer/tls_int.h"

#define NAME_LEN	16	/* of a key: its first bytes */
#define CIPHER_LEN	32	/* then AES-256 */
#define MAC_LEN		32	/* then HMAC-SHA256 */

static int	 ticket(SSL *, unsigned char *, unsigned char *,
		    EVP_CIPHER_CTX *, EVP_MAC_CTX *, int);
static int	 ticket_new(const struct tls_tickets *, unsigned char *,
		    unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *);
static int	 ticket_read(const struct tls_tickets *,
		    const unsigned char *, const unsigned char *,
		    EVP_CIPHER_CTX *, EVP_MAC_CTX *);
static int	 ticket_mac(EVP_MAC_CTX *, const uint8_t *);

static EVP_CIPHER *cipher;	/* found once: a search costs */

_Static_assert(NAME_LEN + CIPHER_LEN + MAC_LEN == SECRET_TICKET_LEN,
    "a key of tickets has another length");

int
tls_tickets_start(void)
{
	if (cipher == NULL)
		cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	return cipher == NULL ? -1 : 0;
}

void
tls_tickets_end(void)
{
	EVP_CIPHER_free(cipher);
	cipher = NULL;
}

void
tls_tickets_use(struct tls_section *s, SSL_CTX *ctx)
{
	const uint64_t seconds = s->conf->ticket_lifetime / 1000;

	if (!s->conf->tickets) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ctx, 0);
		return;
	}
	SSL_CTX_set_timeout(ctx, (long)seconds);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket);
}

/* 0 is a ticket that is none, 2 one that is to be replaced, as all of TLS 1.3
 * are: clients use each of them but once (RFC 8446, C.4). */
static int
ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *c,
    EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls_section *s =
	    SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const struct tls_tickets *t = &s->tickets;

	int r;

	if (encrypt)
		return ticket_new(t, name, iv, c, mac);
	r = ticket_read(t, name, iv, c, mac);
	return r == 1 && SSL_version(ssl) >= TLS1_3_VERSION ? 2 : r;
}

static int
ticket_new(const struct tls_tickets *t, unsigned char *name,
    unsigned char *iv, EVP_CIPHER_CTX *c, EVP_MAC_CTX *mac)
{
	const uint8_t *key = t->keys[t->first];

	if (t->n == 0)
		return 0;
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher)) != 1 ||
	    EVP_EncryptInit_ex(c, cipher, NULL, key + NAME_LEN, iv) != 1 ||
	    ticket_mac(mac, key) != 1)
		return -1;
	memcpy(name, key, NAME_LEN);
	return 1;
}

static int
ticket_read(const struct tls_tickets *t, const unsigned char *name,
    const unsigned char *iv, EVP_CIPHER_CTX *c, EVP_MAC_CTX *mac)
{
	unsigned i;

	for (i = 0; i < t->n; i++)
		if (memcmp(t->keys[i], name, NAME_LEN) == 0)
			break;
	if (i == t->n)
		return 0;
	if (ticket_mac(mac, t->keys[i]) != 1 || EVP_DecryptInit_ex(c, cipher,
	    NULL, t->keys[i] + NAME_LEN, iv) != 1)
		return -1;
	return i == t->first ? 1 : 2;
}

static int
ticket_mac(EVP_MAC_CTX *mac, const uint8_t *key)
{
	OSSL_PARAM params[3];
	char digest[] = "SHA256";

	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
	    (void *)(uintptr_t)(key + NAME_LEN + CIPHER_LEN), MAC_LEN);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	return EVP_MAC_CTX_set_params(mac, params);
}
