#include "compat.h"

#include "cmd.h"
#include "conf/conf.h"
#include "conf/int.h"
#include "every.h"

#define LEAST	100		/* ms */

void
every_words(struct every *e, int argc, char **argv)
{
	const char *why;
	int i;

	if (ctl.count != 0)
		e->count = ctl.count;
	for (i = 0; i < argc; i += 2) {
		if (i + 1 == argc)
			cmd_wrong("something is missing behind \"%.64s\"",
			    argv[i]);
		if (strcmp(argv[i], "every") == 0) {
			if (conf_duration_of(argv[i + 1], &e->ms, &why) == -1)
				cmd_wrong("every: %s", why);
			if (e->ms < LEAST)
				cmd_wrong("every: 100ms at least");
		} else if (strcmp(argv[i], "count") == 0)
			e->count = every_count(argv[i + 1]);
		else
			cmd_wrong("unknown word \"%.64s\"; there are every "
			    "and count", argv[i]);
	}
}

uint64_t
every_count(const char *text)
{
	const char *why;
	const long long n = strtonum(text, 1, 1000000000, &why);

	if (why != NULL)
		cmd_wrong("count needs a number");
	return (uint64_t)n;
}
