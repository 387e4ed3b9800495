#include "compat.h"

#include "ask.h"
#include "cmd.h"
#include "convert/convert.h"

/* What the file says is read when nothing can be opened any more. */
int
cmd_convert(const struct cmd *c, int argc, char **argv)
{
	char *text;
	int status;

	(void)c;
	if (argc != 2)
		cmd_wrong("convert needs the file of another relay, or - for "
		    "the standard input");
	if ((text = convert_read(argv[1])) == NULL) {
		fprintf(stderr, "spawnctl: %s: %s\n", argv[1],
		    errno == EINVAL ? "it is no text: it has a NUL byte" :
		    strerror(errno));
		return 1;
	}
	ask_confine(false);
	status = convert(argv[1], text, stdout, stderr);
	free(text);
	return status;
}
