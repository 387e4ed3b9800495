/*
 * session.h - a session and its two ends: birth, stages, limits, death.
 */
#ifndef SESSION_H
#define SESSION_H

#include "ev.h"
#include "proto.h"

struct remote;
struct remotes;
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

/* Who ended a session, and why; the words of the closing line. */
enum sess_who { WHO_CLIENT, WHO_REMOTE, WHO_RELAY };
enum sess_why { WHY_FIN, WHY_RESET, WHY_IDLE, WHY_HALF_CLOSE, WHY_CONNECT,
	WHY_CONNECT_TIMEOUT, WHY_NO_REMOTE, WHY_DRAIN, WHY_GENERATIONS,
	WHY_STOPPED, WHY_ERROR };

/* What every byte that moves looks at comes first, in two cache lines; an open
 * session that does nothing costs little more than this. */
struct sess {
	struct end		 client;
	struct end		 remote;
	struct remote		*chosen; /* NULL: none (any more) */
	struct remotes		*remotes; /* that it may have */
	uint64_t		 last;	/* ms, something moved */
	uint8_t			 stage;	/* enum sess_stage */
	uint8_t			 who;
	uint8_t			 why;
	uint8_t			 addr;	/* of chosen, in use */
	bool			 soon;	/* timer: look again */
	uint16_t		 ntried; /* at most retries + 1 */
	struct ev_timer		 timer;
	struct ev_task		 task;	/* more to pump, or free */
	TAILQ_ENTRY(sess)	 entry;
	struct source		 source;	/* the client */
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
	return e->remote ? container_of(e, struct sess, remote) :
	    container_of(e, struct sess, client);
}

static inline struct end *
far_of(const struct end *e)
{
	return e->remote ? &sess_of(e)->client : &sess_of(e)->remote;
}

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

#endif
