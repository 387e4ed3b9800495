/*
 * channel.h - the master's end of a worker's channel: what the worker says,
 * and DRAIN. Sessions are sent by accept/handoff.c.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "proc/worker.h"

/* Makes the channel of a new worker; its end is w->its_end. Returns 0, or -1
 * with errno. */
int		 channel_open(struct worker *);
/* Goes on with the channel of one that was taken up. Returns 0, or -1 with
 * errno; the descriptor is the caller's then. */
int		 channel_adopt(struct worker *, int fd);
/* It has met EAGAIN: MARK_ACCEPT and MARK_SEND tell when it takes more. */
void		 channel_is_full(struct worker *);
/* Sends DRAIN, or another way to the logger, to all to whom it is due, as far
 * as their channels take it. */
void		 channel_send_due(void);
/* Sends what is set of filters to all that are not yet sent it (live.h). */
void		 channel_send_set(void);
/* What was sent to it has failed, as errno says. True: its channel is of no use
 * any more, and it is killed as by channel_broken(). */
bool		 channel_failed(struct worker *);
/* A worker that breaks the contract: it is killed, which the log tells with
 * why, and replaced at once; what it has not taken goes to others. */
void		 channel_broken(struct worker *, const char *why);
/* The worker's sessions are closed now: max-generations is exceeded. */
void		 channel_expire(struct worker *);

#endif
