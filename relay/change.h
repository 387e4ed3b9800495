/*
 * change.h - what the operator sets of filters while there are sessions.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include "proto.h"

/* Sets one option of a section, or all of a request with the last one of it;
 * sessions that begin from then on have it, and open ones if they are to. */
void	 change_take(const struct proto_set *);

#endif
