/*
 * spawnctl - asks a running spawnd, and tells it what to do.
 */
#include "compat.h"

#include <getopt.h>

#include "conf/conf.h"
#include "conf/int.h"
#include "convert/convert.h"
#include "env.h"
#include "link.h"
#include "sandbox.h"
#include "words.h"

#define LIMIT	5000		/* ms that an answer may take */

static void	usage(const char *, const char *) no_return;
static void	options(int, char **);
static void	option(int, char **);
static void	done(void) no_return;
static void	confine(void);
static int	translate(const char *);
static int	answer(const char *);

static const char	*path = SPAWND_CONTROL;
static uint64_t		 limit = LIMIT;
static bool		 json;

int
main(int argc, char **argv)
{
	char line[256], *text;
	const char *err;
	int status;

	options(argc, argv);
	argc -= optind;
	argv += optind;
	if (words_request(line, sizeof(line), argc, argv, json, &err) == -1)
		usage(err, NULL);
	if (strcmp(argv[0], "help") == 0) {
		words_help(stdout);
		done();
	}
	if (strcmp(argv[0], "convert") == 0)
		return translate(argv[1]);
	confine();
	text = link_ask(path, line, limit, words_lasts(argv[0]));
	status = answer(text);
	free(text);
	return status;
}

static void
usage(const char *reason, const char *detail)
{
	fprintf(stderr, "spawnctl: %s%s%s\n", reason,
	    detail != NULL ? ": " : "", detail != NULL ? detail : "");
	words_usage(stderr);
	exit(2);
}

static void
options(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	const char *env = env_get("SPAWND_CONTROL");
	int ch;

	if (env != NULL && *env != '\0')
		path = env;
	opterr = 0;
	while ((ch = getopt_long(argc, argv, ":hjs:t:V", longopts,
	    NULL)) != -1)
		option(ch, argv);
}

static void
option(int ch, char **argv)
{
	const char *err, letter[] = { '-', (char)optopt, '\0' };

	switch (ch) {
	case 'h':
		words_help(stdout);
		done();
	case 'j':
		json = true;
		break;
	case 's':
		path = optarg;
		break;
	case 't':
		if (conf_duration_of(optarg, &limit, &err) == -1)
			usage("-t", err);
		break;
	case 'V':
		printf("spawnctl %s\n", PACKAGE_VERSION);
		done();
	case ':':
		usage("something is missing behind the option", letter);
	default:
		usage("unknown option", optopt != 0 ? letter :
		    argv[optind - 1]);
	}
}

static void
done(void)
{
	exit(fflush(stdout) == EOF);
}

/* What the file says is read when nothing can be opened any more. */
static int
translate(const char *file)
{
	char *text = convert_read(file);
	int status;

	if (text == NULL) {
		fprintf(stderr, "spawnctl: %s: %s\n", file, errno == EINVAL ?
		    "it is no text: it has a NUL byte" : strerror(errno));
		return 1;
	}
	confine();
	status = convert(file, text, stdout, stderr);
	free(text);
	return fflush(stdout) == EOF ? 1 : status;
}

/* As far as the system can: who answers may be anybody, and root asks. */
static void
confine(void)
{
	const struct sandbox box = { .role = SANDBOX_CTL };
	const char *err;

	if (sandbox_basic(box.role) == 0)
		sandbox_enter(&box, &err);
}

/* The first line is the verdict, the rest is what was asked for. */
static int
answer(const char *text)
{
	size_t n = strcspn(text, "\n");

	if (text[n] != '\n') {
		fprintf(stderr, "spawnctl: spawnd closed the connection "
		    "without an answer\n");
		return 1;
	}
	if (n != 2 || strncmp(text, "ok", 2) != 0) {
		fprintf(stderr, "%.*s\n", (int)n, text);
		return 1;
	}
	fputs(text + n + 1, stdout);
	return fflush(stdout) == EOF;
}
