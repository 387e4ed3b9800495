/*
 * sess.h - a session and its two ends, as what they are; session.h and the
 * stages say what is done with them.
 */
#ifndef SESS_H
#define SESS_H

#include "addr.h"
#include "ev.h"
#include "why.h"

struct chain;
struct dest;
struct wish;
struct layer;
struct path;
struct question;
struct queue;
struct racer;
struct remote;
struct splicer;
struct waiter;

/* One side of a session. Two equal ends know each other; every direction is
 * "from this end to the far one", so there is one code for both. */
struct end {
	struct ev_io	 io;
	struct splicer	*splicer;	/* zero copy under way, or NULL */
	struct queue	*queue;		/* read, and not taken; or NULL */
	uint64_t	 bytes;		/* from here, taken by the far end */
	uint8_t		 score;		/* how much it moves bulk (carry.c) */
	bool		 remote;	/* which of the two it is */
	bool		 readable;	/* no EAGAIN since the last edge */
	bool		 writable;
	bool		 eof;		/* FIN received, all data read */
	bool		 hup : 1;	/* read on to the end: EOF or error */
	bool		 error : 1;	/* the socket has an error */
	bool		 urgent : 1;	/* it has received urgent data */
	bool		 no_splice : 1;	/* it cannot be spliced */
	bool		 shut : 1;	/* no FIN is to be sent any more */
	bool		 fin : 1;	/* it has been sent */
	bool		 failed : 1;	/* its socket is dead for writing */
	bool		 layered : 1;	/* not by its socket alone (layer.h) */
	bool		 filtered : 1;	/* extra->chain is for what comes */
	bool		 lowat : 1;	/* its SO_RCVLOWAT is not 1 */
};

/* Forward in this order, and back to CONNECT by STEP_AGAIN; stage.c has the
 * table. From the first to CONNECT a stage is of the client's end, from there
 * on of the remote's, both are told of the events of both. ANSWER is of the
 * client's, and entered from anywhere for one that is refused. PROXY_TLS is
 * PROXY_OUT for a header that goes inside TLS: the same functions, a second
 * place. */
enum sess_stage { STAGE_NEW, STAGE_PROXY_IN, STAGE_SOURCE, STAGE_TLS_IN,
	STAGE_SNIFF, STAGE_ASK, STAGE_AUTH, STAGE_ROUTE, STAGE_DOWN,
	STAGE_RESOLVE, STAGE_TARGET, STAGE_CONNECT, STAGE_PROXY_OUT,
	STAGE_TLS_OUT, STAGE_PROXY_TLS, STAGE_ANSWER, STAGE_RELAY,
	STAGE_FLUSH, STAGE_DONE };

/* What a stage says when it returns; see sess_end(), connect_again() and
 * sess_fail(). All but the first two lead to another stage. */
enum step { STEP_WAIT, STEP_END, STEP_NEXT, STEP_AGAIN, STEP_ABORT };

/* How both ends learn of it: each has had the other's end already; by RST
 * unless all that was sent has arrived; by RST. */
enum sess_cut { CUT_NONE, CUT_UNLESS_CLEAN, CUT_RESET };

/* What few sessions have; sess_extra() makes it. Texts are the session's, to be
 * freed with it, and for the closing line: printable, without spaces. */
struct extra {
	struct layer	*layer[2];	/* client's, remote's; or NULL */
	struct chain	*chain;		/* its filters, or NULL */
	uint32_t	*tried;		/* places of remotes that failed */
	uint16_t	 ntried;	/* of those */
	struct waiter	*waiter;	/* for room (wait.h); or NULL */
	SLIST_HEAD(, racer) racers;	/* connects beside the one under way */
	uint32_t	 backlog_ms;	/* waited before accept(2), or 0 */
	struct source	 proxy;		/* who has sent a PROXY header; the
					   session's is whom it names */
	struct source	 to;		/* to whom that one was connected */
	uint8_t		*fields;	/* of the header, as they came, for a
					   remote that is told; or NULL */
	size_t		 nfields;	/* bytes */
	bool		 proxied;	/* there is one */
	char		*name;		/* asked for by SNI, as host.h makes
					   names equal; or NULL */
	char		*alpn;		/* agreed on or, if the ClientHello
					   was passed on, all that it has,
					   with commas; or NULL */
	const char	*tls_version;	/* of the client's TLS, or NULL */
	const char	*tls_suite;	/* static both */
	struct wish	*wish;		/* how; or NULL */
	struct dest	*dest;		/* asked for; or NULL */
	struct claim	*claim;		/* or NULL: nobody is asked */
	struct question	*question;	/* whether it may be; or NULL */
	char		*subject;	/* CN of the client's certificate, UTF-8
					   and not for the log; or NULL */
	bool		 certified : 1;	/* it has one */
	bool		 trusted : 1;	/* which is right */
	bool		 traced : 1;	/* somebody looks at it (trace.h) */
	bool		 resumed : 1;	/* shown in an earlier connection */
};

/* What every byte that moves looks at comes first, in two cache lines; an open
 * session that does nothing costs little more than this. */
struct sess {
	struct end		 client;
	struct end		 remote;
	struct remote		*chosen; /* NULL: none (any more) */
	const struct path	*path;
	uint64_t		 last;	/* ms, something moved */
	uint8_t			 stage;	/* enum sess_stage */
	uint8_t			 limit;	/* enum path_limit that runs */
	uint8_t			 who;	/* enum sess_... */
	uint8_t			 why;
	uint8_t			 cut;
	uint8_t			 version; /* of the address of chosen;
					     or its place in dest->to */
	bool			 soon;	/* timer: look, late or not */
	bool			 keepalive; /* timer: begin it */
	struct ev_timer		 timer;
	struct ev_task		 task;	/* more to do, or free */
	TAILQ_ENTRY(sess)	 entry;
	struct source		 source; /* the client */
	struct extra		*extra;	/* or NULL */
	uint64_t		 id : 40;
	uint64_t		 seat : 24; /* told with its end (board.h) */
	uint64_t		 taken_us; /* handed to this worker */
	uint32_t		 queue_us; /* from accept(2) until then */
	uint32_t		 connect_us; /* from then on; 0: never */
	union {
		uint32_t	 dial_us; /* until connected: when the connect
					     began, from taken_us on */
		int32_t		 unsent; /* not acknowledged, at a look */
	};
	uint16_t		 look_ms; /* to the next look, in FLUSH */
	uint16_t		 ntried; /* remotes that failed, at most
					    retries + 1 */
};

_Static_assert(sizeof(struct end) <= 48, "an end has grown");
_Static_assert(sizeof(struct sess) <= 256, "a session has grown");

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

#endif
