/*
 * life.h - from the first session to the end of the master.
 */
#ifndef LIFE_H
#define LIFE_H

#include "compat.h"

struct conf;

/* The command that launched us waits at the descriptor for a byte: its exit
 * status. */
void		 life_launched(int fd);
/* What another instance may hold (the pid file), before anything is touched.
 * -1 with *errp. */
int		 life_claim(const struct conf *, const char **errp);
/* Drains and ends; a second call, or now, ends at once. */
void		 life_stop(bool now);
/* The first generation serves: pid file, -A, readiness. */
void		 life_serving(void);
/* It could not be started. */
void		 life_start_failed(const char *why);
/* A worker has been reaped: ends the master when it was the last one. */
void		 master_worker_gone(void);
/* Lets go of all and ends the process. */
void		 life_end(int status) no_return;

#endif
