/*
 * sight.h - what the status process knows of the master: the views of spawnctl
 * show that it has asked for, by their names.
 */
#ifndef SIGHT_H
#define SIGHT_H

#include "compat.h"
#include "rows.h"

#define SIGHT_VIEWS	11

struct sight {
	struct rows	views[SIGHT_VIEWS];	/* no columns: not known */
};

/* What is asked for, in this order. */
extern const char * const sight_views[SIGHT_VIEWS];

/* The answer for view i of these; takes over the text as rows_read() does.
 * Returns 0, or -1 with errno; then nothing is known of it. */
int	 sight_put(struct sight *, size_t i, char *text);
/* Nothing is known of view i. */
void	 sight_forget(struct sight *, size_t i);
void	 sight_clear(struct sight *);

/* NULL: nothing is known of it, or there is no such view. */
const struct rows *sight_rows(const struct sight *, const char *view);

#endif
