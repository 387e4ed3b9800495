#include "compat.h"

#include "convert/haproxy.h"

/* Of a section: what has to be known before the servers are made. */
struct back {
	struct haproxy		*h;
	struct ha_proxy		*p;
	uint64_t		 ms[6];
	const struct ha_line	*set[6];
	const struct ha_line	*send, *expect;	/* of tcp-check; or NULL */
};

/* A server as its arguments say. */
struct server {
	struct back		*b;
	const struct ha_line	*line;
	struct part		*remote, *tls;
	const char		*inter, *rise, *fall, *port;
	bool			 check, check_tls, ssl;
};

enum { CONNECT, CLIENT, SERVER, CLIENT_FIN, SERVER_FIN, TUNNEL };

static const char *const timeouts[] = { [CONNECT] = "connect",
	[CLIENT] = "client", [SERVER] = "server",
	[CLIENT_FIN] = "client-fin", [SERVER_FIN] = "server-fin",
	[TUNNEL] = "tunnel" };

static void	 back_line(struct back *, const struct ha_line *);
static void	 back_source(struct conv *, struct part *,
		    const struct ha_line *);
static void	 back_timeout(struct back *, const struct ha_line *);
static void	 back_limits(struct back *);
static void	 back_limit(struct back *, const char *, unsigned, unsigned);
static void	 back_balance(struct back *, const struct ha_line *);
static void	 back_check(struct back *, const struct ha_line *);
static void	 server(struct back *, const struct ha_line *);
static bool	 server_address(struct server *, const char *);
static void	 server_args(struct server *, const struct ha_line *,
		    unsigned);
static unsigned	 server_arg(struct server *, const struct ha_line *,
		    unsigned);
static bool	 server_flag(struct server *, const char *);
static bool	 server_value(struct server *, const char *, const char *);
static bool	 server_tls(struct server *, const char *, const char *);
static void	 server_set(struct server *, const char *, const char *);
static void	 server_check(struct server *);
static const char *escape(struct conv *, const char *, const char *);

void
ha_back(struct haproxy *h, struct ha_proxy *p)
{
	struct back b = { .h = h, .p = p };
	const struct ha_line *l;

	p->relay = conv_part(h->c, &h->c->root, "relay", p->name);
	TAILQ_FOREACH(l, &p->lines, entry)
		back_line(&b, l);
	back_limits(&b);
	TAILQ_FOREACH(l, &p->lines, entry)
		if (ha_is(l, "server", NULL))
			server(&b, l);
	if (!TAILQ_EMPTY(&p->relay->parts))
		return;
	conv_left(h->c, p->head->number, "it has no server");
	conv_drop(&h->c->root, p->relay);
	p->relay = NULL;
}

bool
ha_back_knows(const struct ha_line *l)
{
	static const char *const words[] = { "server", "default-server",
	    "balance", "retries", "source", "tcp-check", "timeout", "mode",
	    "log" };
	static const char *const options[] = { "tcplog", "dontlognull",
	    "redispatch", "tcp-check", "tcpka", "clitcpka", "srvtcpka",
	    "splice-auto", "splice-request", "splice-response",
	    "tcp-smart-accept", "tcp-smart-connect", "contstats" };
	size_t i;

	for (i = 0; i < nitems_of(words); i++)
		if (ha_is(l, words[i], NULL))
			return true;
	for (i = 0; i < nitems_of(options); i++)
		if (ha_is(l, "option", options[i]))
			return true;
	return false;
}

static void
back_line(struct back *b, const struct ha_line *l)
{
	struct conv *c = b->h->c;
	struct part *relay = b->p->relay;

	if (ha_is(l, "balance", NULL))
		back_balance(b, l);
	else if (ha_is(l, "retries", NULL))
		conv_set(c, relay, l->number, "retries", l->words[1]);
	else if (ha_is(l, "source", NULL))
		back_source(c, relay, l);
	else if (ha_is(l, "timeout", NULL))
		back_timeout(b, l);
	else if (ha_is(l, "tcp-check", NULL))
		back_check(b, l);
	else if (ha_is(l, "log", NULL))
		ha_log(c, l);
	else if (!ha_back_knows(l) && !b->p->front &&
	    l->number > b->p->head->number)
		conv_left(c, l->number, "not understood");
}

static void
back_source(struct conv *c, struct part *relay, const struct ha_line *l)
{
	struct ha_address a;

	ha_address(c, l->words[1], &a);
	conv_set(c, relay, l->number, "local-address", a.host);
	if (l->n > 2)
		conv_left(c, l->number, "%s is not understood", l->words[2]);
}

static void
back_timeout(struct back *b, const struct ha_line *l)
{
	size_t i;

	for (i = 0; i < nitems_of(timeouts); i++) {
		if (strcmp(l->words[1], timeouts[i]) != 0)
			continue;
		b->ms[i] = ha_ms(l->words[2]);
		b->set[i] = l;
		if (b->ms[i] == UINT64_MAX) {
			conv_left(b->h->c, l->number, "that is no time");
			b->set[i] = NULL;
		}
		return;
	}
	if (strncmp(l->words[1], "http", 4) != 0)
		conv_left(b->h->c, l->number, "there is no such limit");
}

/* There, either side has a limit, and a tunnel one for both; here, what moves
 * on either side counts for both. */
static void
back_limits(struct back *b)
{
	const bool tunnel = b->set[TUNNEL] != NULL;

	back_limit(b, "connect-timeout", CONNECT, CONNECT);
	if (!tunnel && b->set[CLIENT] == NULL && b->set[SERVER] == NULL)
		conv_set(b->h->c, b->p->relay, b->p->head->number,
		    "idle-timeout", "0");
	else
		back_limit(b, "idle-timeout", tunnel ? TUNNEL : CLIENT,
		    tunnel ? TUNNEL : SERVER);
	back_limit(b, "half-close-timeout", CLIENT_FIN, SERVER_FIN);
}

static void
back_limit(struct back *b, const char *option, unsigned one, unsigned other)
{
	/* 0 is for ever. */
	const unsigned which = b->set[one] == NULL ||
	    (b->set[other] != NULL && b->ms[other] - 1 > b->ms[one] - 1) ?
	    other : one;
	char text[CONF_UNITLEN];

	if (b->set[which] != NULL)
		conv_set(b->h->c, b->p->relay, b->set[which]->number, option,
		    conf_duration_str(b->ms[which], text));
}

static void
back_balance(struct back *b, const struct ha_line *l)
{
	const char *word = l->words[1];

	if (strcmp(word, "static-rr") == 0)
		word = "roundrobin";
	if (strncmp(word, "random", 6) == 0)
		word = "random";
	conv_set(b->h->c, b->p->relay, l->number, "balance", word);
}

static void
back_check(struct back *b, const struct ha_line *l)
{
	const bool text = ha_is(l, "tcp-check", "expect") &&
	    (strcmp(l->words[2], "string") == 0 ||
	    strcmp(l->words[2], "rstring") == 0);

	if (ha_is(l, "tcp-check", "connect") && l->n == 2)
		return;
	if (ha_is(l, "tcp-check", "send") && b->send == NULL && l->n == 3)
		b->send = l;
	else if (text && b->expect == NULL && l->n == 4)
		b->expect = l;
	else
		conv_left(b->h->c, l->number, "a check has one send and one "
		    "expect");
}

/* --- servers --- */

static void
server(struct back *b, const struct ha_line *l)
{
	struct server s = { .b = b, .line = l };
	const struct ha_line *before;

	s.remote = conv_part(b->h->c, b->p->relay, "remote", l->words[1]);
	if (!server_address(&s, l->words[2])) {
		conv_left(b->h->c, l->number, "a remote needs an address and "
		    "a port");
		conv_drop(b->p->relay, s.remote);
		return;
	}
	s.tls = conv_apart(b->h->c, &conf_spec_tls);
	for (before = TAILQ_FIRST(&b->p->lines); before != l;
	    before = TAILQ_NEXT(before, entry))
		if (ha_is(before, "default-server", NULL))
			server_args(&s, before, 1);
	server_args(&s, l, 3);
	if (s.check)
		server_check(&s);
	if (!s.ssl)
		return;
	s.tls->title = conv_title(b->h->c, &b->h->c->root, s.tls->spec,
	    conv_text(b->h->c, "%s-%s", b->p->name, l->words[1]));
	TAILQ_INSERT_TAIL(&b->h->c->root.parts, s.tls, entry);
	server_set(&s, "tls", s.tls->title);
}

static bool
server_address(struct server *s, const char *text)
{
	struct conv *c = s->b->h->c;
	struct ha_address a;

	ha_address(c, text, &a);
	if (a.path != NULL)
		return conv_set(c, s->remote, s->line->number, "path", a.path);
	return conv_set(c, s->remote, s->line->number, "address", a.host) &&
	    conv_set(c, s->remote, s->line->number, "port", a.port);
}

static void
server_args(struct server *s, const struct ha_line *l, unsigned i)
{
	unsigned n;

	while (i < l->n) {
		if ((n = server_arg(s, l, i)) == 0) {
			conv_left(s->b->h->c, l->number, "%s is not "
			    "understood", l->words[i]);
			n = 1;
		}
		i += n;
	}
}

/* How many words it has; 0: not understood. */
static unsigned
server_arg(struct server *s, const struct ha_line *l, unsigned i)
{
	const char *word = l->words[i], *value = l->words[i + 1];

	if (server_flag(s, word))
		return 1;
	if (server_value(s, word, value) || server_tls(s, word, value))
		return 2;
	return 0;
}

static bool
server_flag(struct server *s, const char *word)
{
	static const struct { const char *word, *option, *value; } sets[] = {
		{ "backup", "backup", "yes" }, { "no-backup", "backup", "no" },
		{ "disabled", "state", "disabled" },
		{ "enabled", "state", "enabled" },
		{ "send-proxy", "proxy-out", "v1" },
		{ "no-send-proxy", "proxy-out", "none" }
	};
	const struct { const char *word; bool *flag; } flags[] = {
		{ "check", &s->check }, { "check-ssl", &s->check_tls },
		{ "ssl", &s->ssl }
	};
	const bool no = strncmp(word, "no-", 3) == 0;
	size_t i;

	for (i = 0; i < nitems_of(flags); i++)
		if (strcmp(word + (no ? 3 : 0), flags[i].word) == 0) {
			*flags[i].flag = !no;
			return true;
		}
	for (i = 0; i < nitems_of(sets); i++)
		if (strcmp(word, sets[i].word) == 0) {
			server_set(s, sets[i].option, sets[i].value);
			return true;
		}
	if (strncmp(word, "send-proxy-v2", 13) != 0)
		return strcmp(word, "no-ssl-reuse") == 0 ||
		    strcmp(word, "no-tfo") == 0;
	server_set(s, "proxy-out", "v2");
	return true;
}

static bool
server_value(struct server *s, const char *word, const char *value)
{
	const struct { const char *word; const char **where; } checks[] = {
		{ "inter", &s->inter }, { "rise", &s->rise },
		{ "fall", &s->fall }, { "port", &s->port }
	};
	size_t i;

	for (i = 0; i < nitems_of(checks); i++)
		if (strcmp(word, checks[i].word) == 0) {
			*checks[i].where = value;
			return true;
		}
	if (strcmp(word, "weight") == 0 && strcmp(value, "0") == 0)
		server_set(s, "state", "drain");
	else if (strcmp(word, "weight") == 0)
		server_set(s, "weight", value);
	else if (strcmp(word, "maxconn") == 0)
		server_set(s, "max-sessions", value);
	else if (strcmp(word, "source") == 0)
		server_set(s, "local-address", value);
	else if (strcmp(word, "slowstart") == 0)
		server_set(s, "slow-start", ha_time(s->b->h->c, value));
	else if (strcmp(word, "on-marked-down") == 0 &&
	    strcmp(value, "shutdown-sessions") == 0)
		conv_set(s->b->h->c, s->b->p->relay, s->line->number,
		    "on-down", "close");
	else
		return false;
	return true;
}

/* Its authority is not ours if none is named. */
static bool
server_tls(struct server *s, const char *word, const char *value)
{
	static const char *const same[][2] = { { "ca-file", "ca" },
	    { "crt", "certificate" }, { "crl-file", "crl" },
	    { "verifyhost", "name" }, { "ciphers", "ciphers" },
	    { "ciphersuites", "ciphersuites" }, { "curves", "groups" } };
	struct conv *c = s->b->h->c;
	size_t i, len = strlen(value);

	for (i = 0; i < nitems_of(same); i++)
		if (strcmp(word, same[i][0]) == 0) {
			conv_set(c, s->tls, s->line->number, same[i][1],
			    value);
			return true;
		}
	if (strcmp(word, "verify") == 0)
		conv_set(c, s->tls, s->line->number, "verify",
		    strcmp(value, "none") == 0 ? "no" : "yes");
	else if (strcmp(word, "sni") == 0 && strncmp(value, "str(", 4) == 0 &&
	    value[len - 1] == ')')
		conv_set(c, s->tls, s->line->number, "name",
		    conv_text(c, "%.*s", (int)len - 5, value + 4));
	else
		return false;
	return true;
}

static void
server_set(struct server *s, const char *option, const char *value)
{
	conv_set(s->b->h->c, s->remote, s->line->number, option,
	    value != NULL ? value : "");
}

static void
server_check(struct server *s)
{
	struct conv *c = s->b->h->c;
	const unsigned line = s->line->number;
	const struct ha_line *expect = s->b->expect;
	const char *inter = ha_time(c, s->inter != NULL ? s->inter : "2s");
	struct part *p;

	p = conv_part(c, s->remote, "check", NULL);
	if (s->check_tls || (s->ssl && s->port == NULL))
		conv_set(c, p, line, "type", "tls");
	conv_set(c, p, line, "interval", inter != NULL ? inter : "");
	conv_set(c, p, line, "rise", s->rise != NULL ? s->rise : "2");
	conv_set(c, p, line, "fall", s->fall != NULL ? s->fall : "3");
	if (s->port != NULL)
		conv_set(c, p, line, "port", s->port);
	if (s->b->send != NULL)
		conv_set(c, p, s->b->send->number, "send",
		    escape(c, s->b->send->words[2], "\\"));
	if (expect != NULL)
		conv_set(c, p, expect->number, "expect",
		    *expect->words[2] == 'r' ? expect->words[3] :
		    escape(c, expect->words[3], ".[]{}()*+?^$|\\"));
}

/* Where some characters mean something else, unless behind a backslash. */
static const char *
escape(struct conv *c, const char *text, const char *some)
{
	char *out = conv_alloc(c, 2 * strlen(text) + 1), *p = out;

	for (; *text != '\0'; text++) {
		if (strchr(some, *text) != NULL)
			*p++ = '\\';
		*p++ = *text;
	}
	*p = '\0';
	return out;
}
