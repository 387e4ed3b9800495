#include "compat.h"

#include <syslog.h>

#include "conf/conf.h"
#include "logger.h"
#include "utf8.h"

#define STAMP		48	/* "2026-11-30T22:04:25.123Z" and more */

static bool	 is_whole(const struct target *, const struct note *);
static void	 format_file(struct line *, const struct target *,
		    struct note *);
static void	 format_syslog(struct line *, const struct target *,
		    struct note *);
static void	 format_journald(struct line *, const struct target *,
		    struct note *);
static void	 format_body(struct line *, const struct target *,
		    struct note *);
static void	 print_text(struct line *, const struct target *,
		    const struct note *);
static void	 print_json(struct line *, const struct target *,
		    struct note *);
static void	 fill(struct note *);
static void	 stamp(const struct timespec *, char[STAMP]);

static char	 host[256];

void
format_start(void)
{
	char *p;

	tzset();	/* syslog(3) and haproxy.c tell the time by a file */
	if (gethostname(host, sizeof(host) - 1) == -1 || *host == '\0')
		strlcpy(host, "-", sizeof(host));
	for (p = host; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
}

void
format_note(struct line *l, const struct target *t, struct note *note)
{
	switch (t->kind) {
	case TARGET_FILE:
		format_file(l, t, note);
		break;
	case TARGET_SYSLOG:
		format_body(l, t, note);
		break;
	case TARGET_JOURNALD:
		format_journald(l, t, note);
		break;
	default:
		format_syslog(l, t, note);
		break;
	}
	if (l->len > l->size - 1) {	/* cut, and in no character */
		l->len = l->size - 1;
		utf8_clean(l->text, l->len);
	}
	if (t->kind == TARGET_FILE)
		line_byte(l, '\n');
}

/* Whether its body says all of it: who and when. */
static bool
is_whole(const struct target *t, const struct note *note)
{
	return t->format == CONF_FORMAT_JSON ||
	    (t->format == CONF_FORMAT_CUSTOM && note->text == NULL);
}

static void
format_file(struct line *l, const struct target *t, struct note *note)
{
	char time[STAMP];

	if (t->journal) {
		line_byte(l, '<');
		line_number(l, (uint64_t)note->level);
		line_byte(l, '>');
	}
	if (t->format == CONF_FORMAT_HAPROXY)
		haproxy_front(l, note, host);
	else if (!is_whole(t, note)) {
		if (!t->journal) {
			stamp(&note->now, time);
			line_text(l, time);
			line_byte(l, ' ');
		}
		line_text(l, note->by->who);
	}
	format_body(l, t, note);
}

/* RFC 5424, 6. No structured data: their names need a number of one's own. */
static void
format_syslog(struct line *l, const struct target *t, struct note *note)
{
	char time[STAMP];

	stamp(&note->now, time);
	line_byte(l, '<');
	line_number(l, (uint64_t)(t->facility | note->level));
	line_text(l, ">1 ");
	line_text(l, time);
	line_byte(l, ' ');
	line_text(l, host);
	line_byte(l, ' ');
	line_text(l, note->by->name);
	line_byte(l, ' ');
	line_text(l, note->by->pid);
	line_text(l, note->text != NULL ? " -" :
	    strcmp(note->record.event, "session") == 0 ? " session" :
	    " refused");
	line_text(l, " - ");
	format_body(l, t, note);
}

static void
format_journald(struct line *l, const struct target *t, struct note *note)
{
	char buf[3 * LOG_LINE];
	struct line body = { buf, 0, sizeof(buf) };

	format_body(&body, t, note);
	fill(note);
	journald_note(l, t, note, &body);
}

static void
format_body(struct line *l, const struct target *t, struct note *note)
{
	if (t->format == CONF_FORMAT_JSON)
		print_json(l, t, note);
	else if (note->text != NULL || t->format == CONF_FORMAT_TEXT)
		print_text(l, t, note);
	else if (t->format == CONF_FORMAT_CUSTOM) {
		fill(note);
		layout_print(l, &t->layout, &note->record);
	} else if (strcmp(note->record.event, "session") == 0)
		haproxy_session(l, note);
	else
		print_text(l, t, note);
}

static void
print_text(struct line *l, const struct target *t, const struct note *note)
{
	if (note->text != NULL)
		line_text(l, note->text);
	else
		fields_print(l, &note->record, t->tcp);
}

static void
print_json(struct line *l, const struct target *t, struct note *note)
{
	static const enum field first[] = { FIELD_TIME, FIELD_LEVEL,
	    FIELD_PROCESS, FIELD_PID, FIELD_EVENT };
	const struct record *r = &note->record;
	const char *next = "{";
	unsigned i;
	enum field f;

	fill(note);
	for (i = 0; i < nitems_of(first) + FIELD_DRAW; i++) {
		f = i < nitems_of(first) ? first[i] :
		    (enum field)(i - nitems_of(first));
		if (r->value[f] == NULL || (field_is_tcp(f) && !t->tcp))
			continue;
		line_text(l, next);
		line_byte(l, '"');
		line_text(l, field_rows[f].name);
		line_text(l, "\":");
		layout_json(l, f, r->value[f]);
		next = ",";
	}
	if (note->text != NULL) {
		line_text(l, ",\"message\":");
		line_json(l, note->text);
	}
	line_byte(l, '}');
}

/* What nobody has sent. */
static void
fill(struct note *note)
{
	static char time[STAMP], start[STAMP];
	struct record *r = &note->record;
	struct timespec ts;

	if (note->filled)
		return;
	note->filled = true;
	stamp(&note->now, time);
	r->value[FIELD_TIME] = time;
	r->value[FIELD_LEVEL] = log_level_name(note->level);
	r->value[FIELD_PROCESS] = note->by->name;
	r->value[FIELD_PID] = note->by->pid;
	r->value[FIELD_HOST] = host;
	r->value[FIELD_EVENT] = note->text != NULL ? NULL : r->event;
	r->value[FIELD_START] = NULL;
	if (r->value[FIELD_TOTAL] != NULL) {
		note_start(note, &ts);
		stamp(&ts, start);
		r->value[FIELD_START] = start;
	}
}

static void
stamp(const struct timespec *ts, char out[STAMP])
{
	static time_t second = -1;
	static char text[32];
	struct tm tm;

	if (ts->tv_sec != second) {
		second = ts->tv_sec;
		gmtime_r(&second, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	}
	snprintf(out, STAMP, "%.19s.%03ldZ", text, ts->tv_nsec / 1000000);
}

/* A session began as long before as it has lasted. */
void
note_start(const struct note *note, struct timespec *ts)
{
	const int64_t second = 1000000000;
	int64_t ns;
	uint64_t us;

	fields_us(note->record.value[FIELD_TOTAL], &us);
	ns = (int64_t)note->now.tv_sec * second + note->now.tv_nsec -
	    (int64_t)us * 1000;
	ns = MAX(ns, 0);
	ts->tv_sec = (time_t)(ns / second);
	ts->tv_nsec = (long)(ns % second);
}
