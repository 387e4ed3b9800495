#include "compat.h"

#include <time.h>

#include "layer/tls_int.h"
#include "self.h"
#include "store.h"

#define KEEP		8	/* of one remote: servers of TLS 1.3 give two
				   at a time, which are for one use each */
#define LIFETIME	7200	/* s, until it is verified anew */

/* The sessions with a remote, the newest last. */
struct kept {
	const struct conf_remote	*remote;
	unsigned			 n;
	SSL_SESSION			*sessions[KEEP];
};

static int		 kept_cmp(const void *, const void *);
static struct kept	*kept_find(const struct conf_remote *);
static void		 kept_drop(struct kept *, unsigned);
static int		 keep(SSL *, SSL_SESSION *);
static bool		 is_over(const SSL_SESSION *);

static struct kept	*all;		/* sorted by remote */
static unsigned		 nall;

int
tls_resume_start(void)
{
	const struct conf *c = self.conf;
	const struct conf_relay *r;
	unsigned n = 0, k;

	for (r = c->relays; r < c->relays + c->nrelays; r++)
		n += r->nremotes;
	if ((all = calloc(n + 1, sizeof(*all))) == NULL)
		return -1;
	for (r = c->relays; r < c->relays + c->nrelays; r++)
		for (k = 0; k < r->nremotes; k++)
			if (r->remotes[k].tls != CONF_NOREF)
				all[nall++].remote = &r->remotes[k];
	qsort(all, nall, sizeof(*all), kept_cmp);
	return 0;
}

void
tls_resume_end(void)
{
	unsigned i;

	for (i = 0; i < nall; i++)
		tls_resume_forget(all[i].remote);
	free(all);
	all = NULL;
	nall = 0;
}

static int
kept_cmp(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->remote < y->remote ? -1 : x->remote > y->remote;
}

static struct kept *
kept_find(const struct conf_remote *remote)
{
	const struct kept key = { .remote = remote };

	return bsearch(&key, all, nall, sizeof(*all), kept_cmp);
}

static void
kept_drop(struct kept *k, unsigned i)
{
	SSL_SESSION_free(k->sessions[i]);
	k->n--;
	memmove(&k->sessions[i], &k->sessions[i + 1],
	    (k->n - i) * sizeof(k->sessions[0]));
}

void
tls_resume_use(SSL_CTX *ctx)
{
	SSL_CTX_set_timeout(ctx, LIFETIME);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep);
}

/* Copies are kept, and offered: OpenSSL gives up a session whose connection has
 * no proper end, which many servers never have. */
static int
keep(SSL *ssl, SSL_SESSION *session)
{
	struct kept *k = SSL_get_app_data(ssl);
	SSL_SESSION *copy;

	if (k == NULL)
		return 0;
	/* Open sessions need it more. */
	if (store_full())
		tls_resume_forget(k->remote);
	if (store_full() || !SSL_SESSION_is_resumable(session) ||
	    (copy = SSL_SESSION_dup(session)) == NULL)
		return 0;
	if (k->n == KEEP)
		kept_drop(k, 0);
	k->sessions[k->n++] = copy;
	return 0;
}

void
tls_resume_offer(SSL *ssl, const struct conf_remote *remote)
{
	struct kept *k = kept_find(remote);
	SSL_SESSION *session;

	SSL_set_app_data(ssl, k);
	while (k != NULL && k->n > 0 && is_over(k->sessions[k->n - 1]))
		kept_drop(k, k->n - 1);
	if (k == NULL || k->n == 0)
		return;
	session = SSL_SESSION_dup(k->sessions[k->n - 1]);
	if (session == NULL || SSL_set_session(ssl, session) != 1 ||
	    SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
		kept_drop(k, k->n - 1);
	SSL_SESSION_free(session);
}

static bool
is_over(const SSL_SESSION *session)
{
	const unsigned long hint =
	    SSL_SESSION_get_ticket_lifetime_hint(session);
	const time_t age = time(NULL) - SSL_SESSION_get_time(session);

	return age < 0 || age >= LIFETIME ||
	    (hint != 0 && (unsigned long)age >= hint);
}

void
tls_resume_forget(const struct conf_remote *remote)
{
	struct kept *k = kept_find(remote);

	while (k != NULL && k->n > 0)
		kept_drop(k, k->n - 1);
}
