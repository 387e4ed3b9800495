/*
 * pool.h - who gets the next session, and when a worker is started: pure
 * decisions.
 */
#ifndef POOL_H
#define POOL_H

#include "compat.h"

enum worker_state {
	WORKER_STARTING,	/* no READY yet */
	WORKER_READY,
	WORKER_LEAVING,		/* has asked to be replaced, still serves */
	WORKER_DRAINING,	/* DRAIN sent: gets nothing more */
	WORKER_STUCK,		/* takes nothing from its channel */
	WORKER_DEAD,		/* has been reaped just now */
};

struct pool_limits {
	unsigned	servers_min, servers_max;
	unsigned	users_min, users_max;
	unsigned	wake;	/* that many may be woken without need */
	uint64_t	slack;	/* so many users more may save waking one */
	uint64_t	idle;	/* ms without users after which one that is
				   not needed goes; 0: it stays */
};

struct pool_worker {
	enum worker_state	 state;
	bool			 full;	/* its channel takes no more now */
	bool			 awake;	/* was given a session this turn */
	uint64_t		 users;	/* sessions it has or will have */
	uint64_t		 idle;	/* ms that it has been without */
};

struct pool_choice {
	int	 worker;	/* index, or -1: nobody has room */
	bool	 start;		/* one more worker should be started */
};

/*
 * Who gets the next session. A ready worker with fewer than users_min, least
 * loaded first; else one more worker should be started if there are fewer
 * than servers_max, and meanwhile the least loaded one below users_max gets
 * it: a ready one, else one that is starting (its channel keeps the session
 * until it is ready), else one that is about to leave.
 *
 * Each worker that gets a session is a process to be woken, which is most of
 * what a hand-over costs. Once wake of them are awake, one of these is taken
 * rather than the least loaded if it has at most slack users more.
 */
struct pool_choice
		 pool_pick(const struct pool_worker *, size_t,
		    const struct pool_limits *);
/* May it have one more that it is to have, though others have less to do? One
 * that is about to leave may not. */
bool		 pool_takes(const struct pool_worker *,
		    const struct pool_limits *);
/* How many workers must be started to have servers_min. */
unsigned	 pool_missing(const struct pool_worker *, size_t,
		    const struct pool_limits *);
/*
 * Who goes next: its index, or -1. The first one that has asked to leave, as
 * soon as another one stands in for it; else, above servers_min, the last one
 * that is ready and idle for long enough.
 */
int		 pool_leaver(const struct pool_worker *, size_t,
		    const struct pool_limits *);

#endif
