/*
 * most.h - of many records those with the greatest keys, in memory for no more.
 */
#ifndef MOST_H
#define MOST_H

#include "rec.h"

struct most_one {
	uint64_t	 key;
	char		*line;		/* as rec_line() has it */
};

/* As many as the limit are a heap, with the least at its root. */
struct most {
	uint64_t	 limit;		/* 0: all */
	struct most_one	*all;
	size_t		 n, room;
};

void	 most_take(struct most *, const struct rec *, uint64_t key);
/* The greatest first; nothing can be taken from then on. */
void	 most_sort(struct most *);
/* But for the limit. */
void	 most_free(struct most *);

#endif
