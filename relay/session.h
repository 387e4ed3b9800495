/*
 * session.h - birth and end of a session, its time limits, what it moved, the
 * closing line, and the list of all.
 */
#ifndef SESSION_H
#define SESSION_H

#include "chain.h"
#include "path.h"
#include "proto.h"
#include "queue.h"
#include "sess.h"
#include "splice.h"

/* A walk along all sessions, over as many turns as it likes: they may come and
 * go meanwhile. Those that have come last are met last. */
struct sess_walk {
	LIST_ENTRY(sess_walk)	 entry;
	struct sess		*next;
};

/* The callbacks of every session, from its birth on. */
struct sess_calls {
	void	(*io)(struct ev_io *, int what);	/* of either end */
	void	(*timer)(struct ev_timer *);
	void	(*more)(struct ev_task *);	/* see sess_resume() */
};

/* Says who is to be told after a session has ended. */
void		 sess_init(void (*ended)(void));
/* Takes over an accepted descriptor. NULL: it is closed, and said why. */
struct sess	*sess_new(int fd, const struct proto_conn *,
		    const struct path *, const struct sess_calls *);
/* The descriptor of an end from now on. Returns 0, or -1 with errno: then it is
 * still the caller's. */
int		 sess_watch(struct end *, int fd);
/* Ends a session as s->who, s->why and s->cut say; both descriptors are
 * closed. For the runner of the stages: a stage returns sess_end(). */
void		 sess_close(struct sess *);
/* It will not come to the stages in between: nobody there waits for it. */
void		 sess_goes_on(const struct sess *);
/* Ends all that are left, spread over ms milliseconds (0: at once). */
void		 sess_close_all(enum sess_why, uint64_t spread_ms);
/* Ends all that are established at a place, by RST to both sides; returns how
 * many there were. */
unsigned	 sess_close_at(const struct remote *);
void		 sess_walk_begin(struct sess_walk *);
/* The next one, or NULL: there is none now. */
struct sess	*sess_walk_next(struct sess_walk *);
void		 sess_walk_end(struct sess_walk *);
/* Says what this process lacked for a session (NULL: none yet), at most once a
 * second. */
void		 sess_warn(const struct sess *, const char *what, int err);

/* What few sessions have, made if there is none yet; NULL without memory. */
struct extra	*sess_extra(struct sess *);
/* No other remote will be tried: what only such a one is told is forgotten. */
void		 sess_settled(struct sess *);
/* What somebody else has sent, as a word of the closing line: to be freed, or
 * NULL without memory. */
char		*sess_word(const void *, size_t);
/* So many bytes that came from the end have been taken by the far one. */
void		 sess_count(struct end *from, uint64_t);
/* Makes the coming close of an end an abortive one. */
void		 sess_reset(struct end *);
/* The socket of an end is dead, or about to be closed by RST: what it has not
 * acknowledged counts no longer. A unix socket has handed over all. */
void		 sess_lost(struct end *);

/* Makes the timer go off no later than the time limit that runs. */
void		 sess_arm(struct sess *);
/* Calls the stage's timeout function in ms at the latest, whatever the limit:
 * there is something to look at that no event tells of. */
void		 sess_look_soon(struct sess *, uint64_t ms);
/* True if the time limit is over. */
bool		 sess_is_late(const struct sess *);
/* The same when its filters have asked for it. */
void		 sess_look_due(struct sess *);
/* More to do than one turn should. */
void		 sess_resume(struct sess *);

/* What the closing line tells of a time between two, in microseconds; at most
 * 71 minutes. */
static inline uint32_t
sess_span(uint64_t from_us, uint64_t to_us)
{
	return (uint32_t)MIN(to_us - from_us, UINT32_MAX);
}

/* For a stage: the session ends. */
static inline enum step
sess_end(struct sess *s, enum sess_who who, enum sess_why why,
    enum sess_cut cut)
{
	s->who = (uint8_t)who;
	s->why = (uint8_t)why;
	s->cut = (uint8_t)cut;
	return STEP_END;
}

/* For a stage: one side has failed (a reset, most often). What it had sent is
 * still delivered, then the other side is reset. */
static inline enum step
sess_fail(struct end *e, enum sess_why why)
{
	struct sess *s = sess_of(e);

	s->who = e->remote ? WHO_REMOTE : WHO_CLIENT;
	s->why = (uint8_t)why;
	e->failed = true;
	return STEP_ABORT;
}

/* Who is connected: the client, or who has sent a header that names it. */
static inline const struct source *
sess_sender(const struct sess *s)
{
	return s->extra != NULL && s->extra->proxied ? &s->extra->proxy :
	    &s->source;
}

/* Something moved: the time limit starts anew. */
static inline void
sess_touch(struct sess *s)
{
	s->last = ev_now();
}

/* Read from an end, through all filters, and not yet taken by the far one. */
static inline size_t
sess_ready(const struct end *from)
{
	return queue_len(from->queue) +
	    (from->splicer != NULL ? splice_len(from->splicer) : 0);
}

/* The same, and what filters hold. */
static inline size_t
sess_stored(const struct end *from)
{
	return sess_ready(from) + (from->filtered ? chain_held(from) : 0);
}

#endif
