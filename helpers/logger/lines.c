#include "compat.h"

#include <stdarg.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "logger.h"
#include "utf8.h"

#define ROOM	(64 * 1024)
#define FRONT	64		/* of the time, or of the level */

static void	lines_who(char *, size_t, const char *, pid_t);
static const char *lines_claim(const char *);
static int	lines_front(char *, int);
static void	lines_add(int, const char *, const char *);
static void	lines_refused(void);
static bool	lines_tell_lost(void);

static char	 buf[ROOM];
static size_t	 len, waiting, lost;

void
lines_start(const char *name, int facility)
{
	if (target_start(name, facility) == -1)
		lines_refused();
}

/* Who writes is what the kernel says; the text is believed of the name. */
void
lines_take(char *packet, size_t n, pid_t pid)
{
	int level = LOG_INFO;
	char who[64];

	if (n == 0)
		return;
	if (!share_allows(pid, n)) {
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
	lines_who(who, sizeof(who), packet, pid);
	if (*who != '\0' && lines_claim(packet) != NULL)
		packet = strstr(packet, ": ") + 2;
	lines_add(level, who, packet);
}

/* Behind the name in "name[pid]: ", NULL if the text does not begin so. */
static const char *
lines_claim(const char *text)
{
	size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	size_t digits;

	if (name == 0 || name > 16 || text[name] != '[')
		return NULL;
	digits = strspn(text + name + 1, "0123456789");
	return strncmp(text + name + 1 + digits, "]: ", 3) == 0 ?
	    text + name : NULL;
}

static void
lines_who(char *who, size_t size, const char *text, pid_t pid)
{
	const char *end = lines_claim(text);

	if (pid == 0)
		*who = '\0';
	else if (end == NULL)
		snprintf(who, size, "?[%ld]: ", (long)pid);
	else
		snprintf(who, size, "%.*s[%ld]: ", (int)(end - text), text,
		    (long)pid);
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

static void
lines_refused(void)
{
	lines_say("warning: log file %s cannot be opened: %s", target_name(),
	    strerror(errno));
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
	if (target_follow() == -1)
		lines_refused();
	if (lines_tell_lost())
		lost += target_put(buf, len);
	else
		lost += waiting;
	len = 0;
	waiting = 0;
}

void
lines_reopen(void)
{
	lines_write();
	if (target_reopen() == -1)
		lines_refused();
}
