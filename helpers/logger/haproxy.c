#include "compat.h"

#include "logger.h"

static const char *word_of(const char *);
static const char *number_of(const char *);
static bool	 is_connected(const char *const *);
static void	 client_address(struct line *, const char *);
static void	 put_date(struct line *, const struct note *);
static void	 put_ms(struct line *, const char *);
static void	 put_state(struct line *, const char *const *);
static void	 put_counts(struct line *, const char *const *);

/* What ended it, and what it was about then, as HAProxy tells the two; "?" is
 * "C" until there was a connection to the remote, and "D" from then on. */
static const struct {
	const char	*why, *end, *state;
} states[] = {
	{ "fin", NULL, "--" },
	{ "reset", "client", "C?" },
	{ "reset", "remote", "S?" },
	{ "idle-timeout", NULL, "cD" },
	{ "half-close-timeout", "client", "sD" },
	{ "half-close-timeout", NULL, "cD" },
	{ "connect-failed", NULL, "SC" },
	{ "connect-timeout", NULL, "sC" },
	{ "no-remote", NULL, "SC" },
	{ "remote-down", NULL, "DD" },
	{ "drain-timeout", NULL, "K?" },
	{ "max-generations", NULL, "K?" },
	{ "stopped", NULL, "K?" },
	{ "killed", NULL, "K?" },
	{ "handshake-timeout", NULL, "cR" },
	{ "handshake", "remote", "SC" },
	{ "handshake", NULL, "CR" },
	{ "proxy-header", NULL, "PR" },
	{ "denied", NULL, "PR" },
	{ "target-denied", NULL, "PR" },
	{ "target-name", NULL, "SC" },
	{ "limit", NULL, "PC" },
	{ "match", NULL, "P?" },
	{ "fault", NULL, "P?" },
	{ "program", NULL, "P?" },
	{ "memory", NULL, "R?" },
	{ "error", NULL, "I?" }
};

void
haproxy_front(struct line *l, const struct note *note, const char *host)
{
	struct tm tm;
	char day[32];

	localtime_r(&note->now.tv_sec, &tm);
	strftime(day, sizeof(day), "%b %e %H:%M:%S ", &tm);
	line_text(l, day);
	line_text(l, host);
	line_byte(l, ' ');
	line_text(l, note->by->who);
}

void
haproxy_session(struct line *l, const struct note *note)
{
	const char *const *v = note->record.value;

	client_address(l, word_of(v[FIELD_CLIENT]));
	put_date(l, note);
	line_text(l, word_of(v[FIELD_LISTENER]));
	line_byte(l, ' ');
	line_text(l, word_of(v[FIELD_RELAY]));
	line_byte(l, '/');
	line_text(l, is_connected(v) ? word_of(v[FIELD_REMOTE]) : "<NOSRV>");
	line_byte(l, ' ');
	put_ms(l, v[FIELD_QUEUE]);
	line_byte(l, '/');
	if (is_connected(v))
		put_ms(l, v[FIELD_CONNECT]);
	else
		line_text(l, "-1");
	line_byte(l, '/');
	put_ms(l, v[FIELD_TOTAL]);
	line_byte(l, ' ');
	line_text(l, number_of(v[FIELD_OUT]));
	put_state(l, v);
	put_counts(l, v);
}

/* Between blanks, and never nothing. */
static const char *
word_of(const char *value)
{
	return value == NULL || *value == '\0' || strchr(value, ' ') != NULL ?
	    "-" : value;
}

static const char *
number_of(const char *value)
{
	return value == NULL ? "0" : value;
}

/* Of connections that were not made there is no remote. */
static bool
is_connected(const char *const *v)
{
	return strcmp(word_of(v[FIELD_REMOTE]), "-") != 0;
}

/* IPv6 has no brackets there, and a unix socket a port. */
static void
client_address(struct line *l, const char *client)
{
	for (; *client != '\0'; client++)
		if (*client != '[' && *client != ']')
			line_byte(l, *client);
	if (l->len > 0 && l->text[l->len - 1] == 'x')
		line_text(l, ":1");
}

static void
put_date(struct line *l, const struct note *note)
{
	struct timespec ts;
	char day[48], ms[32];
	struct tm tm;

	note_start(note, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(day, sizeof(day), " [%d/%b/%Y:%H:%M:%S", &tm);
	snprintf(ms, sizeof(ms), ".%03ld] ", ts.tv_nsec / 1000000);
	line_text(l, day);
	line_text(l, ms);
}

/* Of seconds with three digits behind the point. */
static void
put_ms(struct line *l, const char *seconds)
{
	uint64_t us;

	line_number(l, fields_us(seconds, &us) ? us / 1000 : 0);
}

static void
put_state(struct line *l, const char *const *v)
{
	const char *state = "I?";
	size_t i;

	for (i = 0; i < nitems_of(states); i++)
		if (strcmp(states[i].why, word_of(v[FIELD_WHY])) == 0 &&
		    (states[i].end == NULL ||
		    strcmp(states[i].end, word_of(v[FIELD_END])) == 0)) {
			state = states[i].state;
			break;
		}
	line_byte(l, ' ');
	line_byte(l, state[0]);
	line_byte(l, state[1] != '?' ? state[1] : is_connected(v) ? 'D' : 'C');
}

/* How many are open is known of the worker: it stands for all four. */
static void
put_counts(struct line *l, const char *const *v)
{
	const char *active = number_of(v[FIELD_ACTIVE]);
	const uint64_t tries = strtoull(number_of(v[FIELD_TRIES]), NULL, 10);
	unsigned i;

	for (i = 0; i < 4; i++) {
		line_byte(l, i == 0 ? ' ' : '/');
		line_text(l, active);
	}
	line_byte(l, '/');
	line_number(l, tries > 1 ? tries - 1 : 0);
	line_text(l, " 0/0");
}
