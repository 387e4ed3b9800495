/*
 * spawnctl - asks a running spawnd, and tells it what to do.
 */
#include "compat.h"

#include <sys/un.h>

#include <err.h>
#include <getopt.h>

static void	usage(void) no_return;
static int	control_connect(const char *);
static void	send_all(int, const char *);
static void	request(char *, size_t, int, char **, bool);
static bool	one_of(const char * const *, size_t, const char *);
static int	answer(int);

static const char * const views[] = { "summary", "workers", "generations",
	"listeners", "remotes" };
static const char * const verbs[] = { "reload", "upgrade", "stop" };

static void
usage(void)
{
	fprintf(stderr,
	    "usage: spawnctl [-s socket] [--json] show "
	    "summary|workers|generations|\n"
	    "                listeners|remotes\n"
	    "       spawnctl [-s socket] reload | upgrade | drain pid | "
	    "stop\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	const char *path = SPAWND_CONTROL;
	char line[256];
	bool json = false;
	int ch, fd;

	while ((ch = getopt_long(argc, argv, "js:", longopts, NULL)) != -1) {
		switch (ch) {
		case 'j':
			json = true;
			break;
		case 's':
			path = optarg;
			break;
		default:
			usage();
		}
	}
	request(line, sizeof(line), argc - optind, argv + optind, json);
	fd = control_connect(path);
	send_all(fd, line);
	return answer(fd);
}

static bool
one_of(const char * const *words, size_t n, const char *word)
{
	while (n-- > 0)
		if (strcmp(words[n], word) == 0)
			return true;
	return false;
}

/* The words of the command line as the request's line. */
static void
request(char *line, size_t size, int argc, char **argv, bool json)
{
	const char *arg = argc == 2 ? argv[1] : "";

	if (argc == 2 && strcmp(argv[0], "show") == 0 &&
	    one_of(views, nitems_of(views), arg))
		snprintf(line, size, "show %s%s\n", arg, json ? " json" : "");
	else if (argc == 2 && strcmp(argv[0], "drain") == 0 &&
	    strspn(arg, "0123456789") == strlen(arg) && *arg != '\0')
		snprintf(line, size, "drain %s\n", arg);
	else if (argc == 1 && one_of(verbs, nitems_of(verbs), argv[0]))
		snprintf(line, size, "%s\n", argv[0]);
	else
		usage();
}

static int
control_connect(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (strlcpy(un.sun_path, path, sizeof(un.sun_path)) >=
	    sizeof(un.sun_path))
		errx(1, "%s: too long for a unix socket", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		err(1, "%s (is spawnd running, with \"control\" set?)", path);
	return fd;
}

static void
send_all(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n)
		if ((n = send(fd, text, len, MSG_NOSIGNAL)) == -1)
			err(1, "send");
}

/* The first line is the verdict, the rest is what was asked for. */
static int
answer(int fd)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f;

	if ((f = fdopen(fd, "r")) == NULL)
		err(1, "fdopen");
	if ((n = getline(&line, &size, f)) <= 0)
		errx(1, "spawnd closed the connection without an answer");
	if (strcmp(line, "ok\n") != 0) {
		fputs(line, stderr);
		free(line);
		return 1;
	}
	while ((n = getline(&line, &size, f)) > 0)
		fwrite(line, 1, (size_t)n, stdout);
	free(line);
	return fflush(stdout) == EOF;
}
