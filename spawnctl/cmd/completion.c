#include "compat.h"

#include "cmd.h"
#include "cmd/scripts.h"

int
cmd_completion(const struct cmd *c, int argc, char **argv)
{
	const char * const *line;

	if (argc < 2)
		cmd_wrong("completion needs the name of a shell, bash or zsh");
	cmd_most(c, argc, argv, 2);
	if (strcmp(argv[1], "bash") == 0)
		line = script_bash;
	else if (strcmp(argv[1], "zsh") == 0)
		line = script_zsh;
	else
		cmd_wrong("completion knows bash and zsh, not \"%.64s\"",
		    argv[1]);
	for (; *line != NULL; line++)
		puts(*line);
	return 0;
}
