/*
 * logproc.h - the logger process: starts, replaces and stops it.
 */
#ifndef LOGPROC_H
#define LOGPROC_H

#include <stdio.h>

#include "compat.h"

struct conf;

/* Starts it for the configuration; lines of this process go there from now
 * on. Returns 0, or -1 with *errp. */
int		 logproc_start(const struct conf *, const char **errp);
/* Replaces it if what it is started with has changed, else opens its file
 * anew. */
void		 logproc_reload(const struct conf *);
/* Opens files and sockets of its targets, and passes them to the logger. */
void		 logproc_reopen(void);
/* What is less important is not written where the log without a name goes; -1:
 * by the configuration. */
void		 logproc_least(int level);
/* Lets it write what it has and end; then lines go to standard error. */
void		 logproc_stop(void);
/* Is there one, or was there? */
bool		 logproc_started(void);

/* For an upgrade: writes the lines of the logger; takes them up. False for a
 * line that is not understood. */
void		 logproc_save(FILE *);
bool		 logproc_take_word(const char *line);
bool		 logproc_take(const char *line);

#endif
