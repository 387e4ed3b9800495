#include "compat.h"

#include "cmd.h"
#include "line.h"
#include "sight.h"

#define COMMON	14		/* fields that every session has */

static const struct sight *sight_find(const char *);
static void	 sight_value(const struct rec *, const struct sight *,
		    char [OUT_NUMBER]);
static uint64_t	 sight_number(const struct rec *, const struct sight *);
static void	 sight_field(const struct rec *, const struct sight *, bool);

/* How it is had: as it is, a number, or milliseconds. */
enum how { HOW_TEXT, HOW_NUMBER, HOW_MILLIS };

/* In this order; what only some have comes behind it in JSON. */
static const struct sight {
	const char	*name;
	enum how	 how;
	const char	*from;		/* its name in what is told */
} sights[] = {
	{ "session", HOW_TEXT, "session" }, { "client", HOW_TEXT, "client" },
	{ "listener", HOW_TEXT, "listener" }, { "relay", HOW_TEXT, "relay" },
	{ "remote", HOW_TEXT, "remote" }, { "address", HOW_TEXT, "address" },
	{ "state", HOW_TEXT, "state" }, { "age", HOW_MILLIS, "age_ms" },
	{ "idle", HOW_MILLIS, "idle_ms" }, { "in", HOW_NUMBER, "in" },
	{ "out", HOW_NUMBER, "out" }, { "rate", HOW_NUMBER, "rate" },
	{ "worker", HOW_NUMBER, "worker" },
	{ "generation", HOW_NUMBER, "generation" },
	/* With -v. */
	{ "rtt_client", HOW_MILLIS, "rtt_client_us" },
	{ "retransmits_client", HOW_NUMBER, "retransmits_client" },
	{ "cwnd_client", HOW_NUMBER, "cwnd_client" },
	{ "unsent_client", HOW_NUMBER, "unsent_client" },
	{ "rtt_remote", HOW_MILLIS, "rtt_remote_us" },
	{ "retransmits_remote", HOW_NUMBER, "retransmits_remote" },
	{ "cwnd_remote", HOW_NUMBER, "cwnd_remote" },
	{ "unsent_remote", HOW_NUMBER, "unsent_remote" },
	/* And where there is one. */
	{ "backlog", HOW_MILLIS, "backlog_ms" },
	{ "time", HOW_MILLIS, "time_ms" }, { "lost", HOW_NUMBER, "lost" },
};
#define COLUMNS	(nitems_of(sights) - 3)

uint64_t
sight_rate(const struct rec *r)
{
	const double bytes = (double)rec_number(r, "in") +
	    (double)rec_number(r, "out");

	if (rec_get(r, "rate") != NULL)
		return rec_number(r, "rate");
	return (uint64_t)(bytes * 1000 /
	    (double)MAX(rec_number(r, "age_ms"), 1));
}

void
sight_json(const struct rec *r)
{
	const struct sight *s;
	size_t i;

	putchar('{');
	for (i = 0; i < nitems_of(sights); i++)
		if (i < COMMON || rec_get(r, sights[i].from) != NULL)
			sight_field(r, &sights[i], i != 0);
	for (i = 0; i < r->n; i++)
		if ((s = sight_find(r->fields[i].name)) == NULL) {
			printf(", \"%s\": ", r->fields[i].name);
			line_json_write(stdout, r->fields[i].value);
		}
	puts("}");
}

static void
sight_field(const struct rec *r, const struct sight *s, bool more)
{
	const char *text = rec_get(r, s->from);
	char number[OUT_NUMBER];

	printf("%s\"%s\": ", more ? ", " : "", s->name);
	if (s->how == HOW_TEXT) {
		line_json_write(stdout, text != NULL ? text : "-");
		return;
	}
	sight_value(r, s, number);
	fputs(number, stdout);
}

/* By its name in what is told. */
static const struct sight *
sight_find(const char *from)
{
	size_t i;

	for (i = 0; i < nitems_of(sights); i++)
		if (strcmp(from, sights[i].from) == 0)
			return &sights[i];
	return NULL;
}

static uint64_t
sight_number(const struct rec *r, const struct sight *s)
{
	return strcmp(s->name, "rate") == 0 ? sight_rate(r) :
	    rec_number(r, s->from);
}

static void
sight_value(const struct rec *r, const struct sight *s, char buf[OUT_NUMBER])
{
	const uint64_t n = sight_number(r, s);

	if (s->how == HOW_MILLIS)
		snprintf(buf, OUT_NUMBER, "%llu.%03u",
		    (unsigned long long)(n / 1000), (unsigned)(n % 1000));
	else
		snprintf(buf, OUT_NUMBER, "%llu", (unsigned long long)n);
}

/* --- as a row --- */

size_t
sight_ncols(void)
{
	return ctl.verbose ? COLUMNS : COMMON;
}

const struct out_col *
sight_cols(void)
{
	static struct out_col cols[COLUMNS];
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		cols[i] = out_column(sights[i].name);
	return cols;
}

/* Ages in whole seconds. */
void
sight_row(struct out_table *t, const struct rec *r)
{
	const struct sight *s;
	char number[OUT_NUMBER];
	const char *text;
	size_t i;

	for (i = 0; i < sight_ncols(); i++) {
		s = &sights[i];
		text = rec_get(r, s->from);
		if (s->how != HOW_TEXT && (i < COMMON || text != NULL)) {
			sight_value(r, s, number);
			if (i < COMMON && s->how == HOW_MILLIS)
				number[strcspn(number, ".")] = '\0';
			text = number;
		}
		out_cell(t, text != NULL ? text : "-");
	}
}
