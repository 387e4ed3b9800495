/*
 * convert.h - spawnctl convert: the configuration of another program as one of
 * ours.
 */
#ifndef CONVERT_H
#define CONVERT_H

#include <stdio.h>

/* All of a file, "-" is the standard input, for the caller to free; NULL with
 * errno, EINVAL if there is a NUL in it. */
char	*convert_read(const char *file);
/* What is in a text, with a NUL behind it, goes to out, and what was left out
 * to err, where file is its name. Returns 0, or 1 if something was left out. */
int	 convert(const char *file, const char *text, FILE *out, FILE *err);

#endif
