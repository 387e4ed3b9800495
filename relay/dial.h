/*
 * dial.h - a socket that connects.
 */
#ifndef DIAL_H
#define DIAL_H

#include "addr.h"

struct locals;

/* One that is on its way, from one of those addresses, which may be NULL: as
 * the system chooses. -1 with errno. If the ports of one source address are
 * used up there may be another. */
int	 dial(struct locals *, const struct addr *);
/* Whether an error is for want of what this machine has, and no fault of whom
 * it connects to. EADDRNOTAVAIL: all source ports towards an address are used
 * up, or its own address is gone. */
bool	 dial_lacks(int err);

#endif
