#include "compat.h"

#include <time.h>

#include "ask.h"
#include "cmd.h"
#include "conf/conf.h"
#include "conf/int.h"
#include "link.h"
#include "list.h"
#include "out.h"
#include "sight.h"

#define FIELDS	5		/* most that an event is told by */

static void	 trace_take(const struct rec *);
static void	 trace_line(const struct rec *);
static void	 trace_clock(uint64_t);
static void	 trace_field(const struct rec *, const char *);

/* What there is to say of each, besides when and whose it is. */
static const struct {
	const char	*event, *fields[FIELDS];
} events[] = {
	{ "new", { "listener" } }, { "open", { "listener", "state", "at" } },
	{ "source", { "proxy" } }, { "stage", { "state" } },
	{ "connect", { "at", "what" } }, { "failed", { "at", "what" } },
	{ "connected", { "at", "what" } }, { "moved", { "in", "out" } },
	{ "refused", { "listener", "why", "what" } },
	{ "end", { "end", "why", "in", "out" } }
};

int
cmd_trace(const struct cmd *c, int argc, char **argv)
{
	char line[LIST_LINE], *answer;
	uint64_t ms = 0;
	const char *why;
	int fd;

	(void)c;
	if (argc < 3 || strcmp(argv[1], "client") != 0)
		cmd_wrong("trace needs client NET");
	if (argc > 3 && (argc != 5 || strcmp(argv[3], "for") != 0))
		cmd_wrong("behind client NET there may be for TIME");
	if (argc == 5 && conf_duration_of(argv[4], &ms, &why) == -1)
		cmd_wrong("for: %s", why);
	if (snprintf(line, sizeof(line), "trace client %s %llu", argv[2],
	    (unsigned long long)ms) >= (int)sizeof(line) - 1)
		cmd_wrong("that is too long");
	if ((answer = ask_list(line, &fd)) == NULL)
		return 1;
	list_begin(answer);
	free(answer);
	while (link_wait(fd, link_now(), 0) && list_read(fd, trace_take) &&
	    fflush(stdout) != EOF)
		;
	close(fd);
	return list_missing();
}

static void
trace_take(const struct rec *r)
{
	if (ctl.json)
		sight_json(r);
	else
		trace_line(r);
}

static void
trace_line(const struct rec *r)
{
	const char *event = rec_get(r, "event"), *id = rec_get(r, "session");
	const char *client = rec_get(r, "client");
	size_t i = 0, k;

	if (event == NULL || client == NULL)
		return;
	trace_clock(rec_number(r, "time_ms"));
	printf(" %s %s %s", id != NULL ? id : "-", client, event);
	while (i < nitems_of(events) && strcmp(events[i].event, event) != 0)
		i++;
	for (k = 0; i < nitems_of(events) && k < FIELDS; k++)
		if (events[i].fields[k] != NULL)
			trace_field(r, events[i].fields[k]);
	trace_field(r, "lost");
	putchar('\n');
}

static void
trace_clock(uint64_t ms)
{
	const time_t at = (time_t)(ms / 1000);
	char text[16] = "--:--:--";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s.%03u", text, (unsigned)(ms % 1000));
}

static void
trace_field(const struct rec *r, const char *name)
{
	const char *value = rec_get(r, name);

	if (value != NULL)
		printf(" %s=%s", name, value);
}
