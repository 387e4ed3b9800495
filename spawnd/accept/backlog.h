/*
 * backlog.h - how many connections wait at a listener.
 */
#ifndef BACKLOG_H
#define BACKLOG_H

enum { BACKLOG_UNKNOWN = -1,	/* accept until there is none */
	BACKLOG_ASK = -2 };

/* How many connections wait to be accepted, or BACKLOG_UNKNOWN. */
int		 backlog_waiting(int fd);

#endif
