/*
 * rise.h - a place that has come up gets its share little by little, within the
 * slow-start of its remote.
 */
#ifndef RISE_H
#define RISE_H

#include "remotes.h"

/* It has come up at that time, in ms; remote_place() is to follow. No-op
 * without slow-start. */
void	 rise_from(struct remote *, uint64_t ms);
/* Gives one that rises what is its by now. True if that is more than before:
 * remote_place() is to follow. */
bool	 rise_step(struct remote *);

#endif
