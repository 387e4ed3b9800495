/*
 * probes.h - all that is probed: once an interval, however many watch it. Who
 * asks for the same address, looked at in the same way, gets the same probe.
 */
#ifndef PROBES_H
#define PROBES_H

#include "attempt.h"

struct probe;

/* Embedded in what wants to know. */
struct watcher {
	LIST_ENTRY(watcher)	 entry;
	struct probe		*probe;	/* NULL: it watches nothing */
	struct aim		 aim;	/* but for the script */
};

/* What the latest result means. */
struct finding {
	bool		 up;
	bool		 changed;	/* by it, just now */
	bool		 good;		/* the result */
	unsigned	 row;		/* results like it, in a row */
	const char	*why;		/* it is bad: one phrase */
};

/* Who is told, of each result of what they watch. */
void		 probes_begin(void (*tell)(struct watcher *,
		    const struct finding *));
/*
 * The watcher has aim filled in, but for the script; what that points to stays
 * until probes_leave(). known: it was checked before, and was up or not.
 * Returns 0, or -1 with errno, and then it watches nothing.
 */
int		 probes_watch(struct watcher *, bool known, bool up);
/* May be called for one that watches nothing. */
void		 probes_leave(struct watcher *);
/* How many are probed. */
size_t		 probes_count(void);

#endif
