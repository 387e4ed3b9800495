/*
 * logto.h - where the lines of the log go: what the logger is told of it, and
 * what is opened for it.
 */
#ifndef LOGTO_H
#define LOGTO_H

#include "compat.h"

struct conf;

/* Can all targets be written to? -1 with *errp. */
int		 logto_check(const struct conf *, const char **errp);
/* The command line of the logger for that configuration, up to a NULL; NULL
 * without memory. */
char		**logto_words(const struct conf *);
/* Adds a word to one, or begins it. 0, or -1 without memory. */
int		 logto_add(char ***, const char *word);
void		 logto_free(char ***);
bool		 logto_same(char *const *, char *const *);
/* The i-th target of a command line; NULL: it has fewer. */
const char	*logto_of(char *const *, unsigned i);
/* What the logger needs from us to write to that target: a file, or a socket
 * on its way to the receiver, non-blocking. Returns a descriptor, or -1 with
 * *errp; NULL there: it needs nothing. */
int		 logto_open(const char *to, const char **errp);

#endif
