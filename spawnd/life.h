/*
 * life.h - from the first session to the end of the master.
 */
#ifndef LIFE_H
#define LIFE_H

#include "compat.h"

/* The command that launched us waits at the descriptor for a byte: its exit
 * status. */
void		 life_launched(int fd);
/* Reads the file and starts the first generation. When it serves: pid file, -A,
 * readiness; if it fails the process ends. */
void		 life_begin(void);
/* Drains and ends; a second call, or now, ends at once. */
void		 life_stop(bool now);
/* Lets go of all and ends the process. */
void		 life_end(int status) no_return;

#endif
