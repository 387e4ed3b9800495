/*
 * words.h - what spawnctl understands.
 */
#ifndef WORDS_H
#define WORDS_H

#include "compat.h"

/* The words of the command line as the line of a request. Returns 0, or -1
 * with *errp, a sentence about what is wrong (static storage). */
int	 words_request(char *line, size_t size, int argc, char **argv,
	    bool json, const char **errp);
/* Is it one whose answer comes when spawnd has done what takes its time? */
bool	 words_lasts(const char *command);
void	 words_usage(FILE *);
/* All that there is, a line each. */
void	 words_help(FILE *);

#endif
