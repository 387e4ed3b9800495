/*
 * ev_int.h - between the files of the event loop.
 */
#ifndef EV_INT_H
#define EV_INT_H

#include "ev.h"

/* Hands one change to the kernel, at once. Returns 0, or -1 with errno. */
int		 ev_change(struct kevent *);

/* The watcher is gone: its memory may be anything by the end of the turn, so
 * what this turn still has for it is dropped. */
void		 ev_drop(const void *watcher);

/* The process has ended: takes its status and makes the callback. */
void		 ev_proc_event(struct ev_proc *);

/* No process is watched any more; says so to none of them. */
void		 ev_proc_forget(void);

#endif
