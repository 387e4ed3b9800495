/*
 * channel.h - what the master says, and what it is told.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "proto.h"

/* Watches the channel and says READY; done is called, with the channel closed,
 * when the last session of one that drains has ended. Returns 0, or -1 with
 * errno. */
int	 channel_start(void (*done)(void));
/* Asks to be replaced; the worker goes on taking sessions until the master
 * has said DRAIN. Asking again is once. */
void	 channel_leave(enum proto_why);

#endif
