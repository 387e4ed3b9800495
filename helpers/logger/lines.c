#include "compat.h"

#include <stdarg.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "logger.h"
#include "utf8.h"

#define ROOM	(64 * 1024)
#define FRONT	64		/* of the time, or of the level */

static int	lines_front(char *, int);
static void	lines_add(int, const char *, const char *);
static bool	lines_tell_lost(void);

static char	 buf[ROOM];
static size_t	 len, waiting, lost;

void
lines_take(struct writer *w, char *packet, size_t n)
{
	int level = LOG_INFO;

	if (n == 0)
		return;
	if (!share_allows(w, n)) {
		lost++;
		return;
	}
	packet[n] = '\0';
	utf8_clean(packet, n);
	if (n > 3 && packet[0] == '<' && packet[2] == '>' &&
	    packet[1] >= '0' && packet[1] <= '7') {
		level = packet[1] - '0';
		packet += 3;
	}
	if (level <= LOG_WARNING)
		writers_warned(w, level, packet);
	lines_add(level, w->who, packet);
}

/* What stands in front of a line of this level; FRONT bytes at most. */
static int
lines_front(char *text, int level)
{
	struct timespec ts;
	struct tm tm;
	char day[32];

	if (target_style() == TARGET_JOURNAL)
		return snprintf(text, FRONT, "<%d>", level);
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(text, FRONT, "%s.%03ldZ ", day,
	    ts.tv_nsec / 1000000);
}

static void
lines_add(int level, const char *who, const char *text)
{
	char front[FRONT], line[LOG_LINE + FRONT];

	if (target_style() == TARGET_SYSLOG) {
		snprintf(line, sizeof(line), "%s%s", who, text);
		target_syslog(level, line);
		return;
	}
	if (ROOM - len < 2 * FRONT + LOG_LINE + 2)
		lines_write();
	lines_front(front, level);
	len += (size_t)snprintf(buf + len, ROOM - len, "%s%s%s\n", front, who,
	    text);
	waiting++;
}

void
lines_say(const char *fmt, ...)
{
	char who[64], text[LOG_LINE];
	va_list ap;

	snprintf(who, sizeof(who), "logger[%ld]: ", (long)getpid());
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lines_add(LOG_WARNING, who, text);
}

size_t
lines_waiting(void)
{
	return waiting;
}

/* True if nothing was lost, or it has been told how much. */
static bool
lines_tell_lost(void)
{
	char note[2 * FRONT + 64];
	int n;

	if (lost == 0)
		return true;
	n = lines_front(note, LOG_WARNING);
	n += snprintf(note + n, sizeof(note) - (size_t)n, "logger[%ld]: "
	    "warning: %zu lines could not be written\n", (long)getpid(), lost);
	if (target_put(note, (size_t)n) != 0)
		return false;
	lost = 0;
	return true;
}

void
lines_write(void)
{
	if (waiting == 0)
		return;
	if (target_lost())
		writers_open();
	if (lines_tell_lost())
		lost += target_put(buf, len);
	else
		lost += waiting;
	len = 0;
	waiting = 0;
}
