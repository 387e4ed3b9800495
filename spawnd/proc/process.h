/*
 * process.h - the process behind a worker: its start and its end.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "proc/worker.h"

/* Starts one worker. Returns 0, or -1 after logging why. */
int		 process_start(struct generation *);
/* The one that lives in this process (inside.h); NULL: there is none now. */
struct worker	*process_inside(void);
/* There was one, which has ended: this program can have another one when it has
 * executed itself. */
bool		 process_spent(void);
/* Says how it has ended, once; all: what it had not taken has been read back,
 * or will not be. */
void		 process_report(struct worker *, bool all);
/* All has been read back after the report: says what was lost beside. */
void		 process_report_rest(const struct worker *);
/* Puts what it has done on record, and frees it. What it had not taken has been
 * given to others before. */
void		 process_bury(struct worker *);
/* For an upgrade: takes up a worker (worker_save()) of the generation that was
 * taken up last. False if the line is not understood. */
bool		 process_take(const char *line);

#endif
