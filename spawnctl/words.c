#include "compat.h"

#include <stdarg.h>

#include "conf/conf.h"
#include "conf/near.h"
#include "words.h"

static int	 words_show(char *, size_t, int, char **, bool, const char **);
static int	 words_drain(char *, size_t, int, char **, const char **);
static int	 words_remote(char *, size_t, int, char **, const char **);
static int	 words_wrong(const char **, const char *, ...)
		    printf_like(2, 3);
static int	 words_unknown(const char **, const char *, const char *);
static void	 words_list(char *, size_t, const char *, const char *);
static const struct word *words_find(const char *, const char *);

/* A view is the second word of "show". */
static const struct word {
	const char	*first, *name, *arg;
	bool		 lasts;
	const char	*what;
} words[] = {
	{ "show", "summary", NULL, false, "the daemon as a whole" },
	{ "show", "workers", NULL, false, "each worker process" },
	{ "show", "generations", NULL, false, "what reloads have left" },
	{ "show", "listeners", NULL, false, "each listening socket" },
	{ "show", "remotes", NULL, false, "each remote" },
	{ "", "reload", NULL, true, "read the configuration again" },
	{ "", "reopen", NULL, false, "open the log file anew" },
	{ "", "drain", " PID", false, "replace one worker process" },
	{ "", "remote", " RELAY/NAME ...", false,
	    "enable, drain, disable, or weight N" },
	{ "", "upgrade", NULL, true, "go on as the binary installed now" },
	{ "", "stop", NULL, false, "drain and end; twice: end now" },
	{ "", "convert", " FILE", false,
	    "another relay's configuration as ours" },
	{ "", "help", NULL, false, "print this" }
};

int
words_request(char *line, size_t size, int argc, char **argv, bool json,
    const char **errp)
{
	const char *verb = argc > 0 ? argv[0] : NULL;

	if (verb == NULL)
		return words_unknown(errp, "", NULL);
	if (strcmp(verb, "show") == 0)
		return words_show(line, size, argc, argv, json, errp);
	if (words_find("", verb) == NULL)
		return words_unknown(errp, "", verb);
	if (strcmp(verb, "drain") == 0)
		return words_drain(line, size, argc, argv, errp);
	if (strcmp(verb, "remote") == 0)
		return words_remote(line, size, argc, argv, errp);
	if (strcmp(verb, "convert") == 0) {
		*line = '\0';
		return argc == 2 ? 0 : words_wrong(errp, "convert needs the "
		    "file of another relay, or - for the standard input");
	}
	if (argc > 1)
		return words_wrong(errp, "%s takes no \"%s\"", verb, argv[1]);
	snprintf(line, size, "%s\n", verb);
	return 0;
}

static int
words_show(char *line, size_t size, int argc, char **argv, bool json,
    const char **errp)
{
	if (argc < 2 || words_find("show", argv[1]) == NULL)
		return words_unknown(errp, "show", argc < 2 ? NULL : argv[1]);
	if (argc > 2)
		return words_wrong(errp, "show %s takes no \"%s\"", argv[1],
		    argv[2]);
	snprintf(line, size, "show %s%s\n", argv[1], json ? " json" : "");
	return 0;
}

static int
words_drain(char *line, size_t size, int argc, char **argv, const char **errp)
{
	const char *why;

	if (argc == 2)
		strtonum(argv[1], 1, INT32_MAX, &why);
	if (argc != 2 || why != NULL)
		return words_wrong(errp, "drain needs the process id of a "
		    "worker; \"spawnctl show workers\" lists them");
	snprintf(line, size, "drain %s\n", argv[1]);
	return 0;
}

/* Whether there is such a remote, and what its weight may be, spawnd knows. */
static int
words_remote(char *line, size_t size, int argc, char **argv,
    const char **errp)
{
	static const char * const changes[] = { "enable", "drain", "disable",
		"weight" };
	const bool weight = argc > 2 && strcmp(argv[2], "weight") == 0;
	unsigned i = 0;

	if (argc < 2 || strchr(argv[1], '/') == NULL)
		return words_wrong(errp, "remote needs RELAY/NAME; \"spawnctl "
		    "show remotes\" lists them");
	while (argc > 2 && i < nitems_of(changes) &&
	    strcmp(argv[2], changes[i]) != 0)
		i++;
	if (argc < 3 || i == nitems_of(changes) || argc != 3 + weight)
		return words_wrong(errp, "remote %.64s: use enable, drain, "
		    "disable or weight N", argv[1]);
	if (strcspn(argv[1], " \n") != strlen(argv[1]) ||
	    (weight && strspn(argv[3], "0123456789") != strlen(argv[3])))
		return words_wrong(errp, "remote %.64s: weight needs a number",
		    argv[1]);
	snprintf(line, size, "remote %s %s%s%s\n", argv[1], argv[2],
	    weight ? " " : "", weight ? argv[3] : "");
	return 0;
}

static int
words_wrong(const char **errp, const char *fmt, ...)
{
	static char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	*errp = why;
	return -1;
}

/* word is NULL if there is none. */
static int
words_unknown(const char **errp, const char *first, const char *word)
{
	const char *kind = *first == '\0' ? "command" : "view";
	struct near near;
	char all[128] = "";
	size_t i;

	if (*first == '\0')
		words_list(all, sizeof(all), "show", "VIEW");
	for (i = 0; i < nitems_of(words); i++)
		if (strcmp(words[i].first, first) == 0)
			words_list(all, sizeof(all), "", words[i].name);
	if (word == NULL)
		return words_wrong(errp, "a %s is missing; there are %s", kind,
		    all);
	if (*first == '\0' && words_find("show", word) != NULL)
		return words_wrong(errp, "%s is a view; did you mean \"show "
		    "%s\"?", word, word);
	near_init(&near, word);
	for (i = 0; i < nitems_of(words); i++)
		if (strcmp(words[i].first, first) == 0)
			near_try(&near, words[i].name);
	return words_wrong(errp, "unknown %s \"%.64s\"; there are %s%s", kind,
	    word, all, near_hint(&near));
}

static void
words_list(char *all, size_t size, const char *first, const char *name)
{
	if (*all != '\0')
		strlcat(all, ", ", size);
	strlcat(all, first, size);
	if (*first != '\0')
		strlcat(all, " ", size);
	strlcat(all, name, size);
}

static const struct word *
words_find(const char *first, const char *name)
{
	size_t i;

	for (i = 0; i < nitems_of(words); i++)
		if (strcmp(words[i].first, first) == 0 &&
		    strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

bool
words_lasts(const char *command)
{
	const struct word *w = words_find("", command);

	return w != NULL && w->lasts;
}

void
words_usage(FILE *f)
{
	fputs("usage: spawnctl [-s socket] [-t time] [--json] show view\n"
	    "       spawnctl [-s socket] [-t time] command\n"
	    "       spawnctl --help | --version\n", f);
}

void
words_help(FILE *f)
{
	const struct word *w;
	char text[64];
	size_t i;

	words_usage(f);
	fputs("\n"
	    "-s socket             where spawnd listens, its \"control\"; "
	    "else $SPAWND_CONTROL,\n"
	    "                      else " SPAWND_CONTROL "\n"
	    "-t time               how long an answer may take: 5s, 500ms, "
	    "0 for ever\n"
	    "-j, --json            a view as JSON\n"
	    "-h, --help            this\n"
	    "-V, --version         the version\n\n", f);
	for (i = 0; i < nitems_of(words); i++) {
		w = &words[i];
		snprintf(text, sizeof(text), "%s%s%s%s", w->first,
		    *w->first != '\0' ? " " : "", w->name,
		    w->arg != NULL ? w->arg : "");
		fprintf(f, "%-21s %s\n", text, w->what);
	}
}
