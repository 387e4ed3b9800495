#include "compat.h"

#include <inttypes.h>

#include "ask.h"
#include "cmd.h"

static void	 fault_words(char *, size_t, int, char **);

/* Which faults there are, and what may be set of them, spawnd knows. It says
 * itself which worker does not answer, and a little earlier. */
int
cmd_fault(const struct cmd *c, int argc, char **argv)
{
	char words[256];

	(void)c;
	if (argc < 2 || argv[1][strcspn(argv[1], " \n")] != '\0')
		cmd_wrong("fault needs the name of a fault section");
	fault_words(words, sizeof(words), argc, argv);
	return ask_print(ask(false, "fault %s %" PRIu64 " %s %s", argv[1],
	    ctl.limit - ctl.limit / 10, ctl.existing ? "existing" : "new",
	    words));
}

static void
fault_words(char *words, size_t size, int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";
	int i;

	if (argc == 3 && strcmp(verb, "enable") == 0)
		strlcpy(words, "enabled=yes", size);
	else if (argc == 3 && strcmp(verb, "disable") == 0)
		strlcpy(words, "enabled=no", size);
	else if (argc > 3 && strcmp(verb, "set") == 0) {
		*words = '\0';
		for (i = 3; i < argc; i++)
			if (strlcat(words, i == 3 ? "" : " ", size) >= size ||
			    strlcat(words, argv[i], size) >= size)
				cmd_wrong("that is too long");
	} else
		cmd_wrong("fault %.64s: use enable, disable or set "
		    "OPTION=VALUE ...", argv[1]);
}
