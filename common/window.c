#include "compat.h"

#include "window.h"

#define DAYS	7
#define EVERY	((1 << DAYS) - 1)

static int	 window_range(const char *, size_t, struct window *);
static int	 window_day(const char *, size_t);
static void	 window_simple(struct window *);
static int	 window_minute(const char **);
static void	 window_days_str(unsigned, char *, size_t);

static time_t	 looked = -1;	/* by window_now(), last */

static const char *const names[DAYS] = { "sun", "mon", "tue", "wed", "thu",
	"fri", "sat" };

int
window_days(const char *text, struct window *w)
{
	size_t len;

	w->from = 0;
	w->to = WINDOW_DAY;
	for (;;) {
		len = strcspn(text, ",");
		if (window_range(text, len, w) == -1)
			return -1;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	window_simple(w);
	return 0;
}

/* From one day on until another, over the end of the week too. */
static int
window_range(const char *text, size_t len, struct window *w)
{
	const char *dash = memchr(text, '-', len);
	const size_t first = dash == NULL ? len : (size_t)(dash - text);
	int day = window_day(text, first), last = day;

	if (dash != NULL)
		last = window_day(dash + 1, len - first - 1);
	if (day == -1 || last == -1)
		return -1;
	for (; day != last; day = (day + 1) % DAYS)
		w->days |= (uint8_t)(1 << day);
	w->days |= (uint8_t)(1 << last);
	return 0;
}

static int
window_day(const char *text, size_t len)
{
	int i;

	for (i = 0; i < DAYS; i++)
		if (len == strlen(names[i]) &&
		    strncmp(text, names[i], len) == 0)
			return i;
	return -1;
}

/* All the time is always. */
static void
window_simple(struct window *w)
{
	if (w->days == EVERY && w->from == 0 && w->to == WINDOW_DAY)
		memset(w, 0, sizeof(*w));
}

int
window_hours(const char *text, struct window *w)
{
	int from, to;

	if ((from = window_minute(&text)) == -1 || *text++ != '-' ||
	    (to = window_minute(&text)) == -1 || *text != '\0' ||
	    from == to || from == WINDOW_DAY)
		return -1;
	if (to == 0)
		to = WINDOW_DAY;
	if (w->days == 0)
		w->days = EVERY;
	w->from = (uint16_t)from;
	w->to = (uint16_t)to;
	window_simple(w);
	return 0;
}

/* "08:00", and moves on behind it. */
static int
window_minute(const char **text)
{
	const char *p = *text;
	int minute;

	if (strspn(p, "0123456789") != 2 || p[2] != ':' ||
	    strspn(p + 3, "0123456789") != 2)
		return -1;
	minute = ((p[0] - '0') * 10 + p[1] - '0') * 60 +
	    (p[3] - '0') * 10 + p[4] - '0';
	*text = p + 5;
	return p[3] > '5' || minute > WINDOW_DAY ? -1 : minute;
}

char *
window_str(const struct window *w, char buf[WINDOW_STRLEN])
{
	size_t len;

	*buf = '\0';
	if (w->days == 0)
		return buf;
	if (w->days != EVERY)
		window_days_str(w->days, buf, WINDOW_STRLEN);
	if (w->from == 0 && w->to == WINDOW_DAY)
		return buf;
	len = strlen(buf);
	snprintf(buf + len, WINDOW_STRLEN - len, "%s%02d:%02d-%02d:%02d",
	    len == 0 ? "" : " ", w->from / 60, w->from % 60, w->to / 60,
	    w->to % 60);
	return buf;
}

/* From Monday on, days in a row as a range. */
static void
window_days_str(unsigned days, char *buf, size_t size)
{
	int i, k;

	for (i = 1; i <= DAYS; i = k + 1) {
		k = i;
		if ((days >> i % DAYS & 1) == 0)
			continue;
		while (k < DAYS && (days >> (k + 1) % DAYS & 1) != 0)
			k++;
		strlcat(buf, *buf == '\0' ? "" : ",", size);
		strlcat(buf, names[i % DAYS], size);
		if (k == i)
			continue;
		strlcat(buf, "-", size);
		strlcat(buf, names[k % DAYS], size);
	}
}

bool
window_good(const struct window *w)
{
	if (w->days == 0)
		return w->from == 0 && w->to == 0;
	return w->days <= EVERY && w->from < WINDOW_DAY && w->to != 0 &&
	    w->to <= WINDOW_DAY && w->from != w->to;
}

bool
window_open(const struct window *w, unsigned minute)
{
	const unsigned day = minute / WINDOW_DAY, before = (day + 6) % DAYS;
	const bool today = (w->days >> day & 1) != 0;

	if (w->days == 0)
		return true;
	minute %= WINDOW_DAY;
	if (w->from < w->to)
		return today && minute >= w->from && minute < w->to;
	return (today && minute >= w->from) ||
	    ((w->days >> before & 1) != 0 && minute < w->to);
}

/* Asked once a second: what a clock shows then is not looked up again. */
unsigned
window_now(void)
{
	static unsigned minute;
	struct timespec now;

	/* time(2) is none of the calls that a worker may make. */
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != looked)
		minute = window_at(now.tv_sec);
	looked = now.tv_sec;
	return minute;
}

unsigned
window_at(time_t t)
{
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return 0;
	return ((unsigned)tm.tm_wday * 24 + (unsigned)tm.tm_hour) * 60 +
	    (unsigned)tm.tm_min;
}

void
window_zone(void)
{
	tzset();
	looked = -1;
}
