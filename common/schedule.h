/*
 * schedule.h - how the system's scheduler treats a process: schedule_linux.c,
 * elsewhere schedule_none.c.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "compat.h"

/*
 * batch: the process runs at once on an idle processor, as ever, but does not
 * take a busy one away from whoever computes there. Under load it is then
 * woken for several things at a time instead of for each. Children inherit
 * it. Does nothing where the system has no such thing.
 */
void	 schedule_batch(bool batch);

#endif
