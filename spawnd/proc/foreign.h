/*
 * foreign.h - workers that are another program than relay (conf.exec), which
 * speaks the public part of the protocol: spawnd-worker(7).
 */
#ifndef FOREIGN_H
#define FOREIGN_H

#include "proc/worker.h"

struct generation;

/* Makes the text of the configuration that such workers get, if there are any.
 * Returns 0, or -1 with errno. */
int		 foreign_text(struct generation *);
/* By what name the logger knows a worker, be it one of these or not. */
enum proto_who	 foreign_who(const struct worker *);
/* Starts the process of one, whose way to the logger is log. Returns 0, or -1
 * with errno. */
int		 foreign_start(struct worker *, int log);

#endif
