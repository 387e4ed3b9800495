#include "compat.h"

#include "conf/parse.h"

static void	 check_log(struct conf_check *, const struct cfg_t *,
		    const struct conf_log *);

void
conf_check_logs(struct conf_check *c, const struct cfg_t *spawnd)
{
	unsigned i;

	check_log(c, conf_child(spawnd, "log", 0), &c->conf->log);
	for (i = 0; i < c->conf->nlogs; i++)
		check_log(c, conf_child(spawnd, ".log", i),
		    &c->conf->logs[i]);
}

static void
check_log(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_log *log)
{
	const bool custom = log->format == CONF_FORMAT_CUSTOM;

	if (custom && conf_value(sec, "custom", 0) == NULL)
		conf_check_missing(c, conf_line_of(sec, "format"), "log: "
		    "format = custom needs the text of a line; add custom = "
		    "\"%%{client} %%{why}\", or whatever it is to be");
	else if (!custom && conf_value(sec, "custom", 0) != NULL)
		conf_check_missing(c, conf_line_of(sec, "custom"), "log: "
		    "custom does nothing without another option; add format = "
		    "custom");
}
