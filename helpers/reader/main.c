/*
 * reader - reads and checks a configuration, resolves the names in it, and
 * leaves what comes of it to the master, which does none of this itself.
 *
 *	reader name level how
 *
 * name is the file. level is the one to log at, -1 for the configuration's.
 * how has a 0 if the text is at descriptor 0 and name only what to call it, a q
 * if a comment at the end of each line is the argument that it is made of, an
 * i if inetd has started the master, an n if what would be in the way of a
 * start is to be looked for, and a T if the configuration is wanted as text.
 * The descriptors are those of proto.h: the value goes to one, to the second
 * all mistakes, a line each, or that text, warnings to the third, and
 * certificates and keys to the fourth. The
 * status is 0, or 1 if there are mistakes, or 3 if a limit of files is in the
 * way.
 */
#include "compat.h"

#include <sys/stat.h>

#include "conf/conf.h"
#include "log.h"
#include "names.h"
#include "passwords.h"
#include "probe.h"
#include "proto.h"
#include "sandbox.h"
#include "secrets.h"
#include "start.h"

#define TEXT_MAX	(16 * 1024 * 1024)	/* bytes, as of a file */

static void	 look(struct conf_check *, const struct cfg_t *);
static void	 usage(void) no_return;
static struct conf *load(const char *, const char *);
static char	*text_of(int, const char *);
static bool	 inetd_can(struct conf *, const char *);
static void	 say(void *, enum conf_kind, const char *, int, const char *);
static void	 say_argument(void *, enum conf_kind, const char *, int,
		    const char *);
static void	 mistake(const char *, const char *);
static void	 refused(struct conf **, const char *, const char *);
static void	 leave(struct conf *, int, bool);
static void	 lost(void) no_return;

static FILE	*report, *warnings;
static bool	 check;		/* nothing is to be started */
static bool	 shown;		/* what is said is no line of a log, which has
				   the word for a warning itself */
static bool	 wrong;		/* there was a mistake */

int
main(int argc, char **argv)
{
	const char *name, *how, *err;
	const struct sandbox box = { .role = SANDBOX_READER };
	struct conf *conf;
	struct stat st;
	bool good, caged;

	if (argc != 4 || fstat(READER_FD_VALUE, &st) == -1 ||
	    fstat(READER_FD_REPORT, &st) == -1 ||
	    fstat(READER_FD_WARN, &st) == -1 ||
	    fstat(READER_FD_SECRETS, &st) == -1)
		usage();
	name = argv[1];
	how = argv[3];
	check = strchr(how, 'n') != NULL;
	shown = strpbrk(how, "nT") != NULL;
	start_signals();
	if (sandbox_reader(READER_MAX) == -1)
		fatal("sandbox");
	sandbox_early();
	/* It has not read yet whether it must. */
	caged = sandbox_enter(&box, &err) == 0;
	if ((report = fdopen(READER_FD_REPORT, "w")) == NULL ||
	    (warnings = fdopen(READER_FD_WARN, "w")) == NULL)
		fatal("descriptors");
	setproctitle("%s", name);
	names_start();
	conf_look_with(look);
	if ((conf = load(name, how)) != NULL &&
	    strchr(how, 'i') != NULL && !inetd_can(conf, name))
		conf_free(&conf);
	if (conf != NULL && conf->sandbox == CONF_SANDBOX_REQUIRE && !caged)
		refused(&conf, name, err);
	if (conf != NULL && geteuid() == 0 &&
	    conf_default_users(conf) == -1)
		fatal("user");
	if (conf != NULL) {
		probe(conf, check, name, say);
		if (wrong)
			conf_free(&conf);
	}
	if (conf != NULL)
		leave(conf, atoi(argv[2]), strchr(how, 'T') != NULL);
	good = conf != NULL;
	conf_free(&conf);
	if (fclose(warnings) == EOF || fclose(report) == EOF)
		lost();
	return !good;
}

/* All that others than the configuration's own files see in it. */
static void
look(struct conf_check *c, const struct cfg_t *root)
{
	secrets_look(c, root);
	names_look(c, root);
	passwords_look(c, root);
}

static void
usage(void)
{
	fprintf(stderr, "reader is a part of spawnd(8), which starts it\n");
	exit(2);
}

static struct conf *
load(const char *name, const char *how)
{
	struct conf *conf;
	char *text;

	if (strchr(how, '0') == NULL)
		return conf_load(name, say, NULL);
	if ((text = text_of(STDIN_FILENO, name)) == NULL)
		return NULL;
	conf = conf_load_text(text, name, strchr(how, 'q') != NULL ?
	    say_argument : say, text);
	free(text);
	return conf;
}

static char *
text_of(int fd, const char *name)
{
	size_t len = 0;
	char *text;
	ssize_t n;

	if ((text = malloc(TEXT_MAX + 2)) == NULL)
		fatal("%s", name);
	/* Not the first time that it is read, if it is a file. */
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, text + len, TEXT_MAX + 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	if (n == 0 && strlen(text) == len)
		return text;
	mistake(name, n == 0 ? "it is no text: it has a NUL byte" :
	    strerror(errno));
	free(text);
	return NULL;
}

/* It passes one socket, and decides when there is a process. */
static bool
inetd_can(struct conf *c, const char *name)
{
	char text[96];

	c->pidfile = NULL;
	if (c->nlistens == 1)
		return true;
	snprintf(text, sizeof(text), "-i needs exactly one \"listen\" "
	    "section; there are %u", c->nlistens);
	mistake(name, text);
	return false;
}

static void
say(void *arg, enum conf_kind kind, const char *file, int line,
    const char *text)
{
	const bool bad = kind == CONF_MISTAKE || (kind == CONF_DOUBT && check);
	FILE *f = bad ? report : warnings;
	const char *what = bad || !shown ? "" : "warning: ";

	(void)arg;
	wrong = wrong || bad;
	if (line != 0)
		fprintf(f, "%s:%d: %s%s\n", file, line, what, text);
	else
		fprintf(f, "%s: %s%s\n", file, what, text);
}

/* A line that nobody has written is called by what it is made of. */
static void
say_argument(void *arg, enum conf_kind kind, const char *file, int line,
    const char *text)
{
	const char *p = arg;
	char name[512];
	int i;

	for (i = 1; i < line && (p = strchr(p, '\n')) != NULL; i++)
		p++;
	if (line > 0 && p != NULL && (p = strstr(p, " # ")) != NULL)
		snprintf(name, sizeof(name), "%s: %.*s", file,
		    (int)strcspn(p + 3, "\n"), p + 3);
	else
		strlcpy(name, file, sizeof(name));
	say(NULL, kind, name, 0, text);
}

static void
mistake(const char *file, const char *text)
{
	say(NULL, CONF_MISTAKE, file, 0, text);
}

static void
refused(struct conf **conf, const char *file, const char *reason)
{
	char text[128];

	/* What cannot be had at all, the master says. */
	if (sandbox_missing() != NULL)
		return;
	snprintf(text, sizeof(text), "sandbox = require: %s", reason);
	mistake(file, text);
	conf_free(conf);
}

static void
leave(struct conf *conf, int level, bool print)
{
	if (level != -1)
		conf->log.level = level;
	if (conf_put(conf, READER_FD_VALUE) == -1 ||
	    (print && conf_print(conf, CONF_AS_WRITTEN, report) == -1))
		lost();
}

static void
lost(void)
{
	exit(errno == EFBIG ? 3 : 2);
}
