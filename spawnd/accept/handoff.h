/*
 * handoff.h - from the master to a worker: sends descriptors, keeps and
 * recovers those not taken.
 */
#ifndef HANDOFF_H
#define HANDOFF_H

#include <stdio.h>

#include "compat.h"

struct conf;
struct proto_conn;
struct worker;

/* Gives the connection to whom pool.c picks; false if nobody has room (fd is
 * then still the caller's). It is sent at the end of the turn. */
bool		 handoff_give(int fd, const struct proto_conn *);
/* Would handoff_give() find somebody? Starts a worker if one is wanted. */
bool		 handoff_room(void);
/* Keeps a connection that must not be lost until somebody has room. */
void		 handoff_keep(int fd, const struct proto_conn *);
/* Sends what the worker was given this turn. */
void		 handoff_flush(struct worker *);
/* The set of workers, or what one of them may get, has changed. */
void		 handoff_changed(void);
/* Reads back what the worker has not taken and gives it to others. */
void		 handoff_recover(struct worker *);
/* Tries again for the connections that are kept. */
void		 handoff_retry(void);
/* The current generation changes: what is kept follows its listener. */
void		 handoff_switch(const struct conf *from, const struct conf *to);
/* How many are kept. */
unsigned	 handoff_kept(void);
/* Closes them; for the end. */
void		 handoff_drop(void);

/* For an upgrade: writes the lines of what is kept; takes up one. False for a
 * line that is not understood. */
void		 handoff_save(FILE *);
bool		 handoff_take(const char *line);

#endif
