#include "compat.h"

#include <ctype.h>

#include "convert/haproxy.h"

#define WORDS	128		/* of a line, most */

static void	 read_lines(struct haproxy *);
static struct ha_line *split(struct conv *, unsigned);
static char	*word(struct conv *, const char **);
static char	 escaped(const char **);
static struct ha_proxy *begin(struct haproxy *, struct ha_line *,
		    const struct ha_lines *);
static void	 copy(struct conv *, struct ha_lines *,
		    const struct ha_lines *);
static bool	 is_tcp(const struct ha_proxy *);
static void	 leave(struct haproxy *, const struct ha_proxy *);
static void	 global(struct haproxy *);
static void	 global_line(struct haproxy *, const struct ha_line *);
static void	 global_sizes(struct haproxy *);
static unsigned	 global_number(struct haproxy *, const struct ha_line *,
		    unsigned);

void
haproxy_convert(struct conv *c)
{
	struct haproxy h = { .c = c };
	struct ha_proxy *p;

	TAILQ_INIT(&h.proxies);
	TAILQ_INIT(&h.global);
	conv_spawnd(c);
	read_lines(&h);
	global(&h);
	TAILQ_FOREACH(p, &h.proxies, entry) {
		p->tcp = is_tcp(p);
		if (!p->tcp)
			leave(&h, p);
		else if (p->back)
			ha_back(&h, p);
	}
	TAILQ_FOREACH(p, &h.proxies, entry)
		if (p->tcp && p->front)
			ha_front(&h, p);
}

bool
haproxy_begins(const char *word)
{
	static const char *const words[] = { "global", "defaults", "listen",
	    "frontend", "backend", "userlist", "peers", "resolvers", "cache",
	    "program", "ring", "mailers", "log-forward", "http-errors",
	    "fcgi-app", "crt-store", "traces", "acme" };
	size_t i;

	for (i = 0; i < nitems_of(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* --- lines --- */

static void
read_lines(struct haproxy *h)
{
	struct ha_lines defaults = TAILQ_HEAD_INITIALIZER(defaults);
	struct ha_lines nowhere = TAILQ_HEAD_INITIALIZER(nowhere);
	struct ha_lines *at = &nowhere;
	struct ha_line *l;
	unsigned i;

	for (i = 1; i <= h->c->nlines; i++) {
		l = split(h->c, i);
		if (l->n == 0)
			continue;
		if (strcmp(l->words[0], "global") == 0)
			at = &h->global;
		else if (strcmp(l->words[0], "defaults") == 0) {
			TAILQ_INIT(&defaults);
			at = &defaults;
		} else if (strcmp(l->words[0], "listen") == 0 ||
		    strcmp(l->words[0], "frontend") == 0 ||
		    strcmp(l->words[0], "backend") == 0)
			at = &begin(h, l, &defaults)->lines;
		else if (haproxy_begins(l->words[0])) {
			TAILQ_INSERT_TAIL(&nowhere, l, entry);
			at = &nowhere;
		} else if (isspace((unsigned char)*h->c->lines[i]) ||
		    at != &nowhere)
			TAILQ_INSERT_TAIL(at, l, entry);
		else
			conv_left(h->c, i, "not understood");
	}
	TAILQ_FOREACH(l, &nowhere, entry)
		conv_left(h->c, l->number, "of a section that has no place "
		    "here");
}

static struct ha_line *
split(struct conv *c, unsigned number)
{
	struct ha_line *l = conv_alloc(c, sizeof(*l));
	const char *p = c->lines[number];
	char *words[WORDS];

	l->number = number;
	for (;;) {
		p += strspn(p, " \t\f\v");
		if (*p == '\0' || *p == '#' || l->n == WORDS)
			break;
		words[l->n++] = word(c, &p);
	}
	l->words = conv_alloc(c, (l->n + 2) * sizeof(*l->words));
	memcpy(l->words, words, l->n * sizeof(*words));
	l->words[l->n] = l->words[l->n + 1] = conv_text(c, "%s", "");
	return l;
}

static char *
word(struct conv *c, const char **pp)
{
	char *text = conv_alloc(c, strlen(*pp) + 1), *to = text, quote = '\0';
	const char *p = *pp;

	for (; *p != '\0'; p++) {
		if (quote == '\0' && (isspace((unsigned char)*p) || *p == '#'))
			break;
		if (*p == '\\' && quote != '\'' && p[1] != '\0') {
			p++;
			*to++ = escaped(&p);
		} else if (*p == quote)
			quote = '\0';
		else if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
		else
			*to++ = *p;
	}
	*to = '\0';
	*pp = p;
	return text;
}

/* Behind a backslash; stays at the last character of it. */
static char
escaped(const char **pp)
{
	unsigned n = 0;
	int len = 0;

	switch (**pp) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'x':
		if (sscanf(*pp + 1, "%2x%n", &n, &len) != 1 || n == 0)
			return 'x';
		*pp += len;
		return (char)n;
	default:
		return **pp;
	}
}

static struct ha_proxy *
begin(struct haproxy *h, struct ha_line *head, const struct ha_lines *defaults)
{
	struct ha_proxy *p = conv_alloc(h->c, sizeof(*p));

	TAILQ_INIT(&p->lines);
	copy(h->c, &p->lines, defaults);
	p->head = head;
	p->name = head->words[1];
	p->front = *head->words[0] != 'b';
	p->back = *head->words[0] != 'f';
	TAILQ_INSERT_TAIL(&h->proxies, p, entry);
	return p;
}

static void
copy(struct conv *c, struct ha_lines *to, const struct ha_lines *from)
{
	const struct ha_line *l;
	struct ha_line *own;

	TAILQ_FOREACH(l, from, entry) {
		own = conv_alloc(c, sizeof(*own));
		*own = *l;
		TAILQ_INSERT_TAIL(to, own, entry);
	}
}

bool
ha_is(const struct ha_line *l, const char *first, const char *second)
{
	return strcmp(l->words[0], first) == 0 &&
	    (second == NULL || strcmp(l->words[1], second) == 0);
}

static bool
is_tcp(const struct ha_proxy *p)
{
	const struct ha_line *l;
	bool tcp = true;

	TAILQ_FOREACH(l, &p->lines, entry)
		if (ha_is(l, "mode", NULL))
			tcp = strcmp(l->words[1], "tcp") == 0;
	return tcp;
}

/* All of it; what it has of defaults is no matter of its own. */
static void
leave(struct haproxy *h, const struct ha_proxy *p)
{
	const struct ha_line *l;

	conv_left(h->c, p->head->number, "only mode tcp is relayed");
	TAILQ_FOREACH(l, &p->lines, entry)
		if (l->number > p->head->number)
			conv_left(h->c, l->number, "of a section that is not "
			    "mode tcp");
}

struct part *
ha_relay_of(const struct haproxy *h, const char *name)
{
	const struct ha_proxy *p;

	TAILQ_FOREACH(p, &h->proxies, entry)
		if (p->back && strcmp(p->name, name) == 0)
			return p->relay;
	return NULL;
}

/* --- values --- */

void
ha_address(struct conv *c, const char *text, struct ha_address *a)
{
	static const char *const kinds[] = { "ipv4@", "ipv6@", "tcp@",
	    "tcp4@", "tcp6@" };
	const char *colon;
	size_t i, len;

	*a = (struct ha_address){ "", "", NULL };
	if (strncmp(text, "unix@", 5) == 0)
		text += 5;
	if (strncmp(text, "abns@", 5) == 0)
		a->path = conv_text(c, "@%s", text + 5);
	else if (*text == '/')
		a->path = text;
	if (a->path != NULL)
		return;
	for (i = 0; i < nitems_of(kinds); i++)
		if (strncmp(text, kinds[i], strlen(kinds[i])) == 0)
			text += strlen(kinds[i]);
	colon = strrchr(text, ':');
	if (colon != NULL && strchr(colon, ']') == NULL)
		a->port = colon + 1;
	else
		colon = text + strlen(text);
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	a->host = conv_text(c, "%.*s", (int)len, text);
}

uint64_t
ha_ms(const char *text)
{
	const char *end, *err;
	uint64_t ms;

	if (conf_units_number(text, &ms, &end) == -1)
		return UINT64_MAX;
	if (*end == '\0')
		return ms;
	if (strcmp(end, "us") == 0)
		return (ms + 999) / 1000;
	return conf_duration_of(text, &ms, &err) == 0 ? ms : UINT64_MAX;
}

const char *
ha_time(struct conv *c, const char *text)
{
	char buf[CONF_UNITLEN];
	uint64_t ms = ha_ms(text);

	return ms == UINT64_MAX ? NULL :
	    conv_text(c, "%s", conf_duration_str(ms, buf));
}

/* --- global --- */

static void
global(struct haproxy *h)
{
	const struct ha_line *l;

	TAILQ_FOREACH(l, &h->global, entry)
		global_line(h, l);
	if (h->user != NULL)
		conv_set(h->c, conv_spawnd(h->c), h->user_line, "user",
		    h->group == NULL ? h->user :
		    conv_text(h->c, "%s:%s", h->user, h->group));
	global_sizes(h);
}

static void
global_line(struct haproxy *h, const struct ha_line *l)
{
	struct part *spawnd = conv_spawnd(h->c);
	const char *value = l->words[1];

	if (ha_is(l, "maxconn", NULL)) {
		h->maxconn = global_number(h, l, 1000000000);
		h->maxconn_line = l->number;
	} else if (ha_is(l, "nbthread", NULL) || ha_is(l, "nbproc", NULL))
		h->threads = global_number(h, l, 1024);
	else if (ha_is(l, "user", NULL) || ha_is(l, "uid", NULL)) {
		h->user = value;
		h->user_line = l->number;
	} else if (ha_is(l, "group", NULL) || ha_is(l, "gid", NULL))
		h->group = value;
	else if (ha_is(l, "chroot", NULL) || ha_is(l, "pidfile", NULL))
		conv_set(h->c, spawnd, l->number, l->words[0], value);
	else if (ha_is(l, "log", NULL))
		ha_log(h->c, l);
	else if (ha_is(l, "daemon", NULL))
		conv_left(h->c, l->number, "start it with spawnd -b for that");
	else if (!ha_is(l, "master-worker", NULL))
		conv_left(h->c, l->number, "not understood");
}

static unsigned
global_number(struct haproxy *h, const struct ha_line *l, unsigned max)
{
	const char *err;
	const unsigned n = (unsigned)strtonum(l->words[1], 1, max, &err);

	if (err != NULL)
		conv_left(h->c, l->number, "%s", err);
	return n;
}

/* Where the system's log sends it is the system's business. */
void
ha_log(struct conv *c, const struct ha_line *l)
{
	const struct conf_opt *o = conf_spec_find(&conf_spec_log, "facility");
	struct part *log;
	unsigned i;

	if (ha_is(l, "log", "global"))
		return;
	log = conv_part(c, conv_spawnd(c), "log", NULL);
	conv_set(c, log, l->number, "to", "syslog");
	if (*l->words[1] != '/')
		conv_left(c, l->number, "the log is that of this machine, "
		    "and it may send it there");
	for (i = 2; i < l->n; i++) {
		if (conf_spec_word_of(o->words, l->words[i]) != NULL)
			conv_set(c, log, l->number, "facility", l->words[i]);
		if (conv_level(l->words[i]) != NULL)
			conv_set(c, log, l->number, "level",
			    conv_level(l->words[i]));
	}
}

/* So many at a time, over all workers. */
static void
global_sizes(struct haproxy *h)
{
	struct part *p;
	const unsigned n = h->threads != 0 ? h->threads : 8;
	const unsigned most = (h->maxconn + n - 1) / n;

	if (h->threads != 0) {
		p = conv_part(h->c, conv_spawnd(h->c), "servers", NULL);
		conv_set(h->c, p, 1, "min", conv_text(h->c, "%u", n));
		conv_set(h->c, p, 1, "max", conv_text(h->c, "%u", n));
	}
	if (h->maxconn == 0)
		return;
	p = conv_part(h->c, conv_spawnd(h->c), "users", NULL);
	conv_set(h->c, p, h->maxconn_line, "min",
	    conv_text(h->c, "%u", MIN(most, 100)));
	conv_set(h->c, p, h->maxconn_line, "max",
	    conv_text(h->c, "%u", most));
}
