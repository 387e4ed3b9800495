/*
 * worker.h - a worker process: start, messages, drain, death, watchdog.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdio.h>

#include "accept/pool.h"
#include "ev.h"
#include "proto.h"

struct generation;

struct worker {
	TAILQ_ENTRY(worker)	 entry;
	struct generation	*gen;
	struct ev_proc		 proc;
	pid_t			 pid;
	struct ev_io		 chan;		/* our end of its channel */
	struct ev_timer		 timer;		/* start, watchdog or kill */
	struct ev_task		 more;		/* messages left to read */
	int			 peer;		/* a duplicate of its end */
	unsigned		 slot;
	enum worker_state	 state;
	bool			 full;		/* channel met EAGAIN */
	bool			 drain_due;	/* DRAIN did not fit */
	uint64_t		 sent;		/* sessions handed to it */
	uint64_t		 seen;		/* taken, at the last look */
	uint64_t		 due;		/* ms, when timer should fire */
	uint64_t		 started;	/* ms */
	uint64_t		 draining_since; /* ms */
	uint64_t		 stuck_since;	/* ms */
	uint64_t		 idle_since;	/* ms, 0: not idle */
	struct proto_conn	 out[PROTO_BATCH]; /* to be sent this turn */
	int			 out_fds[PROTO_BATCH];
	unsigned		 nout;
};

/* Starts one worker. Returns 0, or -1 after logging why; a later refill tries
 * again. */
int		 worker_start(struct generation *);
/* The same unless back-off forbids it now; then it is tried, with all that
 * waits for it, as soon as it is allowed. True if one was started. */
bool		 worker_start_now(struct generation *);
/* Starts what is missing to servers min, when back-off allows. */
void		 worker_refill(struct generation *);
/* Sends DRAIN: the worker ends when its sessions have. */
void		 worker_drain(struct worker *);
/* Its sessions are closed now: max-generations is exceeded. */
void		 worker_expire(struct worker *);
/* Replaces the worker: another one first, then DRAIN. */
void		 worker_replace(struct worker *);
void		 worker_signal_all(const struct generation *, int signo);
/* By process id, in any generation; NULL if there is none. */
struct worker	*worker_find(pid_t);
uint64_t	 worker_users(const struct worker *);
/* Its channel takes no more: it is told of when it does. */
void		 worker_is_full(struct worker *);
/* Something was sent: from now on the watchdog looks. */
void		 worker_watch(struct worker *);
const char	*worker_state_name(enum worker_state);

/* For an upgrade: writes the lines of a generation's workers; takes up one, of
 * the generation that was taken up last. False for a line that is not
 * understood. */
void		 worker_save(FILE *, const struct generation *);
bool		 worker_take(const char *line);

#endif
