/*
 * every.h - the words of what is shown again and again.
 */
#ifndef EVERY_H
#define EVERY_H

#include "compat.h"

struct every {
	uint64_t	 ms;		/* between two */
	uint64_t	 count;		/* so many; 0: for ever */
};

/* every TIME, count NUMBER, as they stand on the command line; what is not
 * there stays, but for what -n says. What is wrong is for cmd_wrong(). */
void	 every_words(struct every *, int argc, char **argv);
/* The number of them, as text. */
uint64_t every_count(const char *);

#endif
