/*
 * relay.h - the worker: serves the sessions that the master hands to it.
 *
 * The way of a session: channel.c receives the descriptor, session.c walks it
 * through the stages, connect.c finds it a remote by asking upstream.c, and
 * pump.c moves the bytes until both directions have ended.
 */
#ifndef RELAY_H
#define RELAY_H

#include "board.h"
#include "conf/conf.h"
#include "ev.h"
#include "proto.h"

struct sess;
struct splicer;

/* What was read from an end and its peer has not taken. */
struct kept {
	uint32_t	 off;		/* begins here in data */
	uint32_t	 len;		/* never 0 */
	char		 data[];
};

/* One side of a session. Two equal ends know each other; every direction is
 * "from this end to its peer", so there is one code for both. */
struct end {
	struct ev_io	 io;
	struct splicer	*splicer;	/* zero copy under way, or NULL */
	struct kept	*kept;		/* or NULL */
	uint64_t	 bytes;		/* read from here */
	uint8_t		 score;		/* how much it moves bulk (pump.c) */
	bool		 remote;	/* which of the two it is */
	bool		 readable;	/* no EAGAIN since the last edge */
	bool		 writable;
	bool		 eof;		/* FIN received, all data read */
	bool		 hup : 1;	/* read on to the end: EOF or error */
	bool		 error : 1;	/* the socket has an error */
	bool		 urgent : 1;	/* it has received urgent data */
	bool		 no_splice : 1;	/* it cannot be spliced */
	bool		 shut : 1;	/* FIN sent, or none is to be sent */
	bool		 failed : 1;	/* its socket is dead for writing */
};

/* Forward only; session.c has the table. */
enum sess_stage { STAGE_NEW, STAGE_CONNECT, STAGE_RELAY, STAGE_FLUSH,
	STAGE_DONE };

/* What a stage says when it returns. */
enum step { STEP_NEXT, STEP_WAIT, STEP_DONE };

/* Who ended a session, and why; the words of the closing line. */
enum sess_who { WHO_CLIENT, WHO_REMOTE, WHO_RELAY };
enum sess_why { WHY_FIN, WHY_RESET, WHY_IDLE, WHY_HALF_CLOSE, WHY_CONNECT,
	WHY_CONNECT_TIMEOUT, WHY_NO_REMOTE, WHY_DRAIN, WHY_GENERATIONS,
	WHY_STOPPED, WHY_ERROR };

/* What every byte that moves looks at comes first, in two cache lines; an open
 * session that does nothing costs little more than this. */
struct sess {
	struct end		 client;
	struct end		 server;
	struct upstream		*up;	/* chosen; NULL: none (any more) */
	struct pool		*pool;	/* of remotes (upstream.c) */
	uint64_t		 last;	/* ms, something moved */
	uint8_t			 stage;	/* enum sess_stage */
	uint8_t			 who;
	uint8_t			 why;
	uint8_t			 addr;	/* of up, in use */
	bool			 soon;	/* timer: look again */
	uint16_t		 ntried; /* at most retries + 1 */
	struct ev_timer		 timer;
	struct ev_task		 task;	/* more to pump, or free */
	TAILQ_ENTRY(sess)	 entry;
	struct peer		 peer;	/* the client */
	uint16_t		*tried;	/* places of remotes that failed */
	uint64_t		 id;
	uint64_t		 taken_us; /* handed to this worker */
	uint32_t		 queue_us; /* from accept(2) until then */
	uint32_t		 connect_us; /* from then on; 0: never */
	uint32_t		 listener; /* place in the configuration */
	int32_t			 unsent; /* in FLUSH, when last seen */
};

/* Whose end it is. */
static inline struct sess *
sess_of(const struct end *e)
{
	return e->remote ? container_of(e, struct sess, server) :
	    container_of(e, struct sess, client);
}

static inline struct end *
peer_of(const struct end *e)
{
	return e->remote ? &sess_of(e)->client : &sess_of(e)->server;
}

/* A remote as this worker sees it. */
struct upstream {
	const struct conf_remote *conf;
	struct board_remote	*board;	/* this worker's counters */
	uint64_t		 held_until;	/* ms */
	uint32_t		 active;	/* sessions of this worker */
	uint32_t		 others;	/* and of the other ones */
	int32_t			 current;	/* smooth round robin */
	uint32_t		 hash;		/* of its name */
	uint8_t			 fails;		/* in a row */
	uint8_t			 addr;		/* that worked last */
	const struct sess	*probe;		/* it tries it again, or NULL */
};

/* The remotes of one relay section. */
struct pool {
	const struct conf_relay	*conf;
	struct upstream		*ups;
	unsigned		 n;
	unsigned		 first;		/* place on the board */
	unsigned		 top_weight;	/* of all */
	unsigned		 turn;		/* breaks ties */
	uint64_t		 seen;		/* ms, others were counted */
	uint64_t		 sessions;	/* taken, for retire */
	uint64_t		 retire_at;	/* with spread; 0 = never */
};

/* What the whole worker is; main.c fills it. */
struct worker {
	struct conf	*conf;
	struct board	 board;
	pid_t		 pid;
	unsigned	 slot;
	unsigned	 generation;
	struct pool	*pools;		/* one a relay section */
	uint64_t	 nsessions;	/* open now */
	bool		 draining;	/* no more sessions come */
};
extern struct worker worker;

/* --- channel.c: what the master says, and what it is told --- */

/* Watches the channel and says READY. Returns 0, or -1 with errno. */
int	 channel_start(void);
/* Asks to be replaced; the worker goes on taking sessions until the master
 * has said DRAIN. Asking again is once. */
void	 channel_leave(enum proto_why);
/* A session has ended: wakes a master that waits for room, and ends the
 * worker when it drains and this was the last. */
void	 channel_session_ended(void);

/* --- session.c --- */

/* Takes over an accepted descriptor and serves it to its end. */
void	 sess_new(int fd, const struct proto_conn *);
/* Ends a session whatever stage it is in; both descriptors are closed, by RST
 * where reset says so. The one door to a session's death. */
void	 sess_close(struct sess *, enum sess_who, enum sess_why, bool reset);
/* One side has failed (a reset, most often): what it had sent is still
 * delivered, then the other side is reset. */
void	 sess_abort(struct end *failed, enum sess_why);
/* Leaves the stage for the next one. */
void	 sess_next(struct sess *);
/* Something moved: the time limits start anew. */
void	 sess_touch(struct sess *);
/* Makes the timer go off no later than the stage's time limit. */
void	 sess_arm(struct sess *);
/* Calls the stage's timeout function in ms, whatever the limit: there is
 * something to look at that no event tells of. */
void	 sess_look_soon(struct sess *, uint64_t ms);
/* True if the stage's time limit is over. */
bool	 sess_is_late(const struct sess *);
/* More to pump than one turn should do. */
void	 sess_resume(struct sess *);
/* Says what this process lacked for a session (NULL: none yet), at most once a
 * second. */
void	 sess_warn(const struct sess *, const char *what, int err);
/* Closes all that are left, spread over ms milliseconds (0: at once). */
void	 sess_close_all(enum sess_why, uint64_t spread_ms);
/* What the closing line tells of a time between two, in microseconds; at most
 * 71 minutes. */
uint32_t sess_span(uint64_t from_us, uint64_t to_us);
/* The callback of both ends, for the whole life of the session. */
void	 sess_io(struct ev_io *, int what);

/* --- connect.c: stage CONNECT --- */

enum step connect_enter(struct sess *);
enum step connect_event(struct sess *, struct end *);
enum step connect_timeout(struct sess *);

/* --- upstream.c: which remote, and which are held --- */

/* Builds the pools of all relay sections. Returns 0, or -1 with errno. */
int	 upstream_init(void);
/*
 * Chooses a remote that the session has not tried yet: one that is not held,
 * else the one due soonest. Counts the session as active there. NULL: every
 * remote was tried.
 */
struct upstream *upstream_pick(struct pool *, const struct sess *);
/* The session that it was chosen for no longer uses it. */
void	 upstream_release(struct upstream *, const struct sess *);
/* The outcome of a connect: a failure holds the remote for a second, doubling
 * to a minute; a success ends that. */
void	 upstream_ok(struct upstream *);
void	 upstream_failed(struct upstream *, const char *why);

/* --- pump.c: stages RELAY and FLUSH --- */

enum step pump_enter(struct sess *);
enum step pump_event(struct sess *, struct end *);
enum step pump_timeout(struct sess *);
/* A kernel that goes on by itself moves what comes from the end, or did so
 * until now; an error found there may be that of the other socket. */
bool	  pump_left_to_kernel(const struct end *);
/* Ends zero copy of what comes from an end, and counts what it has moved; what
 * is in a pipe is lost. */
void	  pump_unsplice(struct end *);
enum step flush_enter(struct sess *);
enum step flush_event(struct sess *, struct end *);
enum step flush_timeout(struct sess *);

#endif
