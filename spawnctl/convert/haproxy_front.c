#include "compat.h"

#include "convert/haproxy.h"

/* One line "bind". */
struct bind {
	struct haproxy		*h;
	const struct ha_proxy	*p;
	const struct ha_line	*line;
	struct part		*listen, *tls;
	bool			 ssl;
	bool			 any, both;	/* addresses, families */
	bool			 open;	/* who comes is not looked at */
};

static void	 front_line(struct haproxy *, const struct ha_proxy *,
		    const struct ha_line *, struct ha_listens *);
static void	 front_all(struct haproxy *, const struct ha_line *,
		    struct ha_listens *, const char *, const char *);
static void	 front_relay(struct haproxy *, const struct ha_proxy *,
		    const struct ha_line *, struct ha_listens *,
		    const struct part *);
static bool	 front_leads(const struct part *);
static void	 bind_line(struct haproxy *, const struct ha_proxy *,
		    const struct ha_line *, struct ha_listens *);
static bool	 bind_address(struct bind *, const char *);
static void	 bind_args(struct bind *);
static unsigned	 bind_arg(struct bind *, const char *, const char *);
static bool	 bind_flag(struct bind *, const char *);
static bool	 bind_value(struct bind *, const char *, const char *);
static bool	 bind_tls(struct bind *, const char *, const char *);
static void	 bind_alpn(struct bind *, const char *);
static bool	 bind_finish(struct bind *);

void
ha_front(struct haproxy *h, struct ha_proxy *p)
{
	struct ha_listens listens = { .n = 0 };
	const struct ha_line *l;
	unsigned i;

	TAILQ_FOREACH(l, &p->lines, entry)
		if (ha_is(l, "bind", NULL))
			bind_line(h, p, l, &listens);
	TAILQ_FOREACH(l, &p->lines, entry)
		front_line(h, p, l, &listens);
	ha_access_end(h, &listens);
	if (p->back && p->relay != NULL)
		front_relay(h, p, p->head, &listens, p->relay);
	for (i = 0; i < listens.n; i++)
		if (!front_leads(listens.part[i])) {
			conv_left(h->c, p->head->number, "nothing of it leads "
			    "to a server");
			conv_drop(conv_spawnd(h->c), listens.part[i]);
		}
}

static void
front_line(struct haproxy *h, const struct ha_proxy *p,
    const struct ha_line *l, struct ha_listens *listens)
{
	if (ha_is(l, "bind", NULL) || ha_is(l, "acl", NULL) ||
	    (ha_back_knows(l) && !ha_is(l, "log", NULL)) ||
	    ha_route(h, p, l, listens) ||
	    ha_access(h, p, l, listens))
		return;
	if (ha_is(l, "log", NULL))
		ha_log(h->c, l);
	else if (ha_is(l, "default_backend", NULL))
		front_relay(h, p, l, listens, ha_relay_of(h, l->words[1]));
	else if (ha_is(l, "maxconn", NULL))
		front_all(h, l, listens, "max-sessions", l->words[1]);
	else if (ha_is(l, "backlog", NULL))
		front_all(h, l, listens, "backlog", l->words[1]);
	else
		conv_left(h->c, l->number, "not understood");
}

static void
front_all(struct haproxy *h, const struct ha_line *l,
    struct ha_listens *listens, const char *option, const char *value)
{
	unsigned i;

	for (i = 0; i < listens->n; i++)
		conv_set(h->c, listens->part[i], l->number, option, value);
}

static void
front_relay(struct haproxy *h, const struct ha_proxy *p,
    const struct ha_line *l, struct ha_listens *listens,
    const struct part *relay)
{
	(void)p;
	if (relay == NULL)
		conv_left(h->c, l->number, "there is no such backend of mode "
		    "tcp");
	else
		front_all(h, l, listens, "relay", relay->title);
}

static bool
front_leads(const struct part *listen)
{
	return conv_has(listen, "relay") || !TAILQ_EMPTY(&listen->parts);
}

/* --- bind --- */

static void
bind_line(struct haproxy *h, const struct ha_proxy *p, const struct ha_line *l,
    struct ha_listens *listens)
{
	struct bind b;
	char *rest = conv_text(h->c, "%s", l->words[1]), *text;

	while ((text = strsep(&rest, ",")) != NULL) {
		if (listens->n == nitems_of(listens->part)) {
			conv_left(h->c, l->number, "one listener too many");
			return;
		}
		b = (struct bind){ .h = h, .p = p, .line = l };
		if (!bind_address(&b, text))
			continue;
		b.tls = conv_apart(h->c, &conf_spec_tls);
		bind_args(&b);
		if (bind_finish(&b))
			listens->part[listens->n++] = b.listen;
	}
}

/* Without an address it is IPv4. */
static bool
bind_address(struct bind *b, const char *text)
{
	struct conv *c = b->h->c;
	const unsigned line = b->line->number;
	struct ha_address a;
	const char *host;

	b->listen = conv_part(c, conv_spawnd(c), "listen", b->p->name);
	ha_address(c, text, &a);
	host = *a.host == '\0' || strcmp(a.host, "*") == 0 ? "0.0.0.0" :
	    a.host;
	b->any = a.path == NULL && (strcmp(host, "0.0.0.0") == 0 ||
	    strcmp(host, "::") == 0);
	if (a.path != NULL ? conv_set(c, b->listen, line, "path", a.path) :
	    conv_set(c, b->listen, line, "address", host) &&
	    conv_set(c, b->listen, line, "port", a.port))
		return true;
	conv_drop(conv_spawnd(c), b->listen);
	return false;
}

static void
bind_args(struct bind *b)
{
	const struct ha_line *l = b->line;
	unsigned i, n;

	for (i = 2; i < l->n; i += n)
		if ((n = bind_arg(b, l->words[i], l->words[i + 1])) == 0) {
			conv_left(b->h->c, l->number, "%s is not understood",
			    l->words[i]);
			n = 1;
		}
}

static unsigned
bind_arg(struct bind *b, const char *word, const char *value)
{
	return bind_flag(b, word) ? 1 : bind_value(b, word, value) ||
	    bind_tls(b, word, value) ? 2 : 0;
}

static bool
bind_flag(struct bind *b, const char *word)
{
	static const char *const set[][3] = { { "strict-sni", "", "" },
	    { "accept-proxy", "proxy-from", "0.0.0.0/0" },
	    { "accept-proxy", "proxy-from", "::/0" },
	    { "defer-accept", "defer-accept", "yes" },
	    { "tfo", "fastopen", "256" }, { "transparent", "freebind", "yes" },
	    { "v6only", "v6only", "yes" } };
	bool found = false;
	size_t i;

	for (i = 0; i < nitems_of(set); i++) {
		if (strcmp(word, set[i][0]) != 0)
			continue;
		found = true;
		if (strcmp(set[i][1], "proxy-from") == 0)
			conv_add(b->h->c, b->listen, b->line->number,
			    set[i][1], set[i][2]);
		else if (*set[i][1] != '\0')
			conv_set(b->h->c, b->listen, b->line->number,
			    set[i][1], set[i][2]);
		else
			conv_set(b->h->c, b->tls, b->line->number,
			    set[i][0], "yes");
	}
	if (strcmp(word, "ssl") == 0)
		b->ssl = true;
	else if (strcmp(word, "v4v6") == 0)
		b->both = true;
	else
		return found;
	return true;
}

static bool
bind_value(struct bind *b, const char *word, const char *value)
{
	static const char *const same[][2] = { { "backlog", "backlog" },
	    { "interface", "interface" }, { "mode", "mode" },
	    { "user", "user" }, { "uid", "user" }, { "group", "group" },
	    { "gid", "group" }, { "maxconn", "max-sessions" } };
	const char *ms;
	size_t i;

	for (i = 0; i < nitems_of(same); i++)
		if (strcmp(word, same[i][0]) == 0) {
			conv_set(b->h->c, b->listen, b->line->number,
			    same[i][1], value);
			return true;
		}
	if (strcmp(word, "tcp-ut") != 0)
		return strcmp(word, "name") == 0;
	ms = ha_time(b->h->c, value);
	conv_set(b->h->c, b->listen, b->line->number, "user-timeout",
	    ms != NULL ? ms : "");
	return true;
}

static bool
bind_tls(struct bind *b, const char *word, const char *value)
{
	static const char *const same[][2] = { { "crt", "certificate" },
	    { "ca-file", "client-ca" }, { "crl-file", "crl" },
	    { "ciphers", "ciphers" }, { "ciphersuites", "ciphersuites" },
	    { "curves", "groups" } };
	struct conv *c = b->h->c;
	const unsigned line = b->line->number;
	size_t i;

	for (i = 0; i < nitems_of(same); i++) {
		if (strcmp(word, same[i][0]) != 0)
			continue;
		if (i == 0)
			conv_add(c, b->tls, line, same[i][1], value);
		else if (!conv_set(c, b->tls, line, same[i][1], value))
			b->open |= strstr(same[i][0], "-file") != NULL;
		return true;
	}
	if (strcmp(word, "alpn") == 0)
		bind_alpn(b, value);
	else if (strcmp(word, "ssl-min-ver") == 0 &&
	    strncmp(value, "TLSv", 4) == 0)
		conv_set(c, b->tls, line, "min-version", value + 4);
	else if (strcmp(word, "ssl-max-ver") == 0 &&
	    strncmp(value, "TLSv", 4) == 0)
		conv_set(c, b->tls, line, "max-version", value + 4);
	else if (strcmp(word, "verify") == 0 && strcmp(value, "none") != 0)
		conv_set(c, b->tls, line, "client-verify", value);
	else
		return strcmp(word, "verify") == 0;
	return true;
}

static void
bind_alpn(struct bind *b, const char *list)
{
	char *rest = conv_text(b->h->c, "%s", list), *word;

	while ((word = strsep(&rest, ",")) != NULL)
		conv_add(b->h->c, b->tls, b->line->number, "alpn", word);
}

/* Never in clear, or for clients that are not looked at as they were: false
 * without a certificate, or where what they are checked by is left out. */
static bool
bind_finish(struct bind *b)
{
	struct conv *c = b->h->c;

	if (b->both && b->any)
		conv_set(c, b->listen, b->line->number, "address", "*");
	if (!b->ssl)
		return true;
	if (b->open || !conv_has(b->tls, "certificate")) {
		conv_left(c, b->line->number, b->open ? "so it goes as a "
		    "whole" : "ssl needs crt and a path");
		conv_drop(conv_spawnd(c), b->listen);
		return false;
	}
	b->tls->title = conv_title(c, &c->root, b->tls->spec, b->p->name);
	TAILQ_INSERT_TAIL(&c->root.parts, b->tls, entry);
	conv_set(c, b->listen, b->line->number, "tls", b->tls->title);
	return true;
}
