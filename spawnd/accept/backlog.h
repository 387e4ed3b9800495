/*
 * backlog.h - how many connections wait at a listener.
 */
#ifndef BACKLOG_H
#define BACKLOG_H

enum { BACKLOG_UNKNOWN = -1,	/* accept until there is none */
	BACKLOG_ASK = -2 };

/* How many connections wait to be accepted, or BACKLOG_UNKNOWN. One call, and
 * known of TCP only: for who accepts. */
int		 backlog_waiting(int fd);
/* The same of unix sockets as well, by more calls: for who is asked. */
int		 backlog_count(int fd);
/* ms that a connection had been complete when it was accepted, to be asked
 * before anything is sent to it; 0 where the system does not tell. One call. */
uint32_t	 backlog_waited(int fd);
/* Nobody comes any more to a listener that will be closed at once: who tries
 * is left without an answer and tries again, where the system can do that. */
void		 backlog_shut(int fd);

#endif
