/*
 * who.h - sessions summed up by the address of their client.
 */
#ifndef WHO_H
#define WHO_H

#include "rec.h"

/* All sessions of an address. */
struct who {
	char		*host;		/* NULL: a free place */
	uint64_t	 sessions, in, out, oldest_ms;
	uint64_t	 rate;		/* for who knows it */
};

/* A table with open addresses, never more than half full. */
struct whos {
	struct who	*all;
	size_t		 n, room;
};

/* Adds a session. Returns its client, which stays there until the next one is
 * added. */
struct who *who_add(struct whos *, const struct rec *);
/* Moves all to the front, in this order; nothing can be added from then on. */
void	 who_sort(struct whos *, int (*order)(const struct who *,
	    const struct who *));
void	 who_free(struct whos *);

#endif
