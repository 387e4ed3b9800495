#include "compat.h"

#include <ctype.h>

#include "conf/int.h"
#include "conf/parse.h"
#include "conf/scan.h"

#define LINES	32	/* that are looked at */
#define ADDRESS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789.:-_*[]"

/* What stands behind the first word of a line. */
enum shape { WORDS,	/* neither "{" nor "=" */
	BRACE,		/* "{" */
	VALUE,		/* "=" */
	SEMICOLON };	/* ";" at the end of the line */

struct line {
	const char	*p;		/* begins with its first word */
	size_t		 len;		/* to the end of the line */
	size_t		 word;
	const char	*next;		/* what is behind the word */
	bool		 first;		/* of the file */
};

static const char *foreign_skip(const char *, const char *, int *);
static const char *foreign_kind(const struct line *);
static const char *foreign_daemon(const struct line *);
static bool	 foreign_is(const struct line *, const char *);
static bool	 foreign_like(const struct line *, enum shape);
static const char *foreign_addresses(const struct line *);
static bool	 foreign_converts(const char *);
static bool	 foreign_goes_on(const struct line *);

static const struct {
	const char	*word;
	enum shape	 shape;
	const char	*kind;
} begins[] = {
	{ "global", WORDS, "HAProxy's" }, { "defaults", WORDS, "HAProxy's" },
	{ "frontend", WORDS, "HAProxy's" }, { "backend", WORDS, "HAProxy's" },
	{ "userlist", WORDS, "HAProxy's" }, { "bind", WORDS, "HAProxy's" },
	{ "events", BRACE, "nginx's" }, { "http", BRACE, "nginx's" },
	{ "stream", BRACE, "nginx's" }, { "server", BRACE, "nginx's" },
	{ "upstream", WORDS, "nginx's" }, { "user", SEMICOLON, "nginx's" },
	{ "worker_processes", SEMICOLON, "nginx's" },
	{ "pid", SEMICOLON, "nginx's" },
	{ "load_module", SEMICOLON, "nginx's" },
	{ "error_log", SEMICOLON, "nginx's" },
	{ "table", WORDS, "relayd's" }, { "redirect", WORDS, "relayd's" },
	{ "interval", WORDS, "relayd's" }, { "prefork", WORDS, "relayd's" },
	{ "logfile", WORDS, "rinetd's" }, { "logcommon", WORDS, "rinetd's" },
	{ "pidlogfile", WORDS, "rinetd's" }, { "allow", WORDS, "rinetd's" },
	{ "deny", WORDS, "rinetd's" }, { "id", VALUE, "tcprelay's" }
};

bool
scan_foreign(struct conf_text *t, const struct input *src)
{
	struct line l = { .p = src->p, .first = true };
	int line = src->line, i;
	const char *kind = NULL;

	for (i = 0; kind == NULL && i < LINES; i++, l.first = false) {
		l.p = foreign_skip(l.p + l.len, src->end, &line);
		l.len = strcspn(l.p, "\r\n");
		l.word = strcspn(l.p, " \t\r\n{=;");
		l.next = l.p + l.word + strspn(l.p + l.word, " \t");
		if ((kind = foreign_kind(&l)) == NULL &&
		    (kind = foreign_daemon(&l)) == NULL &&
		    !foreign_goes_on(&l))
			return false;
	}
	if (kind == NULL)
		return false;
	conf_text_mistake(t, conf_text_sync(t, src->file, line), "this is no "
	    "spawnd.conf(5) but looks like %s configuration: \"%.*s\"%s", kind,
	    (int)MIN(l.len, 64), l.p, foreign_daemon(&l) == NULL ? "" :
	    foreign_converts(kind) ?
	    "; \"spawnctl convert FILE\" makes one of it" :
	    "; \"Coming from another relay\" in " SPAWND_README
	    " has its words and ours");
	return true;
}

static bool
foreign_converts(const char *kind)
{
	return strcmp(kind, "HAProxy's") == 0 ||
	    strcmp(kind, "rinetd's") == 0 || strcmp(kind, "tcprelay's") == 0;
}

/* The next line that says something; text ends with a NUL. */
static const char *
foreign_skip(const char *p, const char *end, int *line)
{
	for (;;) {
		p += strspn(p, " \t\r");
		if (*p == '#')
			p += strcspn(p, "\n");
		if (*p != '\n' || p >= end)
			return p;
		p++;
		(*line)++;
	}
}

/* Only what can be right in no spawnd.conf(5) is one. */
static const char *
foreign_kind(const struct line *l)
{
	if (*l->p == '[')
		return "an INI or TOML";
	if (*l->p == '<')
		return "an XML";
	if (*l->p == '{' && l->first)
		return "a JSON";
	if (foreign_is(l, "---") || (l->word > 1 && *l->p != ':' &&
	    l->p[l->word - 1] == ':'))
		return "a YAML";
	return NULL;
}

/* A relay that one may come from. */
static const char *
foreign_daemon(const struct line *l)
{
	size_t i;

	for (i = 0; i < nitems_of(begins); i++)
		if (foreign_is(l, begins[i].word) &&
		    foreign_like(l, begins[i].shape))
			return begins[i].kind;
	return foreign_addresses(l);
}

static bool
foreign_is(const struct line *l, const char *word)
{
	return strlen(word) == l->word && memcmp(l->p, word, l->word) == 0;
}

static bool
foreign_like(const struct line *l, enum shape shape)
{
	switch (shape) {
	case BRACE:
		return *l->next == '{';
	case VALUE:
		return *l->next == '=';
	case SEMICOLON:
		return *l->next != '=' && l->p[l->len - 1] == ';';
	default:
		return *l->next != '=' && *l->next != '{';
	}
}

/* "HOST PORT HOST PORT", or "HOST:PORT HOST:PORT". */
static const char *
foreign_addresses(const struct line *l)
{
	size_t port = strspn(l->next, "0123456789");
	size_t second = strcspn(l->next, " \t\r\n");
	const char *third = l->next + second + strspn(l->next + second, " \t");

	if (l->word == 0 || second == 0 || strspn(l->p, ADDRESS) < l->word)
		return NULL;
	if (port == second || (port != 0 && l->next[port] == '/'))
		return isalnum((unsigned char)*third) || *third == ':' ?
		    "rinetd's" : NULL;
	if (memchr(l->p, ':', l->word) != NULL &&
	    memchr(l->next, ':', second) != NULL &&
	    isdigit((unsigned char)l->next[second - 1]))
		return "redir's";
	return NULL;
}

/* It does not say whose it is, and nothing of ours has begun. */
static bool
foreign_goes_on(const struct line *l)
{
	char word[32];

	if (l->len == 0 || l->word >= sizeof(word) ||
	    memchr(l->p, '{', l->len) != NULL ||
	    memchr(l->p, '(', l->len) != NULL)
		return false;
	memcpy(word, l->p, l->word);
	word[l->word] = '\0';
	return conf_spec_find(&conf_spec_root, word) == NULL;
}
