#include "compat.h"

#include <arpa/inet.h>

#include "conf/parse.h"
#include "host.h"

#define ALPN_MAX	100	/* protocols; a message has room for no more */

static void	 tls_section(struct conf_check *, const struct cfg_t *,
		    const struct conf_tls *);
static void	 tls_keys(struct conf_check *, const struct cfg_t *,
		    const struct conf_tls *);
static bool	 tls_is_host(const char *);
static void	 tls_needs(struct conf_check *, const struct cfg_t *,
		    const char *, const char *);
static void	 tls_listen(struct conf_check *, const struct cfg_t *,
		    const struct conf_listen *);
static void	 tls_remote(struct conf_check *, const struct cfg_t *,
		    const struct conf_remote *);

void
conf_check_tls(struct conf_check *c, const struct cfg_t *root)
{
	const struct cfg_t *spawnd = conf_child(root, "spawnd", 0), *relay;
	const struct conf *conf = c->conf;
	unsigned i, k;

	for (i = 0; i < conf->ntlss; i++)
		tls_section(c, conf_child(root, "tls", i), &conf->tlss[i]);
	for (i = 0; i < conf->nlistens; i++)
		if (conf->listens[i].tls < conf->ntlss)
			tls_listen(c, conf_child(spawnd, "listen", i),
			    &conf->listens[i]);
	for (i = 0; i < conf->nrelays; i++) {
		relay = conf_child(root, "relay", i);
		for (k = 0; k < conf->relays[i].nremotes; k++)
			if (conf->relays[i].remotes[k].tls < conf->ntlss)
				tls_remote(c, conf_child(relay, "remote", k),
				    &conf->relays[i].remotes[k]);
	}
}

static void
tls_section(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_tls *t)
{
	tls_keys(c, sec, t);
	tls_needs(c, sec, "crl", "client-ca");
	if (t->client_verify != CONF_VERIFY_REQUIRED && t->client_ca == NULL)
		conf_check_missing(c, conf_line_of(sec, "client-verify"),
		    "client-verify does nothing without client-ca; add that, "
		    "or leave it out");
	if (t->server_name != NULL && !tls_is_host(t->server_name))
		conf_check_fail(c, conf_line_of(sec, "name"), "name \"%.64s\" "
		    "is neither a name of a host nor an address; give one "
		    "that the certificate of the remote has", t->server_name);
	if (t->min_version > t->max_version)
		conf_check_fail(c, conf_line_of(sec, "min-version"),
		    "min-version is greater than max-version");
	if (t->passphrase != NULL && t->passphrase_file != NULL)
		conf_check_fail(c, conf_line_of(sec, "passphrase-file"),
		    "passphrase and passphrase-file are both given; use one "
		    "of them");
	if (t->nalpn > ALPN_MAX)
		conf_check_fail(c, conf_line_of(sec, "alpn"), "alpn has %u "
		    "protocols; name at most %d", t->nalpn, ALPN_MAX);
	if (!t->tickets && t->ticket_keys != NULL)
		conf_check_fail(c, conf_line_of(sec, "ticket-keys"),
		    "ticket-keys is given and tickets is no; leave one of "
		    "them out");
}

static void
tls_keys(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_tls *t)
{
	tls_needs(c, sec, "key", "certificate");
	if (t->nkeys > 0 && t->ncerts > 0 && t->nkeys != t->ncerts)
		conf_check_fail(c, conf_line_of(sec, "key"), "there are %u "
		    "keys for %u certificates; give one for each, in the same "
		    "order, or none where they are in the certificates' files",
		    t->nkeys, t->ncerts);
}

static bool
tls_is_host(const char *name)
{
	unsigned char number[16];
	char host[HOST_LEN];

	return host_normal(name, strlen(name), host) == 0 ||
	    inet_pton(AF_INET6, name, number) == 1;
}

/* One option means nothing without another. */
static void
tls_needs(struct conf_check *c, const struct cfg_t *sec, const char *name,
    const char *other)
{
	if (conf_value(sec, name, 0) != NULL &&
	    conf_value(sec, other, 0) == NULL)
		conf_check_missing(c, conf_line_of(sec, name), "%s does "
		    "nothing without %s; add that, or leave it out", name,
		    other);
}

static void
tls_listen(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_listen *l)
{
	const struct conf_tls *t = &c->conf->tlss[l->tls];

	if (t->ncerts == 0)
		conf_check_missing(c, conf_line_of(sec, "tls"), "tls \"%s\" "
		    "has no certificate, which a listener needs; add "
		    "certificate = FILE there", t->name);
}

static void
tls_remote(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_remote *r)
{
	const struct conf_tls *t = &c->conf->tlss[r->tls];

	if ((r->path != NULL || conf_is_service(r)) && t->verify &&
	    t->server_name == NULL)
		conf_check_missing(c, conf_line_of(sec, "tls"), "tls \"%s\" "
		    "has no name to look for in the certificate of a %s; "
		    "add name = NAME there, or verify = no", t->name,
		    r->path != NULL ? "unix socket" : "service");
}
