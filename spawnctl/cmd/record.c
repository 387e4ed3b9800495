#include "compat.h"

#include <inttypes.h>

#include "acl.h"
#include "ask.h"
#include "cmd.h"
#include "conf/conf.h"

static void	 record_words(int, char **, const char **, uint64_t *);

/* Which sections there are, spawnd knows; it is asked for a client's network,
 * or all, and milliseconds, 0 for good. */
int
cmd_record(const struct cmd *c, int argc, char **argv)
{
	const char *net = "all";
	uint64_t ms = 0;

	(void)c;
	if (argc < 2 || argv[1][strcspn(argv[1], " \n")] != '\0')
		cmd_wrong("record needs the name of a record section");
	if (argc < 3 || (strcmp(argv[2], "on") != 0 &&
	    strcmp(argv[2], "off") != 0))
		cmd_wrong("record %.64s: use on or off", argv[1]);
	record_words(argc - 3, argv + 3, &net, &ms);
	return ask_print(ask(false, "record %s %" PRIu64 " %s %s %" PRIu64,
	    argv[1], ctl.limit - ctl.limit / 10, argv[2], net, ms));
}

static void
record_words(int n, char **words, const char **net, uint64_t *ms)
{
	struct acl_rule rule;
	const char *err;

	for (; n > 1; n -= 2, words += 2)
		if (strcmp(*words, "client") == 0) {
			if (acl_parse_network(words[1], &rule, &err) == -1)
				cmd_wrong("client %.64s: %s", words[1], err);
			*net = words[1];
		} else if (strcmp(*words, "for") == 0) {
			if (conf_duration_of(words[1], ms, &err) == -1 ||
			    *ms == 0)
				cmd_wrong("for %.64s: use a time, such as 10s "
				    "or 5m", words[1]);
		} else
			break;
	if (n != 0)
		cmd_wrong("\"%.64s\" is not understood; use client NETWORK "
		    "and for TIME", *words);
}
