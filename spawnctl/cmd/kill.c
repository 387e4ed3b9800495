#include "compat.h"

#include "cmd.h"
#include "list.h"

#define SESSIONS	16	/* in a request */

static int	 kill_sessions(int, char **);
static int	 kill_client(char **);
static bool	 kill_sure(const char *, uint64_t);
static void	 kill_none(const struct rec *);
static int	 kill_said(uint64_t, int);

int
cmd_kill(const struct cmd *c, int argc, char **argv)
{
	(void)c;
	if (argc < 2)
		cmd_wrong("kill needs sessions, or client NET; \"spawnctl show "
		    "sessions\" lists them");
	if (strcmp(argv[1], "client") != 0)
		return kill_sessions(argc - 1, argv + 1);
	if (argc != 3)
		cmd_wrong("kill client needs an address or a network");
	return kill_client(argv);
}

static int
kill_sessions(int n, char **names)
{
	char line[LIST_LINE] = "kill";
	uint64_t ended = 0, some;
	int i, status = 0;

	for (i = 0; i < n; i++) {
		if (names[i][strspn(names[i], "0123456789abcdefABCDEF-")] !=
		    '\0' || strlen(names[i]) > 24 ||
		    strchr(names[i], '-') == NULL)
			cmd_wrong("\"%.64s\" is no session: it is two numbers "
			    "with - between, as in the log", names[i]);
	}
	for (i = 0; i < n; i++) {
		strlcat(line, " id ", sizeof(line));
		strlcat(line, names[i], sizeof(line));
		if (i + 1 < n && (i + 1) % SESSIONS != 0)
			continue;
		some = 0;
		status |= list_run(line, kill_none, &some);
		ended += some;
		strlcpy(line, "kill", sizeof(line));
	}
	if (status == 0 && ended < (uint64_t)n)
		fprintf(stderr, "spawnctl: %llu of the sessions are not "
		    "there (any more)\n",
		    (unsigned long long)((uint64_t)n - ended));
	return kill_said(ended, status | (ended < (uint64_t)n));
}

static int
kill_client(char **argv)
{
	char line[LIST_LINE] = "list";
	uint64_t n = 0;
	int status;

	list_words(line, 2, argv + 1, NULL);
	if (!ctl.yes) {
		if ((status = list_run(line, kill_none, &n)) != 0)
			return status;
		if (n == 0)
			return kill_said(0, 0);
		if (!kill_sure(argv[2], n))
			return 1;
	}
	memcpy(line, "kill", 4);
	status = list_run(line, kill_none, &n);
	return kill_said(n, status);
}

/* Without a terminal there is nobody to be asked. */
static bool
kill_sure(const char *net, uint64_t n)
{
	int c;

	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "spawnctl: this would end %llu sessions; "
		    "--yes says that it is meant\n", (unsigned long long)n);
		return false;
	}
	printf("End %llu sessions of %s? [y/N] ", (unsigned long long)n, net);
	fflush(stdout);
	c = getchar();
	return c == 'y' || c == 'Y';
}

/* How many there are is all that is wanted. */
static void
kill_none(const struct rec *r)
{
	(void)r;
}

static int
kill_said(uint64_t n, int status)
{
	if (ctl.json)
		printf("{\"ended\": %llu}\n", (unsigned long long)n);
	else
		printf("ended %llu sessions\n", (unsigned long long)n);
	return status;
}
