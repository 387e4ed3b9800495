#include "compat.h"

#include <getopt.h>
#include <stdarg.h>

#include "conf/conf.h"
#include "ev.h"
#include "fdname.h"
#include "log.h"
#include "options.h"
#include "quick.h"
#include "sandbox.h"

#define URL_MOST	2048	/* bytes */

/* Those that have no letter. */
enum { OPT_RECORD = 256, OPT_DUMP, OPT_FAULT };

static void	usage(const char *, ...) printf_like(1, 2) no_return;
static void	synopsis(FILE *);
static void	help(void) no_return;
static void	version(void) no_return;
static void	variable(const char *);
static int	level(const char *);
static char	*absolute(struct options *, const char *);
static void	quick_more(struct quick *, int);
static void	option(struct options *, struct quick *, int, const char *);
static void	together(const struct options *, const struct quick *, int,
		    char **);
static void	source(struct options *, struct quick *, const char *);
static bool	url_is(const char *);
static const char *url_checked(const char *);

static void
usage(const char *fmt, ...)
{
	va_list ap;

	fputs("spawnd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	synopsis(stderr);
	exit(2);
}

static void
synopsis(FILE *f)
{
	fputs("usage: spawnd [-bfinPTvV] [-A file] [-D name=value] [-d level]\n"
	    "              [-p pidfile] [configuration-file]\n"
	    "       spawnd [-s socket] -L [address:]port "
	    "-R host:port[,weight] [-R ...]\n"
	    "              [filter ...]\n"
	    "       spawnd [-s socket] -S [address:]port [filter ...]\n"
	    "       spawnd --help | --version\n", f);
}

static void
help(void)
{
	synopsis(stdout);
	fputs("\n"
	    "-A file        write the addresses that are bound there\n"
	    "-b, -f         run in the background; in the foreground\n"
	    "-D name=value  set ${name} of the configuration\n"
	    "-d level       log from error, warning, notice, info or debug "
	    "on; -v: debug\n"
	    "-i             started by inetd\n"
	    "-L, -R         listen and relay to there, without a file\n"
	    "-n, -P         check the configuration\n"
	    "-p file        the pid file\n"
	    "-s socket      with -L or -S: listen there for spawnctl\n"
	    "-S             be a proxy for SOCKS and CONNECT there, without a "
	    "file\n"
	    "-T             print the configuration with all defaults\n"
	    "-h, --help     this\n"
	    "-V, --version  the version, and where things are\n"
	    "\nA filter, for what goes through with -L or -S, is one of:\n"
	    "--record folder                  recorded there, for tshark\n"
	    "--dump[=hex | =text]             shown on the standard error\n"
	    "--fault option=value[,...]       what goes wrong, as "
	    "latency=100ms;\n"
	    "                                 may be given again\n"
	    "\nThe configuration-file is " SPAWND_CONF " by default; see "
	    "spawnd(8).\n", stdout);
	exit(fflush(stdout) == EOF);
}

static void
version(void)
{
	const char *err;

	printf("spawnd %s\n", PACKAGE_VERSION);
	printf("configuration: %s\n", SPAWND_CONF);
	printf("workers: %s\n", SPAWND_LIBEXECDIR);
	if (ev_init(&err) == 0)
		printf("events: %s\n", ev_mechanism());
	else
		printf("events: %s\n", err);
	printf("worker sandbox: %s\n", sandbox_describe(true));
	exit(0);
}

static int
level(const char *name)
{
	int l = log_level_of(name);

	if (l != -1)
		return l;
	fprintf(stderr, "spawnd: -d %s: use error, warning, notice, info or "
	    "debug\n", name);
	exit(2);
}

/* -D name=value: ${name} in the file. */
static void
variable(const char *text)
{
	const char *eq = strchr(text, '=');
	char name[128];

	if (eq == NULL || eq == text ||
	    (size_t)(eq - text) >= sizeof(name)) {
		fprintf(stderr, "spawnd: -D %s: use name=value\n", text);
		exit(2);
	}
	strlcpy(name, text, (size_t)(eq - text) + 1);
	if (setenv(name, eq + 1, 1) == -1)
		fatal("-D %s", text);
}

/* The daemon changes its directory; a reload must find the same file. */
static char *
absolute(struct options *o, const char *path)
{
	char cwd[1024], *full;

	o->relative = o->relative || path[0] != '/';
	if (path[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
		full = strdup(path);
	else if (asprintf(&full, "%s/%s", cwd, path) == -1)
		full = NULL;
	if (full == NULL)
		fatal("%s", path);
	return full;
}

static void
quick_more(struct quick *q, int ch)
{
	if (ch == 'L' && q->listen != NULL)
		usage("-L is given twice; a configuration file may have any "
		    "number of listeners");
	if (ch == 'S' && q->ask != NULL)
		usage("-S is given twice; a configuration file may have any "
		    "number of listeners");
	if (ch == 'R' && q->n == QUICK_MAX)
		usage("there are more than %d -R; use a configuration file",
		    QUICK_MAX);
	if (ch == OPT_FAULT && q->nfaults == QUICK_FAULTS)
		usage("there are more than %d --fault; use a configuration "
		    "file", QUICK_FAULTS);
	if (ch == 's')
		q->control = optarg;
	else if (ch == OPT_RECORD)
		q->record = optarg;
	else if (ch == OPT_DUMP)
		q->dump = optarg != NULL ? optarg : "hex";
	else if (ch == OPT_FAULT)
		q->faults[q->nfaults++] = optarg;
	else if (ch == 'L')
		q->listen = optarg;
	else if (ch == 'S')
		q->ask = optarg;
	else
		q->remotes[q->n++] = optarg;
}

static void
option(struct options *o, struct quick *q, int ch, const char *word)
{
	switch (ch) {
	case 'A': o->addrs_path = absolute(o, optarg); break;
	case 'b': o->background = true; break;
	case 'D': variable(optarg); break;
	case 'd': o->level = level(optarg); break;
	case 'f': o->background = false; break;
	case 'h': help();
	case 'i': o->inetd = true; break;
	case 'L':
	case 'R':
	case 'S':
	case 's':
	case OPT_RECORD:
	case OPT_DUMP:
	case OPT_FAULT: quick_more(q, ch); break;
	case 'n':
	case 'P': o->check = true; break;
	case 'p': o->pidfile = absolute(o, optarg); break;
	case 'T': o->print = true; break;
	case 'v': o->level = LOG_DEBUG; break;
	case 'V': version();
	case ':': usage("something is missing behind %s", word);
	default:
		if (optopt == 'c' || optopt == 'C' || optopt == 't')
			usage("unknown option: -%c; a file is named alone, as "
			    "in spawnd %s, and -n checks it", optopt,
			    SPAWND_CONF);
		if (optopt != 0)
			usage("unknown option: -%c", optopt);
		usage("unknown option: %s", word);
	}
}

static void
together(const struct options *o, const struct quick *q, int argc, char **argv)
{
	if (q->ask != NULL && (q->listen != NULL || q->n != 0))
		usage("-S is alone: its clients say where they go; a "
		    "configuration file may have both");
	if (q->listen != NULL && q->n == 0)
		usage("-L needs a remote: -R host:port");
	if (q->listen == NULL && q->n != 0)
		usage("-R needs a listener: -L [address:]port");
	if (q->control != NULL && q->listen == NULL && q->ask == NULL)
		usage("-s goes with -L and -R, or -S; a configuration file "
		    "says control = PATH");
	if ((q->record != NULL || q->dump != NULL || q->nfaults != 0) &&
	    q->listen == NULL && q->ask == NULL)
		usage("--record, --dump and --fault go with -L and -R, or -S; "
		    "a configuration file says filters = { NAME }");
	if (q->ask != NULL && argc != 0)
		usage("-S stands for a configuration file: there is no use "
		    "for %s", argv[0]);
	if (q->listen != NULL && argc != 0)
		usage("-L and -R stand for a configuration file: there is no "
		    "use for %s", argv[0]);
	if (argc > 1)
		usage("%s is one file too many; the first one may include it",
		    argv[1]);
	if (o->inetd && (o->background || o->pidfile != NULL))
		usage("-i goes with neither -b nor -p");
}

void
options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "dump", optional_argument, NULL, OPT_DUMP },
		{ "fault", required_argument, NULL, OPT_FAULT },
		{ "help", no_argument, NULL, 'h' },
		{ "record", required_argument, NULL, OPT_RECORD },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	struct quick quick = { .listen = NULL };
	int ch;

	o->level = -1;
	opterr = 0;
	while ((ch = getopt_long(argc, argv, ":A:bD:d:fhiL:nPp:R:S:s:TvV",
	    longopts, NULL)) != -1)
		option(o, &quick, ch, argv[optind - 1]);
	argc -= optind;
	argv += optind;
	together(o, &quick, argc, argv);
	source(o, &quick, argc == 0 ? SPAWND_CONF : argv[0]);
}

static void
source(struct options *o, struct quick *q, const char *file)
{
	char *control = NULL, *record = NULL;
	const char *err;

	o->conf_fd = -1;
	if (q->listen != NULL || q->ask != NULL) {
		if (q->control != NULL)
			q->control = control = absolute(o, q->control);
		if (q->record != NULL)
			q->record = record = absolute(o, q->record);
		o->quick = quick_text(q, &err);
		free(control);
		free(record);
		if (o->quick != NULL)
			return;
		fprintf(stderr, "spawnd: %s\n", err);
		exit(2);
	}
	o->url = url_is(file);
	o->conf_path = o->url ? url_checked(file) : absolute(o, file);
	o->conf_fd = fdname_of(o->conf_path);
	if (o->conf_fd > STDIN_FILENO && !o->check && !o->print) {
		fprintf(stderr, "spawnd: %s can be read once only, and a "
		    "reload reads the file again: give it a name\n",
		    o->conf_path);
		exit(2);
	}
}

static bool
url_is(const char *file)
{
	return strncmp(file, "https://", 8) == 0 ||
	    strncmp(file, "http://", 7) == 0;
}

/* It is seen by others, in the log and by ps(1). */
static const char *
url_checked(const char *url)
{
	static const char *const here[] = { "127.0.0.1", "[::1]", "localhost" };
	const char *host = strstr(url, "//") + 2;
	const size_t len = strcspn(host, ":/?#");
	const bool bracket = *host == '[';
	size_t i, n;

	if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
		usage("there must be no user or password in a URL");
	if (strlen(url) > URL_MOST || strcspn(url, " \t\r\n\"\\") !=
	    strlen(url))
		usage("%s is no URL", url);
	if (url[4] == 's')
		return url;
	for (i = 0; i < nitems_of(here); i++) {
		n = strlen(here[i]);
		if (strncmp(host, here[i], n) == 0 && (bracket || len == n) &&
		    strchr(":/?#", host[n]) != NULL)
			return url;
	}
	usage("%s: http is for this machine only; use https", url);
}

const char *
options_source(const struct options *o)
{
	return o->quick != NULL ? "command line" : o->conf_path;
}
