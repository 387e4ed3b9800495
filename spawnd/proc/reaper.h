/*
 * reaper.h - children that are none of ours.
 */
#ifndef REAPER_H
#define REAPER_H

#include "ev.h"

/* Reaps what was given to us as process 1 (or by exec(2)), and leaves alone
 * what ev_proc_add() watches. */
void		 reaper_start(void);
/* Watches a child that has just been started. One that cannot be watched is
 * killed, as nobody would know what becomes of it; -1 with errno then. */
int		 reaper_watch(struct ev_proc *, pid_t,
		    void (*cb)(struct ev_proc *, int status));
/* In a child, before it executes a worker or the logger: what is sent to it
 * before it listens to signals waits until it does. */
void		 reaper_child(void);

#endif
