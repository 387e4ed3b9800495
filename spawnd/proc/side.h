/*
 * side.h - helpers that stay beside the workers: the channel to one.
 */
#ifndef SIDE_H
#define SIDE_H

#include "ev.h"

/*
 * Has start() start a helper with the other end of a new channel, which it does
 * not keep, and watches ours as ev_io_add() does. Returns 0, or -1 with errno:
 * there is no channel then, and a helper without one ends.
 */
int	 side_open(struct ev_io *, int what, void (*cb)(struct ev_io *, int),
	    int (*start)(int fd));

#endif
