#include "compat.h"

#include <stdarg.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "logger.h"
#include "utf8.h"

#define HELD_LOOK	1000	/* ms until what was too much is told */
#define AGAIN		50	/* ms until who takes nothing is asked again */

static int	 take_level(char **, size_t *);
static void	 add(struct note *);
static bool	 wants(struct target *, const struct note *);
static bool	 drawn(const struct target *, const struct record *);
static bool	 within_rate(struct target *);
static void	 tell_held(struct target *);
static void	 own_note(struct note *, const char *);

static size_t	 fresh;		/* lines since the last were written */

void
lines_take(struct writer *w, char *packet, size_t n)
{
	struct note note = { .by = w };
	struct target *t;
	unsigned i;

	if (n == 0)
		return;
	if (!share_allows(w, n)) {
		for (i = 0; (t = target_of(i)) != NULL; i++)
			t->lost++;
		return;
	}
	note.level = take_level(&packet, &n);
	clock_gettime(CLOCK_REALTIME, &note.now);
	packet[n] = '\0';
	if (!fields_read(&note.record, packet, n)) {
		utf8_clean(packet, n);
		note.text = packet;
	}
	if (note.text != NULL && note.level <= LOG_WARNING)
		writers_warned(w, note.level, note.text);
	add(&note);
}

static int
take_level(char **packet, size_t *n)
{
	const char *p = *packet;

	if (*n <= 3 || p[0] != '<' || p[2] != '>' || p[1] < '0' || p[1] > '7')
		return LOG_INFO;
	*packet += 3;
	*n -= 3;
	return p[1] - '0';
}

static void
add(struct note *note)
{
	char buf[TARGET_LINE];
	struct line line = { buf, 0, sizeof(buf) };
	struct target *t;
	unsigned i;

	for (i = 0; (t = target_of(i)) != NULL; i++) {
		if (!wants(t, note))
			continue;
		line.len = 0;
		format_note(&line, t, note);
		target_add(t, note, &line);
		fresh += t->kind != TARGET_SYSLOG;
	}
}

static bool
wants(struct target *t, const struct note *note)
{
	if (note->level > t->level)
		return false;
	if (note->text != NULL || strcmp(note->record.event, "session") != 0)
		return true;
	return t->sessions && drawn(t, &note->record) && within_rate(t);
}

/* What was not drawn has a line in any case. */
static bool
drawn(const struct target *t, const struct record *r)
{
	const char *draw = r->value[FIELD_DRAW];

	return draw == NULL || strtoull(draw, NULL, 10) < t->sample;
}

static bool
within_rate(struct target *t)
{
	time_t now;

	if (t->rate == 0)
		return true;
	now = (time_t)(lines_clock() / 1000);
	if (now != t->second) {
		tell_held(t);
		t->second = now;
		t->told = 0;
	}
	if (t->told < t->rate) {
		t->told++;
		return true;
	}
	t->held++;
	return false;
}

static void
tell_held(struct target *t)
{
	char buf[TARGET_LINE], text[128];
	struct line line = { buf, 0, sizeof(buf) };
	struct note note;

	if (t->held == 0)
		return;
	snprintf(text, sizeof(text), "warning: %u sessions have no line here: "
	    "more came in a second than rate = %u", t->held, t->rate);
	t->held = 0;
	own_note(&note, text);
	format_note(&line, t, &note);
	target_add(t, &note, &line);
}

/* A line of the logger's own. */
static void
own_note(struct note *note, const char *text)
{
	static struct writer own = { .name = "logger" };

	snprintf(own.pid, sizeof(own.pid), "%ld", (long)getpid());
	snprintf(own.who, sizeof(own.who), "logger[%s]: ", own.pid);
	memset(note, 0, sizeof(*note));
	note->by = &own;
	note->level = LOG_WARNING;
	note->text = text;
	clock_gettime(CLOCK_REALTIME, &note->now);
}

void
lines_say(const char *fmt, ...)
{
	char text[LOG_LINE];
	struct note note;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	own_note(&note, text);
	add(&note);
}

size_t
lines_waiting(void)
{
	return fresh;
}

void
lines_lost(struct target *t, struct line *line)
{
	char text[64];
	struct note note;

	snprintf(text, sizeof(text), "warning: %zu lines could not be "
	    "written", t->lost);
	own_note(&note, text);
	format_note(line, t, &note);
}

void
lines_write(void)
{
	const int64_t now = lines_clock();
	struct target *t;
	unsigned i;

	fresh = 0;
	for (i = 0; (t = target_of(i)) != NULL; i++) {
		if (t->held != 0 && now / 1000 != t->second)
			tell_held(t);
		if (target_due(t, now))
			writers_open(t->number);
		target_write(t);
	}
}

/* What was too much is told in the next second, if no line comes then either;
 * a receiver that takes nothing is asked again. */
int
lines_due(void)
{
	const struct target *t;
	int ms = -1;
	unsigned i;

	for (i = 0; (t = target_of(i)) != NULL; i++)
		if (t->waiting != 0)
			return AGAIN;
		else if (t->held != 0)
			ms = HELD_LOOK;
	return ms;
}

int64_t
lines_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
