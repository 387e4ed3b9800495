#include "compat.h"

#include "ask.h"
#include "cmd.h"

static bool	 remote_change(int, char **);

/* Whether there is such a remote, and what its weight may be, spawnd knows. */
int
cmd_remote(const struct cmd *c, int argc, char **argv)
{
	const bool weight = argc == 4;

	(void)c;
	if (argc < 2 || strchr(argv[1], '/') == NULL)
		cmd_wrong("remote needs RELAY/NAME; \"spawnctl show remotes\" "
		    "lists them");
	if (!remote_change(argc, argv))
		cmd_wrong("remote %.64s: use enable, drain, disable or weight "
		    "N", argv[1]);
	if (strcspn(argv[1], " \n") != strlen(argv[1]) ||
	    (weight && strspn(argv[3], "0123456789") != strlen(argv[3])))
		cmd_wrong("remote %.64s: weight needs a number", argv[1]);
	return ask_print(ask(false, "remote %s %s%s%s", argv[1], argv[2],
	    weight ? " " : "", weight ? argv[3] : ""));
}

static bool
remote_change(int argc, char **argv)
{
	static const char * const changes[] = { "enable", "drain", "disable" };
	size_t i;

	if (argc == 4)
		return strcmp(argv[2], "weight") == 0;
	for (i = 0; argc == 3 && i < nitems_of(changes); i++)
		if (strcmp(argv[2], changes[i]) == 0)
			return true;
	return false;
}
