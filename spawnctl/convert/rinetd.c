/*
 * rinetd.c - rinetd.conf(5): a line a port,
 *
 *	bindaddress bindport connectaddress connectport [options]
 *
 * and rules, which are for all ports if none precedes them, else for that.
 */
#include "compat.h"

#include <ctype.h>

#include "convert/conv.h"

#define WORDS	8

/* One line as words. */
struct words {
	char		*w[WORDS];
	unsigned	 n;
};

static void	 rinetd_line(struct conv *, unsigned, struct part **);
static void	 rinetd_split(struct conv *, const char *, struct words *);
static void	 rinetd_file(struct conv *, unsigned, const struct words *);
static void	 rinetd_rule(struct conv *, unsigned, const struct words *,
		    struct part *);
static const char *rinetd_network(struct conv *, const char *);
static struct part *rinetd_forward(struct conv *, unsigned,
		    const struct words *);
static char	*rinetd_port(struct conv *, unsigned, char *);
static void	 rinetd_options(struct conv *, unsigned, char *,
		    struct part *);

void
rinetd_convert(struct conv *c)
{
	struct part *listen = NULL;
	unsigned i;

	for (i = 1; i <= c->nlines; i++)
		rinetd_line(c, i, &listen);
}

static void
rinetd_line(struct conv *c, unsigned line, struct part **listen)
{
	struct words words;

	rinetd_split(c, c->lines[line], &words);
	if (words.n == 0)
		return;
	if (strcmp(words.w[0], "allow") == 0 || strcmp(words.w[0], "deny") == 0)
		rinetd_rule(c, line, &words, *listen);
	else if (words.n <= 2)
		rinetd_file(c, line, &words);
	else if (words.n < 4)
		conv_left(c, line, "two addresses and two ports were expected");
	else
		*listen = rinetd_forward(c, line, &words);
}

/* What is in brackets is one. */
static void
rinetd_split(struct conv *c, const char *line, struct words *out)
{
	char *p = conv_text(c, "%s", line);
	size_t len;

	for (out->n = 0; out->n < WORDS; out->n++) {
		p += strspn(p, " \t");
		if (*p == '\0' || *p == '#')
			return;
		len = *p == '[' && out->n == 4 ? strcspn(p, "]") + 1 :
		    strcspn(p, " \t");
		len = MIN(len, strlen(p));
		out->w[out->n] = p;
		p += len;
		if (*p != '\0')
			*p++ = '\0';
	}
}

static void
rinetd_file(struct conv *c, unsigned line, const struct words *words)
{
	const char *word = words->w[0];
	struct part *spawnd = conv_spawnd(c);

	if (words->n == 2 && strcmp(word, "logfile") == 0)
		conv_set(c, conv_part(c, spawnd, "log", NULL), line, "to",
		    words->w[1]);
	else if (words->n == 2 && (strcmp(word, "pidlogfile") == 0 ||
	    strcmp(word, "pidfile") == 0))
		conv_set(c, spawnd, line, "pidfile", words->w[1]);
	else if (strcmp(word, "logcommon") == 0)
		conv_left(c, line, "lines of the log have one form");
	else
		conv_left(c, line, "not understood");
}

/* Ours is a list in which the first one that matches decides; there, who is
 * allowed must not be denied. */
static void
rinetd_rule(struct conv *c, unsigned line, const struct words *words,
    struct part *listen)
{
	struct part *at = listen != NULL ? listen : conv_spawnd(c);
	const bool allow = strcmp(words->w[0], "allow") == 0;
	const char *net = words->n == 2 ? rinetd_network(c, words->w[1]) :
	    NULL;

	if (net != NULL && allow)
		conv_add(c, at, line, "access", conv_text(c, "permit %s", net));
	else if (net != NULL)
		conv_put_first(c, at, line, "access",
		    conv_text(c, "deny %s", net));
	else {
		/* Nobody more is to be let in because of it. */
		conv_left(c, line, "no network that can be written here; %s "
		    "before access is put right", allow ?
		    "127.0.0.1 is let in for it" : "nobody is let in");
		if (allow)
			conv_add(c, at, line, "access", "permit 127.0.0.1");
		else
			conv_put_first(c, at, line, "access", "deny all");
	}
}

/* "10.0.*.*", "10.0.*" or an address; NULL for other patterns. */
static const char *
rinetd_network(struct conv *c, const char *pattern)
{
	unsigned parts = 0, stars = 0, part[4] = { 0, 0, 0, 0 };
	char *p = conv_text(c, "%s", pattern), *end;

	if (strcmp(p, "*") == 0)
		return "all";
	if (p[strspn(p, "0123456789.*")] != '\0')
		return strpbrk(p, "*?") == NULL ? pattern : NULL;
	for (; *p != '\0' && parts < 4; parts++) {
		if (*p == '*') {
			stars++;
			end = p + 1;
		} else if (part[parts] = (unsigned)strtoul(p, &end, 10),
		    stars > 0 || end == p || part[parts] > 255)
			return NULL;
		if (*end != '.' && *end != '\0')
			return NULL;
		p = end + (*end == '.');
	}
	if (*p != '\0' || (stars == 0 && parts != 4) || parts == stars)
		return NULL;
	return stars == 0 ? pattern : conv_text(c, "%u.%u.%u.%u/%u", part[0],
	    part[1], part[2], part[3], 8 * (parts - stars));
}

static struct part *
rinetd_forward(struct conv *c, unsigned line, const struct words *words)
{
	char *from = rinetd_port(c, line, words->w[1]);
	char *to = rinetd_port(c, line, words->w[3]);
	struct part *spawnd = conv_spawnd(c), *listen, *relay, *remote;

	if (from == NULL || to == NULL)
		return conv_apart(c, &conf_spec_listen);
	listen = conv_part(c, spawnd, "listen", conv_text(c, "port-%s", from));
	relay = conv_part(c, &c->root, "relay",
	    conv_text(c, "to-%s-%s", words->w[2], to));
	remote = conv_part(c, relay, "remote", "a");
	conv_set(c, listen, line, "relay", relay->title);
	conv_set(c, relay, line, "idle-timeout", "0");
	if (conv_set(c, listen, line, "address", words->w[0]) &&
	    conv_set(c, listen, line, "port", from) &&
	    conv_set(c, remote, line, "address", words->w[2]) &&
	    conv_set(c, remote, line, "port", to)) {
		if (words->n > 4)
			rinetd_options(c, line, words->w[4], relay);
		return listen;
	}
	conv_drop(spawnd, listen);
	conv_drop(&c->root, relay);
	return listen;
}

/* Without what is spoken there; NULL if that is not TCP. */
static char *
rinetd_port(struct conv *c, unsigned line, char *port)
{
	char *slash = strchr(port, '/');

	if (slash == NULL)
		return port;
	*slash = '\0';
	if (strcasecmp(slash + 1, "tcp") == 0)
		return port;
	conv_left(c, line, "%s is not relayed", slash + 1);
	return NULL;
}

/* "[timeout=60,src=10.0.0.1]" */
static void
rinetd_options(struct conv *c, unsigned line, char *text, struct part *relay)
{
	char *word, *rest = text, *value;

	while ((word = strsep(&rest, "[], \t")) != NULL) {
		if (*word == '\0')
			continue;
		if ((value = strchr(word, '=')) != NULL)
			*value++ = '\0';
		if (value != NULL && strcmp(word, "timeout") == 0)
			conv_set(c, relay, line, "idle-timeout", value);
		else if (value != NULL && strcmp(word, "src") == 0)
			conv_set(c, relay, line, "local-address", value);
		else if (value != NULL && strcmp(word, "keepalive") == 0)
			conv_set(c, relay, line, "keepalive", value);
		else
			conv_left(c, line, "%s is not understood", word);
	}
}
