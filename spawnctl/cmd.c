#include "compat.h"

#include <stdarg.h>

#include "cmd.h"
#include "conf/conf.h"
#include "conf/near.h"

static const struct cmd *cmd_named(const char *, const char *);
static void	 cmd_unknown(const char *, const char *) no_return;
static void	 cmd_list(char *, size_t, const char *);

/* In the order of the help. */
static const struct cmd cmds[] = {
	{ "show", "summary", "", "the daemon as a whole", NULL, cmd_view },
	{ "show", "workers", "", "each worker process", NULL, cmd_view },
	{ "show", "generations", "", "what reloads have left", NULL,
	    cmd_view },
	{ "show", "listeners", "", "each listening socket", NULL, cmd_view },
	{ "show", "remotes", "", "each remote", NULL, cmd_view },
	{ "show", "times", "", "how long things took",
	    "Of each listen section how long its sessions waited for a worker, "
	    "how long\nhandshakes took and sessions lasted; of each remote how "
	    "long connects took.", cmd_view },
	{ "show", "ends", "", "how sessions have ended",
	    "Of each listen section, by who and why, as in the log.",
	    cmd_view },
	{ "show", "history", "", "the last hour, every ten seconds",
	    NULL, cmd_view },
	{ "show", "filters", "", "each filter that sessions have", NULL,
	    cmd_view },
	{ "show", "sessions", "[client NET] [listener NAME]\n"
	    "    [remote RELAY[/NAME]] [older TIME] [idle TIME]\n"
	    "    [sort rate|bytes|age] [over TIME] [limit N]",
	    "who is connected",
	    "All that is given has to hold. With -v: what the system knows of "
	    "each connection.", cmd_sessions },
	{ "show", "clients", "[sort sessions|bytes|age] [limit N] ...",
	    "the same by address",
	    "Of the sessions that are chosen as with show sessions.",
	    cmd_clients },
	{ "show", "errors", "", "what has happened, warnings and all",
	    "The last ones, those of all processes that are warnings, the "
	    "latest at the end.", cmd_view },
	{ "show", "tls", "", "each certificate that clients are shown",
	    "What has become of handshakes, by version, and why they fail.",
	    cmd_view },
	{ "show", "config", "", "the configuration that holds",
	    "With all defaults; what was set since follows as comments. "
	    "Secrets are left\nout.", cmd_config },
	{ "", "reload", "", "read the configuration again",
	    "Waits until it holds, or says why it does not.", cmd_plain },
	{ "", "reopen", "", "open the log file anew", NULL, cmd_plain },
	{ "", "log", "level LEVEL", "of all processes, until a reload",
	    "error, warning, notice, info or debug.", cmd_log },
	{ "", "monitor", "[every TIME]", "a line a second, what goes on",
	    "Until it is ended, or as many as with count N.", cmd_monitor },
	{ "", "top", "[every TIME]", "all at a glance, again and again",
	    "Sorted, filtered, and with keys that act, after a question; ? "
	    "lists them.\nWith -n N it prints so many and needs no terminal.",
	    cmd_top },
	{ "", "trace", "client NET [for TIME]", "what happens to sessions",
	    "As it happens, a line an event, until it is ended or the time "
	    "is over.", cmd_trace },
	{ "", "drain", "PID", "replace one worker process",
	    "It serves the sessions that it has, and ends.", cmd_drain },
	{ "", "kill", "SESSION ...", "end sessions; or: kill client NET",
	    "Both sides get a RST. Sessions are named as in the log; those of "
	    "a client,\naddress or network, after a question that -y answers.",
	    cmd_kill },
	{ "", "remote", "RELAY/NAME ...",
	    "enable, drain, disable, or weight N",
	    "Holds until the next reload, which says what it undoes.",
	    cmd_remote },
	{ "", "fault", "NAME ...",
	    "enable, disable, or set OPTION=VALUE ...",
	    "Of a fault section, for sessions that begin, and with --existing "
	    "for those that\nare open. All workers have it when this ends; it "
	    "holds until the next reload,\nwhich says what it undoes.",
	    cmd_fault },
	{ "", "record", "NAME on|off ...",
	    "record sessions or not; client NET, for TIME",
	    "Sessions that begin, of those clients only, and then the other "
	    "way round;\noff holds for open ones as well.", cmd_record },
	{ "", "upgrade", "", "go on as the binary installed now", NULL,
	    cmd_plain },
	{ "", "stop", "", "drain and end; twice: end now", NULL, cmd_plain },
	{ "", "convert", "FILE", "another relay's configuration as ours",
	    NULL, cmd_convert },
	{ "", "completion", "SHELL", "what bash or zsh needs to complete words",
	    "As in: source <(spawnctl completion bash)", cmd_completion },
	{ "", "help", "[COMMAND]", "print this, or about a command", NULL,
	    cmd_help_run }
};

const struct cmd *
cmd_find(int *argc, char ***argv)
{
	const char *first = "", *name = *argc > 0 ? **argv : NULL;
	const struct cmd *c;

	if (name != NULL && strcmp(name, "show") == 0) {
		first = "show";
		(*argc)--;
		(*argv)++;
		name = *argc > 0 ? **argv : NULL;
	}
	if (name == NULL || (c = cmd_named(first, name)) == NULL)
		cmd_unknown(first, name);
	return c;
}

static const struct cmd *
cmd_named(const char *first, const char *name)
{
	size_t i;

	for (i = 0; i < nitems_of(cmds); i++)
		if (strcmp(cmds[i].first, first) == 0 &&
		    strcmp(cmds[i].name, name) == 0)
			return &cmds[i];
	return NULL;
}

/* word is NULL if there is none. */
static void
cmd_unknown(const char *first, const char *word)
{
	const char *kind = *first == '\0' ? "command" : "view";
	struct near near;
	char all[512];
	size_t i;

	cmd_list(all, sizeof(all), first);
	if (word == NULL)
		cmd_wrong("a %s is missing; there are %s", kind, all);
	if (*first == '\0' && cmd_named("show", word) != NULL)
		cmd_wrong("%s is a view; did you mean \"show %s\"?", word,
		    word);
	near_init(&near, word);
	for (i = 0; i < nitems_of(cmds); i++)
		if (strcmp(cmds[i].first, first) == 0)
			near_try(&near, cmds[i].name);
	cmd_wrong("unknown %s \"%.64s\"; there are %s%s", kind, word, all,
	    near_hint(&near));
}

static void
cmd_list(char *all, size_t size, const char *first)
{
	size_t i;

	strlcpy(all, *first == '\0' ? "show VIEW" : "", size);
	for (i = 0; i < nitems_of(cmds); i++) {
		if (strcmp(cmds[i].first, first) != 0)
			continue;
		if (*all != '\0')
			strlcat(all, ", ", size);
		strlcat(all, cmds[i].name, size);
	}
}

void
cmd_wrong(const char *fmt, ...)
{
	va_list ap;

	fputs("spawnctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	cmd_usage(stderr);
	exit(2);
}

void
cmd_most(const struct cmd *c, int argc, char **argv, int n)
{
	if (argc > n)
		cmd_wrong("%s%s%s takes no \"%s\"", c->first,
		    *c->first != '\0' ? " " : "", c->name, argv[n]);
}

void
cmd_usage(FILE *f)
{
	fputs("usage: spawnctl [-v] [-s socket] [-t time] [--json | --bytes] "
	    "show view ...\n"
	    "       spawnctl [-y] [-s socket] [-t time] command ...\n"
	    "       spawnctl --help | --version\n", f);
}

void
cmd_help(FILE *f)
{
	const struct cmd *c;
	char text[64];
	size_t i;

	cmd_usage(f);
	fputs("\n"
	    "-s socket             where spawnd listens, its \"control\"; "
	    "else $SPAWND_CONTROL,\n"
	    "                      else " SPAWND_CONTROL "\n"
	    "-t time               how long an answer may take: 5s, 500ms, "
	    "0 for ever\n"
	    "-j, --json            a view as JSON\n"
	    "-b, --bytes           numbers of bytes as they are\n"
	    "-n number             top, monitor: print so many, then end\n"
	    "-v, --verbose         more about each session\n"
	    "--existing            what is set of a fault is for open sessions "
	    "as well\n"
	    "-y, --yes             do not ask whether it is meant\n"
	    "-h, --help            this\n"
	    "-V, --version         the version\n\n", f);
	for (i = 0; i < nitems_of(cmds); i++) {
		c = &cmds[i];
		/* What a view takes is long: its own help has it. */
		snprintf(text, sizeof(text), "%s %s", *c->first != '\0' ?
		    c->first : c->name, *c->first != '\0' ? c->name : c->args);
		fprintf(f, "%-21s %s\n", text, c->what);
	}
}

int
cmd_help_run(const struct cmd *self, int argc, char **argv)
{
	const struct cmd *c;

	argc--;
	argv++;
	if (argc == 0) {
		cmd_help(stdout);
		return 0;
	}
	c = cmd_find(&argc, &argv);
	cmd_most(self, argc, argv, 1);
	printf("%s%s%s%s%s: %s\n", c->first, *c->first != '\0' ? " " : "",
	    c->name, *c->args != '\0' ? " " : "", c->args, c->what);
	if (c->more != NULL)
		printf("%s\n", c->more);
	return 0;
}
