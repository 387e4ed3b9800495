/*
 * recproc.h - the recorders (helpers/recorder): one for each generation that
 * has record or dump sections, there from its first worker until all that its
 * last one has told is written.
 *
 * Each worker of such a generation has a feed (feed.h), which lasts longer than
 * a recorder: the next one goes on from there.
 */
#ifndef RECPROC_H
#define RECPROC_H

#include <stdio.h>

#include "compat.h"

struct conf;
struct generation;
struct worker;

/* Is there to be one? */
bool		 recproc_wanted(const struct conf *);
/* Can the files be made that a configuration says? -1 with *errp. */
int		 recproc_check(const struct conf *, const char **errp);
/* A worker is about to start: makes its feed, if it is to have one. Returns 0,
 * or -1 with errno. */
int		 recproc_worker(struct worker *);
/* It has its end of the feed, or never will. */
void		 recproc_worker_runs(struct worker *);
/* It has gone. */
void		 recproc_worker_gone(struct worker *);
/* Starts the recorders that are missing, and tells each what it does not know
 * yet. */
void		 recproc_step(void);
/* Opens the files of dump sections anew. */
void		 recproc_reopen(void);
/* That generation is about to be freed: its recorder ends when it has written
 * what there is. */
void		 recproc_gone(struct generation *);
/* The master ends: none is waited for longer than a moment. */
void		 recproc_stop(void);

/* For an upgrade: writes the lines; takes up one, behind those of workers.
 * False: it is not understood. */
void		 recproc_save(FILE *);
bool		 recproc_take(const char *line);

#endif
