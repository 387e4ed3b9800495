/*
 * tcprelay.c - the configuration of spawnd and tcprelay as they were:
 *
 *	id = spawnd { listen = { port = 80 } spawn = { users max = 9 } }
 *	id = tcprelay { remote = { address = 10.0.0.1 port = 80 } }
 *
 * A key is one or more words; its value is a word, or the rest of the line
 * where it is a rule.
 */
#include "compat.h"

#include <ctype.h>

#include "convert/conv.h"

#define DEPTH	8

enum where { OUTSIDE, SPAWND, LISTEN, SPAWN, TCPRELAY, REMOTE, UNKNOWN };
enum kind { WORD, EQUALS, OPEN, CLOSE, END };

struct token {
	enum kind	 kind;
	unsigned	 line;
	const char	*text;
};

/* An option of all listeners, unless they have their own. */
struct every {
	TAILQ_ENTRY(every)	 entry;
	unsigned		 line;
	const char		*option, *value;
};

struct tcprelay {
	struct conv	*c;
	const char	*p;		/* in the line */
	unsigned	 line;
	struct token	 next;
	struct part	*spawnd, *relay, *listen, *remote, *tls;
	const char	*user, *group;	/* of workers */
	unsigned	 user_line;
	bool		 bad;		/* an address of the section */
	TAILQ_HEAD(, every) every;
};

static void	 take(struct tcprelay *);
static void	 take_word(struct tcprelay *, struct token *);
static void	 block(struct tcprelay *, enum where, unsigned);
static bool	 directive(struct tcprelay *, enum where, unsigned);
static char	*words(struct tcprelay *, unsigned);
static enum where inner(struct tcprelay *, enum where, const char *,
		    unsigned);
static void	 section(struct tcprelay *, enum where, unsigned, unsigned);
static void	 listen_end(struct tcprelay *, unsigned);
static void	 remote_end(struct tcprelay *, unsigned);
static void	 set(struct tcprelay *, enum where, unsigned, const char *,
		    const char *);
static bool	 set_simple(struct tcprelay *, enum where, unsigned,
		    const char *, const char *);
static struct part *part_of(struct tcprelay *, const char *);
static const char *number(struct tcprelay *, const char *);
static void	 set_rule(struct tcprelay *, unsigned, const char *,
		    const char *);
static bool	 set_listen(struct tcprelay *, unsigned, const char *,
		    const char *);
static bool	 set_every(struct tcprelay *, enum where, unsigned,
		    const char *, const char *);
static bool	 set_log(struct tcprelay *, unsigned, const char *,
		    const char *);
static bool	 set_tls(struct tcprelay *, unsigned, const char *,
		    const char *);
static bool	 set_ignored(struct tcprelay *, enum where, unsigned,
		    const char *, const char *);
static void	 finish(struct tcprelay *);

/* Keys whose value is taken as it is; "#" before an option: a number. */
static const struct simple {
	enum where	 where;
	const char	*key, *part, *option;
} simples[] = {
	{ SPAWND, "pidfile", "spawnd", "pidfile" },
	{ SPAWND, "pid-file", "spawnd", "pidfile" },
	{ SPAWND, "overload", "spawnd", "overload" },
	{ SPAWND, "single process", "spawnd", "single" },
	{ LISTEN, "port", "listen", "port" },
	{ LISTEN, "backlog", "listen", "#backlog" },
	{ LISTEN, "mode", "listen", "mode" },
	{ LISTEN, "userid", "listen", "user" },
	{ LISTEN, "groupid", "listen", "group" },
	{ LISTEN, "realm", "listen", "tag" },
	{ LISTEN, "dscp", "listen", "dscp" },
	{ SPAWN, "working directory", "spawnd", "working-directory" },
	{ SPAWN, "users min", "users", "#min" },
	{ SPAWN, "users max", "users", "#max" },
	{ SPAWN, "instances min", "servers", "#min" },
	{ SPAWN, "instances max", "servers", "#max" },
	{ SPAWN, "servers min", "servers", "#min" },
	{ SPAWN, "servers max", "servers", "#max" },
	{ TCPRELAY, "local address", "relay", "local-address" },
	{ TCPRELAY, "rebalance", "relay", "#rebalance" },
	{ TCPRELAY, "retire", "relay", "#retire" },
	{ TCPRELAY, "retire limit", "relay", "#retire" },
	{ TCPRELAY, "idle timeout", "relay", "#idle-timeout" },
	{ REMOTE, "port", "remote", "port" },
	{ REMOTE, "weight", "remote", "#weight" },
};

void
tcprelay_convert(struct conv *c)
{
	struct tcprelay t = { .c = c, .p = "" };

	TAILQ_INIT(&t.every);
	t.spawnd = conv_spawnd(c);
	t.relay = conv_part(c, &c->root, "relay", "tcprelay");
	take(&t);
	while (t.next.kind != END)
		if (!directive(&t, OUTSIDE, 0))
			take(&t);
	finish(&t);
}

/* --- words --- */

static void
take(struct tcprelay *t)
{
	for (;;) {
		t->p += strspn(t->p, " \t\f\v");
		if (*t->p != '\0' && *t->p != '#')
			break;
		if (t->line == t->c->nlines) {
			t->next = (struct token){ END, t->line, "" };
			return;
		}
		t->p = t->c->lines[++t->line];
	}
	t->next = (struct token){ *t->p == '=' ? EQUALS : *t->p == '{' ?
	    OPEN : *t->p == '}' ? CLOSE : WORD, t->line, t->p };
	if (t->next.kind == WORD)
		take_word(t, &t->next);
	else
		t->p++;
}

static void
take_word(struct tcprelay *t, struct token *w)
{
	const char quote = *t->p;
	size_t len;

	if (quote == '"' || quote == '\'') {
		t->p++;
		len = strcspn(t->p, quote == '"' ? "\"" : "'");
	} else
		len = strcspn(t->p, " \t\f\v={}#\"'");
	w->text = conv_text(t->c, "%.*s", (int)len, t->p);
	t->p += len;
	if ((quote == '"' || quote == '\'') && *t->p == quote)
		t->p++;
}

/* Those of the line up to something else, with blanks between them. */
static char *
words(struct tcprelay *t, unsigned line)
{
	char *all = conv_text(t->c, "%s", "");

	while (t->next.kind == WORD && t->next.line == line) {
		all = conv_text(t->c, "%s%s%s", all, *all == '\0' ? "" : " ",
		    t->next.text);
		take(t);
	}
	return all;
}

/* --- what stands where --- */

static void
block(struct tcprelay *t, enum where where, unsigned depth)
{
	while (t->next.kind != END && t->next.kind != CLOSE)
		if (!directive(t, where, depth))
			take(t);
	if (t->next.kind == CLOSE)
		take(t);
}

/* One of them, of any kind; false if there is none. */
static bool
directive(struct tcprelay *t, enum where where, unsigned depth)
{
	const unsigned line = t->next.line;
	const char *key, *value = "";

	if (t->next.kind != WORD) {
		conv_left(t->c, line, "not understood");
		return false;
	}
	key = words(t, line);
	if (t->next.kind == EQUALS) {
		take(t);
		value = t->next.kind == WORD ? t->next.text : "";
		if (strcmp(key, "access") == 0 || strcmp(key, "exec") == 0)
			value = words(t, t->next.line);
		else if (t->next.kind == WORD)
			take(t);
	}
	if (t->next.kind == OPEN) {
		take(t);
		section(t, inner(t, where, *value != '\0' ? value : key, line),
		    line, depth + 1);
	} else
		set(t, where, line, key, value);
	return true;
}

static enum where
inner(struct tcprelay *t, enum where where, const char *name, unsigned line)
{
	if (where == OUTSIDE && strcmp(name, "spawnd") == 0)
		return SPAWND;
	if (where == OUTSIDE && strcmp(name, "tcprelay") == 0)
		return TCPRELAY;
	if (where == SPAWND && strcmp(name, "listen") == 0)
		return LISTEN;
	if (where == SPAWND && strcmp(name, "spawn") == 0)
		return SPAWN;
	if (where == TCPRELAY && strcmp(name, "remote") == 0)
		return REMOTE;
	conv_left(t->c, line, "no such section is known");
	return UNKNOWN;
}

static void
section(struct tcprelay *t, enum where where, unsigned line, unsigned depth)
{
	if (depth > DEPTH)
		return;
	if (where == LISTEN || where == REMOTE)
		t->bad = false;
	if (where == LISTEN)
		t->listen = conv_part(t->c, t->spawnd, "listen", "listen");
	if (where == REMOTE)
		t->remote = conv_part(t->c, t->relay, "remote", "remote");
	block(t, where, depth);
	if (where == LISTEN)
		listen_end(t, line);
	if (where == REMOTE) {
		remote_end(t, line);
		t->remote = NULL;
	}
}

/* IPv4 was meant where none is given. */
static void
listen_end(struct tcprelay *t, unsigned line)
{
	const bool path = conv_has(t->listen, "path");

	if (t->bad || (!path && !conv_has(t->listen, "port"))) {
		conv_left(t->c, line, t->bad ? "so it goes as a whole" :
		    "a listener needs a port or a path");
		conv_drop(t->spawnd, t->listen);
	} else if (!path && !conv_has(t->listen, "address"))
		conv_set(t->c, t->listen, line, "address", "0.0.0.0");
}

static void
remote_end(struct tcprelay *t, unsigned line)
{
	if (!t->bad && (conv_has(t->remote, "path") ||
	    (conv_has(t->remote, "address") && conv_has(t->remote, "port"))))
		return;
	conv_left(t->c, line, t->bad ? "so it goes as a whole" :
	    "a remote needs an address and a port");
	conv_drop(t->relay, t->remote);
}

/* --- keys --- */

static void
set(struct tcprelay *t, enum where where, unsigned line, const char *key,
    const char *value)
{
	const char *blank = strchr(key, ' ');

	if (*value == '\0' && blank != NULL) {	/* without "=" */
		value = blank + 1;
		key = conv_text(t->c, "%.*s", (int)(blank - key), key);
	}
	if (set_simple(t, where, line, key, value) ||
	    set_every(t, where, line, key, value) ||
	    set_ignored(t, where, line, key, value))
		return;
	if (where == SPAWND && (strcmp(key, "access") == 0 ||
	    strcmp(key, "permit") == 0 || strcmp(key, "deny") == 0))
		set_rule(t, line, key, value);
	else if ((where == LISTEN || where == REMOTE) &&
	    set_listen(t, line, key, value))
		return;
	else if ((where == SPAWND || where == TCPRELAY) &&
	    (set_log(t, line, key, value) || set_tls(t, line, key, value)))
		return;
	else
		conv_left(t->c, line, "%s is not understood", key);
}

static bool
set_simple(struct tcprelay *t, enum where where, unsigned line,
    const char *key, const char *value)
{
	const struct simple *s;
	const char *option;

	for (s = simples; s < simples + nitems_of(simples); s++) {
		if (s->where != where || strcmp(s->key, key) != 0)
			continue;
		option = s->option + (*s->option == '#');
		conv_set(t->c, part_of(t, s->part), line, option,
		    *s->option == '#' ? number(t, value) : value);
		return true;
	}
	return false;
}

static struct part *
part_of(struct tcprelay *t, const char *name)
{
	if (strcmp(name, "listen") == 0)
		return t->listen;
	if (strcmp(name, "remote") == 0)
		return t->remote;
	if (strcmp(name, "relay") == 0)
		return t->relay;
	return strcmp(name, "spawnd") == 0 ? t->spawnd :
	    conv_part(t->c, t->spawnd, name, NULL);
}

/* There, 0x10 is 16, and k, m and g are of 1024 whatever is counted. */
static const char *
number(struct tcprelay *t, const char *text)
{
	static const char units[] = "kmg";
	const char *unit;
	char *end;
	unsigned long long n = strtoull(text, &end, 0);

	if (!isdigit((unsigned char)*text))
		return text;
	if (*end != '\0' && end[1] == '\0' && n < 1ULL << 32 &&
	    (unit = strchr(units, tolower((unsigned char)*end))) != NULL)
		n <<= 10 * (unit - units + 1);
	else if (*end != '\0')
		return text;
	return conv_text(t->c, "%llu", n);
}

static void
set_rule(struct tcprelay *t, unsigned line, const char *key,
    const char *value)
{
	const char *rule = strcmp(key, "access") == 0 ? value :
	    conv_text(t->c, "%s %s", key, value);

	if (conv_add(t->c, t->spawnd, line, "access", rule))
		return;
	/* Nobody is let in by a rule that is missing. */
	conv_add(t->c, t->spawnd, line, "access", "deny all");
}

/* Of a listener or a remote: addresses, and what is spoken. */
static bool
set_listen(struct tcprelay *t, unsigned line, const char *key,
    const char *value)
{
	struct part *p = t->remote != NULL ? t->remote : t->listen;
	const char *port = strchr(key, ' ');

	if (strcmp(key, "address") == 0 || strcmp(key, "path") == 0) {
		if (!conv_set(t->c, p, line, *value == '/' ? "path" :
		    "address", strcmp(value, "::0") == 0 ? "::" : value))
			t->bad = true;
		return true;
	}
	if (port != NULL && strcmp(port, " port") == 0 &&
	    strchr(key, ':') != NULL) {
		set_listen(t, line, "address", conv_text(t->c, "%.*s",
		    (int)(port - key), key));
		conv_set(t->c, p, line, "port", value);
		return true;
	}
	if (strcmp(key, "protocol") == 0 && strcasecmp(value, "tcp") == 0)
		return true;
	if (strcmp(key, "protocol") == 0 && strcasecmp(value, "sctp") == 0 &&
	    p == t->listen)
		return conv_set(t->c, p, line, "protocol", "sctp"), true;
	if (strcmp(key, "protocol") == 0) {
		conv_left(t->c, line, "%s is not spoken there", value);
		t->bad = true;
		return true;
	}
	if ((strcmp(key, "tls") == 0 || strcmp(key, "ssl") == 0) &&
	    p == t->listen && strcmp(value, "no") != 0) {
		p->line = line;
		return conv_set(t->c, p, line, "tls", "site");
	}
	return false;
}

/* What may be said of all listeners, or of one. */
static bool
set_every(struct tcprelay *t, enum where where, unsigned line,
    const char *key, const char *value)
{
	/* Some with other values; off: for 0, "" if it goes without saying. */
	static const struct { const char *key, *option, *on, *off; } all[] = {
		{ "tcp keepalive count", "keepalive-count", NULL, NULL },
		{ "tcp keepalive idle", "keepalive-idle", NULL, NULL },
		{ "tcp keepalive interval", "keepalive-interval", NULL, NULL },
		{ "bind retry delay", "bind-retry", "1d", "0" },
		{ "sticky cache period", "sticky", "yes", "no" },
		{ "sticky cache period", "sticky-period", NULL, "" },
		{ "sticky cache size", "sticky-size", NULL, NULL },
	};
	const char *n = number(t, value);
	struct every *e;
	bool found = false, off;
	size_t i;

	for (i = 0; i < nitems_of(all); i++) {
		if (strcmp(all[i].key, key) != 0 || (where != SPAWND &&
		    where != SPAWN && where != LISTEN))
			continue;
		found = true;
		off = all[i].off != NULL && strcmp(n, "0") == 0;
		if (off && *all[i].off == '\0')
			continue;
		e = conv_alloc(t->c, sizeof(*e));
		e->line = line;
		e->option = all[i].option;
		e->value = off ? all[i].off : all[i].on != NULL ? all[i].on :
		    n;
		if (where == LISTEN)
			conv_set(t->c, t->listen, line, e->option, e->value);
		else
			TAILQ_INSERT_TAIL(&t->every, e, entry);
	}
	return found;
}

static bool
set_log(struct tcprelay *t, unsigned line, const char *key,
    const char *value)
{
	const bool facility = strcmp(key, "syslog facility") == 0;
	struct part *log;
	char *word = conv_text(t->c, "%s", value), *p;
	const char *level = conv_level(value);

	for (p = word; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strcmp(key, "syslog level") != 0 &&
	    strcmp(key, "syslog severity") != 0 && !facility)
		return false;
	log = conv_part(t->c, t->spawnd, "log", NULL);
	conv_set(t->c, log, line, "to", "syslog");
	conv_set(t->c, log, line, facility ? "facility" : "level",
	    facility || level == NULL ? word : level);
	return true;
}

static bool
set_tls(struct tcprelay *t, unsigned line, const char *key,
    const char *value)
{
	const char *word = key + 4;

	if (strncmp(key, "tls ", 4) != 0 && strncmp(key, "ssl ", 4) != 0)
		return false;
	if (t->tls == NULL)
		t->tls = conv_part(t->c, &t->c->root, "tls", "site");
	if (strncmp(word, "cert", 4) == 0)
		conv_set(t->c, t->tls, line, "certificate", value);
	else if (strncmp(word, "key", 3) == 0)
		conv_set(t->c, t->tls, line, "key", value);
	else if (strcmp(word, "passphrase") == 0)
		conv_set(t->c, t->tls, line, "passphrase", value);
	else
		return false;
	return true;
}

/* What needs nothing here, and what is said elsewhere. */
static bool
set_ignored(struct tcprelay *t, enum where where, unsigned line,
    const char *key, const char *value)
{
	const char *name = strrchr(value, '/');

	if (where == SPAWN && (strcmp(key, "userid") == 0 ||
	    strcmp(key, "groupid") == 0)) {
		*(*key == 'u' ? &t->user : &t->group) = value;
		t->user_line = line;
		return true;
	}
	if (strncmp(key, "setenv ", 7) == 0)
		return conv_add(t->c, t->spawnd, line, "setenv",
		    conv_text(t->c, "%s=%s", key + 7, value)), true;
	if (strcmp(key, "background") == 0 && strcmp(value, "no") != 0) {
		conv_left(t->c, line, "start it with spawnd -b for that");
		return true;
	}
	return strcmp(key, "background") == 0 || (where == SPAWN &&
	    strcmp(key, "exec") == 0 &&
	    strcmp(name != NULL ? name + 1 : value, "tcprelay") == 0);
}

/* What could only be said when all was read. */
static void
finish(struct tcprelay *t)
{
	const bool certified = t->tls != NULL &&
	    conv_has(t->tls, "certificate");
	struct part *p, *next;
	const struct every *e;

	TAILQ_FOREACH_SAFE(p, &t->spawnd->parts, entry, next) {
		if (p->spec != &conf_spec_listen)
			continue;
		TAILQ_FOREACH(e, &t->every, entry)
			if (!conv_has(p, e->option) && !conv_has(p, "path"))
				conv_set(t->c, p, e->line, e->option,
				    e->value);
		/* Never in clear. */
		if (conv_has(p, "tls") && !certified) {
			conv_left(t->c, p->line, "there is no certificate "
			    "for it");
			conv_drop(t->spawnd, p);
		}
	}
	if (t->tls != NULL && !certified)
		conv_drop(&t->c->root, t->tls);
	if (t->user != NULL)
		conv_set(t->c, t->spawnd, t->user_line, "user",
		    t->group == NULL ? t->user :
		    conv_text(t->c, "%s:%s", t->user, t->group));
	if (!conv_has(t->relay, "idle-timeout"))
		conv_set(t->c, t->relay, 1, "idle-timeout", "0");
}
