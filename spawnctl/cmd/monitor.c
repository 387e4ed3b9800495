#include "compat.h"

#include <time.h>

#include "ask.h"
#include "cmd.h"
#include "every.h"
#include "link.h"
#include "out.h"

#define EVERY	1000		/* ms */
#define HEAD	20		/* lines below each head */

struct view {
	uint64_t	 now[16];	/* in the order of columns[] */
	uint64_t	 at;		/* ms */
};

static bool	 monitor_look(struct view *);
static void	 monitor_take(struct view *, const char *, const char *);
static void	 monitor_line(const struct view *, const struct view *);
static void	 monitor_json(const struct view *, const struct view *);
static uint64_t	 monitor_value(const struct view *, const struct view *,
		    size_t);

/* As show summary has them; a rate is what has been added a second. */
static const struct {
	const char	*name, *head;
	bool		 rate;
	enum out_unit	 unit;
} columns[] = {
	{ "sessions", "sessions", false, OUT_PLAIN },
	{ "waiting", "waiting", false, OUT_PLAIN },
	{ "sessions_total", "new/s", true, OUT_PLAIN },
	{ "bytes_in", "in/s", true, OUT_BYTES },
	{ "bytes_out", "out/s", true, OUT_BYTES },
	{ "refused", "refused/s", true, OUT_PLAIN },
	{ "dropped_logs", "drops/s", true, OUT_PLAIN },
	{ "workers", "workers", false, OUT_PLAIN },
	{ "draining", "draining", false, OUT_PLAIN }
};

_Static_assert(nitems_of(columns) <= nitems_of(((struct view *)0)->now),
    "struct view is too small");

static struct every	 every = { .ms = EVERY };

int
cmd_monitor(const struct cmd *c, int argc, char **argv)
{
	struct view before, now;
	struct timespec ts;
	uint64_t n;

	(void)c;
	every_words(&every, argc - 1, argv + 1);
	if (!monitor_look(&before))
		return 1;
	for (n = 0; every.count == 0 || n < every.count; n++) {
		ts.tv_sec = (time_t)(every.ms / 1000);
		ts.tv_nsec = (long)(every.ms % 1000) * 1000000;
		nanosleep(&ts, NULL);
		if (!monitor_look(&now))
			return 1;
		if (ctl.json)
			monitor_json(&before, &now);
		else {
			if (n % HEAD == 0)
				monitor_line(NULL, NULL);
			monitor_line(&before, &now);
		}
		if (fflush(stdout) == EOF)
			return 1;
		before = now;
	}
	return 0;
}

/* A line of names and one of values. */
static bool
monitor_look(struct view *v)
{
	char *text = ask(false, "show summary"), *names, *values;
	char *rest = text, *name, *value;

	if (text == NULL)
		return false;
	memset(v, 0, sizeof(*v));
	v->at = link_now();
	names = strsep(&rest, "\n");
	values = rest != NULL ? strsep(&rest, "\n") : NULL;
	while ((name = strsep(&names, "\t")) != NULL &&
	    (value = strsep(&values, "\t")) != NULL)
		monitor_take(v, name, value);
	free(text);
	return true;
}

static void
monitor_take(struct view *v, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < nitems_of(columns); i++)
		if (strcmp(columns[i].name, name) == 0)
			v->now[i] = strtoull(value, NULL, 10);
}

static uint64_t
monitor_value(const struct view *before, const struct view *now, size_t i)
{
	const uint64_t ms = MAX(1, now->at - before->at);

	if (!columns[i].rate)
		return now->now[i];
	return (uint64_t)((double)(now->now[i] - MIN(before->now[i],
	    now->now[i])) * 1000 / (double)ms);
}

/* now: NULL for the heads. */
static void
monitor_line(const struct view *before, const struct view *now)
{
	char clock[16] = "time", number[OUT_NUMBER];
	const time_t wall = time(NULL);
	struct tm tm;
	size_t i;

	if (now != NULL && gmtime_r(&wall, &tm) != NULL)
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	printf("%-8s", clock);
	for (i = 0; i < nitems_of(columns); i++)
		printf("  %*s", (int)MAX(strlen(columns[i].head), 6),
		    now == NULL ? columns[i].head :
		    out_number(columns[i].unit, monitor_value(before, now, i),
		    number));
	putchar('\n');
}

static void
monitor_json(const struct view *before, const struct view *now)
{
	size_t i;

	printf("{\"time\": %lld", (long long)time(NULL));
	for (i = 0; i < nitems_of(columns); i++)
		printf(", \"%s%s\": %llu", columns[i].name, columns[i].rate ?
		    "_rate" : "", (unsigned long long)monitor_value(before,
		    now, i));
	puts("}");
}
