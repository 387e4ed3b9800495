/*
 * fault_flow.h - what a fault does to one direction of a session.
 *
 * Time is given and bytes are in queues, so that all of it can be had without
 * sockets. How the bytes come in pieces makes no difference to what becomes of
 * them.
 */
#ifndef FAULT_FLOW_H
#define FAULT_FLOW_H

#include "filter.h"

/* What came up to there is due then. */
struct fault_stamp {
	uint64_t	upto;		/* bytes of the direction */
	uint64_t	due;		/* ms */
};

/* Zeros, and fault_begin(). */
struct fault_flow {
	uint64_t		 begun;	/* ms */
	uint64_t		 came;	/* bytes, with what is held in `in` */
	uint64_t		 gone;	/* of these, passed on or dropped */
	uint64_t		 at;	/* ms: the latest that is due; credit is
					   counted to there; the next slice may
					   go; or since when the end waits, or
					   so many bytes have passed */
	uint64_t		 next;	/* the next bit that is flipped; the
					   byte behind a slice */
	uint64_t		 credit; /* thousandths of bytes */
	uint64_t		 random; /* state of its numbers */
	struct fault_stamp	*stamps; /* of latency; or NULL */
	unsigned		 nstamps, first, room;
	bool			 reached; /* at is the last of its meanings */
	bool			 on;	/* the former call found it so */
};

/* One call. */
struct fault_call {
	const struct conf_fault	*conf;
	bool			 on;	/* it is for this direction, and drawn,
					   and enabled: else all goes on */
	enum flow		 flow;
	size_t			 room;	/* bytes that may go on */
	uint64_t		 now;	/* ms */
	uint64_t		 wake;	/* filled: ms when there is more to do
					   though nothing comes; 0: never */
	bool			 nomem;	/* filled: bytes could not be moved */
};

/* The numbers of a fault: of its seed and name, of a direction, and of a
 * session (0: they are the same in all). */
uint64_t	 fault_seed(const struct conf_fault *, unsigned direction,
		    uint64_t session);
/* Whether the session of that number has it at all: the same answer whenever it
 * is asked. */
bool		 fault_drawn(const struct conf_fault *, uint64_t session);

void		 fault_begin(struct fault_flow *, const struct conf_fault *,
		    unsigned direction, uint64_t session, uint64_t now);
/* Moves bytes from in to out, as many as may go on now. What stays in `in` is
 * held. Bytes are changed in place. FILTER_NOMEM may have moved some. */
enum verdict	 fault_run(struct fault_flow *, struct fault_call *,
		    struct queue **in, struct queue **out);
/* The settings are others: nothing that is held is due later than it would be
 * if it had come now. */
void		 fault_changed(struct fault_flow *, const struct conf_fault *,
		    uint64_t now);
void		 fault_free(struct fault_flow *);

#endif
