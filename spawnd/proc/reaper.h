/*
 * reaper.h - children that are none of ours.
 */
#ifndef REAPER_H
#define REAPER_H

/* Reaps what was given to us as process 1 (or by exec(2)), and leaves alone
 * what ev_proc_add() watches. */
void		 reaper_start(void);

#endif
