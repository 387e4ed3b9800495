/*
 * quick.h - a configuration of the command line: -s, -L and -R, or -S, and
 * filters.
 */
#ifndef QUICK_H
#define QUICK_H

#include "compat.h"

#define QUICK_MAX	64	/* most -R */
#define QUICK_FAULTS	8	/* most --fault */

/* What stands on the command line in place of a file. */
struct quick {
	const char	*listen;
	const char	*ask;			/* or that, where clients say
						   where they go */
	const char	*control;		/* NULL: none */
	char		*remotes[QUICK_MAX];
	unsigned	 n;
	const char	*record;		/* a folder; NULL: none */
	const char	*dump;			/* a format; NULL: not dumped */
	const char	*faults[QUICK_FAULTS];	/* OPTION=VALUE,... */
	unsigned	 nfaults;
};

/* The text of the configuration that this is, to be freed. NULL with *errp, a
 * sentence (static storage). */
char	*quick_text(const struct quick *, const char **errp);

#endif
