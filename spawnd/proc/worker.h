/*
 * worker.h - the workers that there are: the list and the states. Nothing here
 * talks to one: process.c starts and reaps it, channel.c speaks with it,
 * watch.c looks whether it lives.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdio.h>

#include "accept/pool.h"
#include "board.h"
#include "ev.h"
#include "inbox.h"
#include "proc/child.h"
#include "proto.h"

struct asker;
struct generation;
struct seats;
struct writer;

struct worker {
	TAILQ_ENTRY(worker)	 entry;
	TAILQ_ENTRY(worker)	 lost_entry;
	TAILQ_ENTRY(worker)	 send_entry;
	struct generation	*gen;
	struct child		 child;
	struct ev_io		 chan;		/* our end of its channel */
	struct ev_timer		 timer;		/* start, watchdog or kill */
	struct inbox		 inbox;		/* of chan */
	int			 its_end;	/* a duplicate, to read back */
	struct writer		*log;		/* its way to the logger */
	int			 feed;		/* what it tells a recorder
						   (recproc.h), or -1 */
	int			 feed_wake;	/* the recorder's end */
	int			 feed_its;	/* its own, until it runs */
	bool			 feed_told;	/* the recorder has them */
	TAILQ_HEAD(, asker)	 askers;	/* whom it asks (auth.h) */
	struct seats		*seats;		/* its sessions, if they are
						   counted (seat.h) */
	int			 status;	/* dead: as waitpid(2) has it */
	unsigned		 slot;
	enum worker_state	 state;
	bool			 lost;		/* dead or stuck just now */
	bool			 broken;	/* its channel is not used */
	bool			 later;		/* lost, to be looked at then */
	bool			 early;		/* died before it was ready */
	bool			 reported;	/* dead, and the log tells */
	bool			 full;		/* channel met EAGAIN */
	bool			 drain_due;	/* DRAIN is to be sent */
	bool			 lease_due;	/* LEASE is */
	bool			 level_due;	/* LEVEL is */
	bool			 keys_due;	/* KEYS are (tickets.h) */
	bool			 expired;	/* told to end now */
	uint64_t		 set_sent;	/* serial of SET (live.h) */
	uint64_t		 set_done;	/* it has said so */
	int			 level;		/* to be told (level.h) */
	uint64_t		 sent;		/* sessions handed to it */
	uint32_t		*counted;	/* its sessions at each remote,
						   when last seen (load.h) */
	struct lease		*leases;	/* at each place, or NULL
						   (lease.h) */
	uint64_t		 news;		/* of its board, read so far */
	uint64_t		 seen;		/* taken, at the last look */
	uint64_t		 taken, closed;	/* its counts, when last seen */
	uint64_t		 closing;	/* closed, at watch_closing() */
	uint64_t		 closing_since;	/* ms, when that was new */
	uint64_t		 due;		/* ms, when timer should fire */
	uint64_t		 started;	/* ms */
	uint64_t		 draining_since; /* ms */
	uint64_t		 stuck_since;	/* ms */
	uint64_t		 idle_since;	/* ms, 0: not idle */
	struct proto_conn	 out[PROTO_BATCH]; /* to be sent this turn */
	int			 out_fds[PROTO_BATCH];
	unsigned		 nout;
};

/* A worker without a process yet, in a free slot of the generation's board
 * (WORKER_NOSLOT: any). NULL with errno; EAGAIN: there is none. */
#define WORKER_NOSLOT	BOARD_SLOTS
struct worker	*worker_new(struct generation *, unsigned slot);
/* Closes its channel and forgets it. */
void		 worker_free(struct worker *);
/* It gets no more sessions and is to be sent DRAIN: it ends when its sessions
 * have. */
void		 worker_drain(struct worker *);
/* What it was sent has been read back, perhaps DRAIN with it. */
void		 worker_drain_again(struct worker *);
/* Replaces the worker: another one first, then DRAIN. False if it is on its
 * way out already. */
bool		 worker_replace(struct worker *);
/* Dead or stuck: what it has not taken is taken back when the turn is
 * settled. */
void		 worker_lose(struct worker *, enum worker_state);
/* Not all could be taken back: it is lost anew after a while. */
void		 worker_lose_later(struct worker *);
/* One of these, each once; NULL: no more. */
struct worker	*worker_next_lost(void);
/* As child_kill(); one that cannot be sent signals is told over its channel to
 * end now, with its sessions. */
void		 worker_kill(struct worker *, int signo, const char *why);
/* Sends a signal to all of all generations. */
void		 worker_kill_all(int signo);
/* By process id, in any generation; NULL if there is none. */
struct worker	*worker_find(pid_t);
/* Workers that are ready (ready) or any at all. */
unsigned	 worker_count(const struct generation *, bool ready);
/* Sessions it has or will have. What it says is clamped: it cannot have closed
 * what it was not sent. */
uint64_t	 worker_users(const struct worker *);
/* Sessions that it was sent and, as it says, has not taken. */
uint64_t	 worker_untaken(const struct worker *);
/* A generation's workers as pool.h sees them, and who they are; both with room
 * for BOARD_SLOTS. Returns how many there are. */
size_t		 worker_view(const struct generation *, struct pool_worker *,
		    struct worker **who);
const char	*worker_state_name(enum worker_state);

/* For an upgrade: writes the lines of a generation's workers (process_take()
 * reads them). */
void		 worker_save(FILE *, const struct generation *);

#endif
