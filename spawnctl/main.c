/*
 * spawnctl - asks a running spawnd, and tells it what to do.
 */
#include "compat.h"

#include <getopt.h>

#include "cmd.h"
#include "conf/conf.h"
#include "conf/int.h"
#include "env.h"
#include "every.h"
#include "out.h"

#define LIMIT	5000		/* ms that an answer may take */

static void	options(int, char **);
static void	option(int, char **);
static void	done(void) no_return;

struct ctl ctl = { .socket = SPAWND_CONTROL, .limit = LIMIT };

int
main(int argc, char **argv)
{
	const struct cmd *c;
	int status;

	options(argc, argv);
	out_start(ctl.bytes);
	argc -= optind;
	argv += optind;
	c = cmd_find(&argc, &argv);
	status = c->run(c, argc, argv);
	return fflush(stdout) == EOF ? 1 : status;
}

static void
options(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "bytes", no_argument, NULL, 'b' },
		{ "existing", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "yes", no_argument, NULL, 'y' },
		{ NULL, 0, NULL, 0 }
	};
	const char *env = env_get("SPAWND_CONTROL");
	int ch;

	if (env != NULL && *env != '\0')
		ctl.socket = env;
	opterr = 0;
	while ((ch = getopt_long(argc, argv, ":bhjn:s:t:vVy", longopts,
	    NULL)) != -1)
		option(ch, argv);
}

static void
option(int ch, char **argv)
{
	const char *err;

	switch (ch) {
	case 'b':
		ctl.bytes = true;
		break;
	case 'e':
		ctl.existing = true;
		break;
	case 'h':
		cmd_help(stdout);
		done();
	case 'j':
		ctl.json = true;
		break;
	case 'n':
		ctl.count = every_count(optarg);
		break;
	case 's':
		ctl.socket = optarg;
		break;
	case 't':
		if (conf_duration_of(optarg, &ctl.limit, &err) == -1)
			cmd_wrong("-t: %s", err);
		break;
	case 'v':
		ctl.verbose = true;
		break;
	case 'V':
		printf("spawnctl %s\n", PACKAGE_VERSION);
		done();
	case 'y':
		ctl.yes = true;
		break;
	case ':':
		cmd_wrong("something is missing behind the option: -%c",
		    optopt);
	default:
		if (optopt != 0)
			cmd_wrong("unknown option: -%c", optopt);
		cmd_wrong("unknown option: %s", argv[optind - 1]);
	}
}

static void
done(void)
{
	exit(fflush(stdout) == EOF);
}
