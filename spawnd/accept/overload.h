/*
 * overload.h - nobody has room: since when, until when, and for how many.
 */
#ifndef OVERLOAD_H
#define OVERLOAD_H

#include <stdio.h>

#include "compat.h"

/* A connection finds no room: it is refused, or waits. */
void		 overload_begin(void);
/* Is there room again? */
void		 overload_look(void);
/* One of those that had to wait is accepted. */
void		 overload_waited(void);
/* The master stops: who waits now waits for something else. */
void		 overload_end(void);
/* True while nobody has room. */
bool		 overload_on(void);

/* For an upgrade: writes the line of one that has been told of; takes it up.
 * False for a line that is not understood. */
void		 overload_save(FILE *);
bool		 overload_take(const char *line);

#endif
