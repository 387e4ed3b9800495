/*
 * inside.h - a worker that lives in the process of the master (single = yes).
 *
 * inside_none.c: this program has none. The program single is this one with
 * relay in it: single/join.c. It can have one once, as what relay knows of
 * itself is not made to be begun anew: the next workers are processes, until
 * the master has executed itself.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include "compat.h"

#include "proto.h"

/* Whether this program can have such a worker at all. */
bool		 inside_can(void);
/* Whether it has not had one yet. */
bool		 inside_free(void);
/*
 * Begins one. fds has the master's descriptors by their numbers in proto.h, -1
 * for those that there are not; they stay the caller's. ended comes once, when
 * it has drained. Returns 0, or -1 with *errp (static).
 */
int		 inside_start(unsigned generation, unsigned slot,
		    const int fds[PROTO_FD_END], void (*ended)(void),
		    const char **errp);
/* It has ended, a turn ago: wipes its keys. */
void		 inside_end(void);

#endif
