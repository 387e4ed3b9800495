/*
 * window.h - hours of the week, by the local time: as text, and whether they
 * are now.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "compat.h"

#include <time.h>

#define WINDOW_STRLEN	40	/* fits every text form */
#define WINDOW_DAY	1440	/* minutes */

/* Minutes are those that a clock on the wall shows: on the day on which clocks
 * are put forward some hours are not there, and some twice on the day on which
 * they are put back. */
struct window {
	uint8_t		days;		/* 1 << 0 is Sunday; 0: always */
	uint8_t		pad;		/* 0 */
	uint16_t	from, to;	/* minutes of the day, without to; to is
					   of the next day if not greater */
};

/* Adds "mon-fri", "sat,sun", or all together: names of days and ranges of them
 * with commas between. -1: it is none. */
int	 window_days(const char *, struct window *);
/* Adds "08:00-18:00", up to "24:00"; "22:00-06:00" is over midnight and begins
 * on the days that are given, which is on all if none were. -1: it is none, or
 * not one minute long. */
int	 window_hours(const char *, struct window *);
/* "mon-fri 08:00-18:00", canonical; "" for always. Returns buf. */
char	*window_str(const struct window *, char buf[WINDOW_STRLEN]);
/* Whether its fields may be: for who has it from another process. */
bool	 window_good(const struct window *);

/* Is it at that minute of the week, from Sunday 00:00 on? */
bool	 window_open(const struct window *, unsigned minute);
/* The minute of the week that it is now, and at a time. By the clock as it is
 * set, and by the time zone as window_zone() found it: no system call a
 * session. */
unsigned window_now(void);
unsigned window_at(time_t);
/* Reads the time zone: TZ, or the system's. To be called before files cannot
 * be read any more. */
void	 window_zone(void);

#endif
