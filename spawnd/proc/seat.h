/*
 * seat.h - which sessions a worker has, where a limit asks for that: each gets
 * a seat with its hand-over, and the worker names the seats of those that have
 * ended (board.h). So what a session is counted in is given back once, whatever
 * becomes of the worker.
 */
#ifndef SEAT_H
#define SEAT_H

#include <stdio.h>

#include "compat.h"

#include "accept/limit.h"

struct proto_named;
struct proto_verdict;
struct worker;

/* Those of a worker whose slot is there, if its generation counts. Returns 0,
 * or -1 with errno. */
int		 seat_worker(struct worker *);
/* A seat for a session of that listener; its tally, which may be NULL, is the
 * seat's from now on. Always there for a worker that pool.h picks. */
uint32_t	 seat_take(struct worker *, struct tally *, uint32_t listener);
/* The worker has not taken it: the seat is free, and the tally is the caller's;
 * NULL: it had none. */
struct tally	*seat_back(struct worker *, uint32_t seat);
/*
 * The session in a seat is of another source than it came from. Returns which
 * limit that is over; to be told to the worker: seat_verdict() is the next that
 * is due to it, or false, and seat_told() says that it has that.
 */
enum limit	 seat_named(struct worker *, const struct proto_named *);
/* Its place in conf.listens; 0: nobody has the seat. */
unsigned	 seat_listener(const struct worker *, uint32_t seat);
bool		 seat_verdict(struct worker *, struct proto_verdict *);
void		 seat_told(struct worker *);
/* Frees the seats of sessions that have ended. False: the worker names one that
 * it does not have. */
bool		 seat_look(struct worker *);
/* Sessions that it was sent and that are not known to have ended; only of a
 * worker with seats. */
uint64_t	 seat_users(const struct worker *);
/* It is none of the pool any more: its sessions take no room there. */
void		 seat_leave(struct worker *);
/* It has been reaped: frees all, and with them what it still had. */
void		 seat_gone(struct worker *);

/* For an upgrade: writes the lines of a worker's seats, behind its own; takes
 * up one, of the last worker that was taken up. False for a line that is not
 * understood. */
void		 seat_save(FILE *, const struct worker *);
bool		 seat_take_up(const char *line);

#endif
