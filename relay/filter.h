/*
 * filter.h - what a filter is: it looks at, changes, delays or limits the bytes
 * of a session between its two ends. Filters know nothing of one another; the
 * chain of a session (chain.h) calls them in their order.
 */
#ifndef FILTER_H
#define FILTER_H

#include "board.h"
#include "conf/conf.h"
#include "queue.h"
#include "sess.h"

struct filt;
struct filter_section;

/* Of a direction, as a filter is told: there may come more; nothing more comes
 * behind what is in `in`; the end has failed, or somebody else has ended it:
 * what is held for a time is dropped, what is held for its contents goes on. */
enum flow { FLOW_ON, FLOW_LAST, FLOW_RESET };

/*
 * What a filter says of a direction:
 * GO	  all is well; what it has left in `in` it holds.
 * HOLD	  the same, and the end, which it was told by FLOW_LAST, is not to be
 *	  passed on yet: it has called filt_wake(), or somebody else will.
 * FIN	  nothing more of this direction behind what is in `out`: what comes
 *	  later is read and dropped.
 * CLOSE  the same of both directions.
 * RST	  both ends are reset, behind what is in `out`.
 * CUT	  both ends are reset now.
 * NOMEM  the session ends, as there is no memory for it.
 */
enum verdict { FILTER_GO, FILTER_HOLD, FILTER_FIN, FILTER_CLOSE, FILTER_RST,
	FILTER_CUT, FILTER_NOMEM };

/* One kind of filters, a const in a file of its own. */
struct filter {
	size_t		 size;	/* of its state in a session, of which struct
				   filt is the first member, zeroed; one for
				   both directions */
	enum sess_why	 why;	/* a session has ended by its verdict */
	/* Once a worker for each section that a listener or a relay section
	 * names. Returns 0, or -1 with errno: the worker does not start. May
	 * be NULL. */
	int	(*start)(struct filter_section *);
	/* What self.conf has of its section was changed: sessions that begin
	 * have it. Returns 0, or -1 with errno: they have what was. May be
	 * NULL. */
	int	(*set)(struct filter_section *);
	/* At the start of stage RELAY. Returns 1: it takes part; 0: not in
	 * this session, and close() is not called; -1 with errno. May be
	 * NULL: it takes part in all. */
	int	(*open)(struct filt *, struct sess *);
	/* How many bytes may be read from an end now: at most want, which is
	 * not 0. 0: it has called filt_wake(). That takes nothing from
	 * anybody; may be NULL. */
	size_t	(*allow)(struct filt *, struct end *from, size_t want);
	/* So many bytes were read from an end, or 0 if there were none after
	 * all. May be NULL. */
	void	(*passed)(struct filt *, struct end *from, size_t);
	/*
	 * Moves bytes of one direction from *in to the end of *out, changed or
	 * not, until there are none or filt_room() is 0. It may be called
	 * whenever something happens, also with nothing in *in. NULL: the
	 * filter needs no bytes, and zero copy goes on.
	 */
	enum verdict (*data)(struct filt *, struct end *from,
		    struct queue **in, struct queue **out, enum flow);
	/* What is set of its section was changed, and is to hold for sessions
	 * that are open as well. The chain runs then. May be NULL. */
	void	(*changed)(struct filt *);
	/* The session has ended; its sockets are closed. May be NULL. */
	void	(*close)(struct filt *);
};

/* A section, as one worker has it. */
struct filter_section {
	const struct filter	*ops;
	const char		*name;
	struct conf_filter	 conf;	/* which one: a rate is
					   self.conf->rates[conf.index] */
	unsigned		 number; /* among all (conf_filter_at()) */
	struct board_filter	*board;	/* what it has done */
	bool			 used;	/* start() was called */
	void			*live;	/* the filter's own, from start() on */
};

/* A filter in a session. */
struct filt {
	struct filter_section	*section;
	struct sess		*sess;
	uint64_t		 due;	/* ms as ev_now(); 0: none */
	bool			 left[2]; /* filt_leave() */
};

/* One a kind. */
extern const struct filter filter_fault, filter_match, filter_program,
    filter_rate, filter_record, filter_dump;

/* Starts those that are used. Returns 0, or -1 with errno. */
int	 filter_start(void);
/* The section of that name, or NULL. */
struct filter_section *filter_named(const char *name);
/* That of a number, or NULL. */
struct filter_section *filter_numbered(unsigned);

/*
 * For filters (chain.c).
 */

/* The chain is run at that time (ms as ev_now()) at the latest, and the filter
 * asked then or before. Of several such wishes the first is what is kept. */
void	 filt_wake(struct filt *, uint64_t at_ms);
/* How many bytes one direction of the session may store, in all its queues. Who
 * holds bytes for their contents lets go of them at half of it: more may never
 * come. */
size_t	 filt_share(const struct filt *);
/* How many bytes more may be put into the queue out. */
size_t	 filt_room(const struct filt *, const struct queue *out);

/* A filter has done what it is for once more: one for operators to count. */
static inline void
filt_hit(struct filt *f)
{
	board_add(&f->section->board->hits, 1);
}

/* 0 is from the client to the remote, 1 the other way. */
static inline unsigned
filt_way(const struct end *from)
{
	return from->remote;
}

/* It needs to see no more of what comes from that end, and holds nothing of it:
 * its data() is not called any more, and zero copy may go on. */
static inline void
filt_leave(struct filt *f, const struct end *from)
{
	f->left[filt_way(from)] = true;
}

/* It is to see again what comes from there, from now on. Returns how many bytes
 * that were read by now will still come to it; nothing is done, and 0 returned,
 * if it has not left. */
size_t	 filt_return(struct filt *, struct end *from);

/* Does a filter of that direction have to do with what comes from an end? */
static inline bool
filt_is_way(enum conf_way way, const struct end *from)
{
	return way == CONF_WAY_BOTH ||
	    (way == CONF_WAY_DOWN) == from->remote;
}

#endif
