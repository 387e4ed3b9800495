#include "compat.h"

#include <ctype.h>

#include "conf/scan.h"

static const char *foreign_first(const char *, const char *, int *);
static const char *foreign_kind(const char *, size_t);
static bool	 foreign_is(const char *, size_t, const char *);
static bool	 foreign_ports(const char *, const char *);

/* What other programs' files begin with: a word, and "{" behind it, or ";" at
 * the end of the line, or any but "{". */
static const struct {
	const char	*word;
	char		 behind;
	const char	*kind;
} begins[] = {
	{ "global", 0, "HAProxy's" }, { "defaults", 0, "HAProxy's" },
	{ "frontend", 0, "HAProxy's" }, { "backend", 0, "HAProxy's" },
	{ "events", '{', "nginx's" }, { "http", '{', "nginx's" },
	{ "stream", '{', "nginx's" }, { "user", ';', "nginx's" },
	{ "worker_processes", ';', "nginx's" }, { "pid", ';', "nginx's" },
	{ "load_module", ';', "nginx's" }, { "error_log", ';', "nginx's" }
};

bool
scan_foreign(struct conf_text *t, const struct input *src)
{
	int line = src->line;
	const char *p = foreign_first(src->p, src->end, &line), *kind;
	size_t len = strcspn(p, "\r\n");

	if ((kind = foreign_kind(p, len)) == NULL)
		return false;
	conf_text_mistake(t, conf_text_sync(t, src->file, line), "this is no "
	    "spawnd.conf(5) but looks like %s configuration: \"%.*s\"", kind,
	    (int)MIN(len, 64), p);
	return true;
}

/* The first line that says something; text ends with a NUL. */
static const char *
foreign_first(const char *p, const char *end, int *line)
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
foreign_kind(const char *p, size_t len)
{
	size_t word = strcspn(p, " \t\r\n{=;"), i;
	const char *next = p + word + strspn(p + word, " \t");

	if (*p == '[')
		return "an INI or TOML";
	if (*p == '<')
		return "an XML";
	if (*p == '{')
		return "a JSON";
	if (foreign_is(p, len, "---") || (word > 1 && p[word - 1] == ':'))
		return "a YAML";
	if (foreign_ports(p, next))
		return "rinetd's";
	for (i = 0; i < nitems_of(begins); i++)
		if (foreign_is(p, word, begins[i].word) && *next != '=' &&
		    (*next == '{') == (begins[i].behind == '{') &&
		    (begins[i].behind != ';' || p[len - 1] == ';'))
			return begins[i].kind;
	return NULL;
}

static bool
foreign_is(const char *p, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(p, word, len) == 0;
}

/* An address, and behind it a port. */
static bool
foreign_ports(const char *p, const char *next)
{
	return isdigit((unsigned char)*p) &&
	    (isdigit((unsigned char)*next) || *next == '\0');
}
