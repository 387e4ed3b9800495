/*
 * checkproc.h - the checker (helpers/checker): one process for all generations,
 * there as long as one of them has places that are checked or looked up.
 *
 * It is started, told of generations, and ended at the end of a turn; what it
 * finds is in the memory of each generation (targets.h), so that its end loses
 * nothing: the next one goes on from there. One that is silent is killed.
 */
#ifndef CHECKPROC_H
#define CHECKPROC_H

#include <stdio.h>

#include "compat.h"

struct conf;
struct generation;

/* Starts it, ends it, and tells it of generations that it does not know, as it
 * is needed. */
void		 checkproc_step(void);
/* That generation is about to be freed. */
void		 checkproc_gone(const struct generation *);
/* That configuration holds now: the checker is replaced if it is to be another
 * user's, and to look anew at how names are asked for. */
void		 checkproc_reload(const struct conf *);
/* The level of its lines from now on; -1: that of the generations that it is
 * told of. */
void		 checkproc_level(int level);
void		 checkproc_stop(void);

/* For an upgrade: writes a line; reads it, behind those of the generations.
 * False: it is not understood. */
void		 checkproc_save(FILE *);
bool		 checkproc_take(const char *);

#endif
