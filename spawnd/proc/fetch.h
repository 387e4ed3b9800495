/*
 * fetch.h - a configuration that is at a URL: fetched by a program of its own,
 * and the last good one kept in a file, for when the server is away.
 */
#ifndef FETCH_H
#define FETCH_H

#include "compat.h"

/* What came of it; both texts are one line, and valid during the callback. */
struct fetched {
	int		 fd;		/* the text, the callback's; or -1 */
	const char	*error;		/* with -1 */
	const char	*warning;	/* it is the copy; or NULL */
};

/*
 * Starts to fetch it; one at a time. copy: if it cannot be had, the copy will
 * do. cb comes once, later. Returns 0, or -1 with *errp (static).
 */
int		 fetch_start(const char *url, bool copy,
		    void (*cb)(const struct fetched *), const char **errp);
/* What is under way is given up; cb does not come. */
void		 fetch_cancel(void);
/* What was fetched last serves now: it becomes the copy, if it is none. */
void		 fetch_good(void);

#endif
