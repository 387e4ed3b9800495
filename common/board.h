/*
 * board.h - the shared memory of one generation: who serves how much.
 *
 * One part a writer, and each field is written by one process only:
 *
 *   head      the master; with it, for each slot, what its worker is told
 *   slot i    the worker that the master started in slot i
 *
 * The head is one file, which workers have a descriptor of that is good for
 * reading only; each slot is a file of its own, made when a worker starts
 * there, which no other worker has. The master maps everything. Nobody sends a
 * message for a session that ends: the master reads the counters in place
 * (users of a worker = sent - closed), and tells each worker what the others
 * have at a place.
 *
 * Counters only grow, but for those of what is now. What a worker writes is a
 * claim: the master clamps it before it decides anything by it or tells it to
 * others.
 */
#ifndef BOARD_H
#define BOARD_H

#include "compat.h"

#include <stdatomic.h>

#include "conf/conf.h"
#include "times.h"
#include "why.h"

#define BOARD_SLOTS	1024	/* most workers alive in one generation */
#define BOARD_NEWS	256	/* changes that are remembered; a power of 2 */

typedef _Atomic uint64_t board_u64;
typedef _Atomic uint32_t board_u32;

/* Which places have changed, the latest of them: a reader looks at these
 * only, or at all if it has missed some. */
struct board_news {
	board_u64	n;		/* changes so far */
	board_u32	which[BOARD_NEWS]; /* of change i: i % BOARD_NEWS */
};

struct board_head {		/* writer: the master */
	board_u32	want_room;	/* workers say WAKE when one ends */
	/* For another program than relay, as in struct board. */
	board_u32	nseats, ended_at;
};

/*
 * How a place did, and when: milliseconds of the monotonic clock << 8 |
 * failures in a row, 0 after a success that ended such a row. The greater of
 * two is the newer one. 0: it never failed.
 */
typedef board_u64 board_outcome;

struct board_other {		/* writer: the master */
	board_outcome	outcome;	/* the newest one of any worker */
	board_u32	sessions;	/* that all other workers have there */
	board_u32	admin;		/* BOARD_ADMIN(), 0: as configured */
	board_u32	leases;		/* that this worker was given so far */
	board_u32	wanted;		/* others wait for some: say QUEUE */
};

/*
 * A worker has no more sessions at a place with max-sessions than it has
 * leases: as many as it was given so far, less those that it has given back
 * so far. It claims in one word how many it has given back and how many it
 * needs, for sessions that it has there and for those that wait.
 */
#define BOARD_CLAIM(back, need)	((uint64_t)(back) << 32 | (need))
#define BOARD_CLAIM_BACK(claim)	((uint32_t)((claim) >> 32))
#define BOARD_CLAIM_NEED(claim)	((uint32_t)(claim))

/* What the operator has set: a state (BOARD_ADMIN_NONE: as configured) and a
 * weight (0: as configured). */
#define BOARD_ADMIN(state, weight)	((((uint32_t)(state) + 1) << 16) | \
					    (weight))
#define BOARD_ADMIN_NONE		((enum conf_state)-1)
#define BOARD_ADMIN_STATE(admin)	((enum conf_state)(((admin) >> 16) - 1))
#define BOARD_ADMIN_WEIGHT(admin)	((uint16_t)((admin) & 0xffff))

/* What the worker of a slot is told of the others, in all generations; the
 * master writes it, before it hands over sessions. */
struct board_told {
	struct board_news  news;
	struct board_other places[];	/* of all relays, in their order */
};

struct board_place {		/* writer: the worker of the slot */
	board_u64	sessions;	/* established so far */
	board_u64	failed;		/* connects that failed */
	board_u64	bytes_in;	/* from clients to it */
	board_u64	bytes_out;	/* from it to clients */
	board_outcome	outcome;	/* the newest one it knows of */
	board_u32	active;		/* connecting or established now */
	board_u32	queue;		/* wait until there is room */
	board_u64	claim;		/* BOARD_CLAIM(), of leases */
};

/* How long things took, in the buckets of times.h. */
struct board_times {
	board_u64	n[TIMES_N + 1];
	board_u64	us;		/* all together */
};

/* Why a connect has failed: as the kernel says, or after it (TLS). */
enum board_failure { FAILED_REFUSED, FAILED_TIMED_OUT, FAILED_UNREACHABLE,
	FAILED_OTHER, FAILURES };

/* Of a place, what nobody decides by: a row of counters. */
struct board_place_more {	/* writer: the worker of the slot */
	struct board_times connect;
	board_u64	failed[FAILURES];
};

/* Of a listen section. What only sessions that have ended leave is apart from
 * it, so that what is summed up often is near, and memory is only taken for
 * those that have sessions. Both are rows of counters. */
struct board_listener {		/* writer: the worker of the slot */
	board_u64	sessions;	/* received */
	board_u64	failed;		/* ended, having come to no remote */
	board_u64	bytes_in;	/* from clients, also of open ones */
	board_u64	bytes_out;
};

struct board_listener_more {	/* writer: the worker of the slot */
	struct board_times queue, handshake;
	struct board_times session;	/* all that have ended */
	board_u64	ends[WHOS][WHYS];
};

#define BOARD_LISTENER		(sizeof(struct board_listener) / \
				    sizeof(board_u64))
#define BOARD_LISTENER_MORE	(sizeof(struct board_listener_more) / \
				    sizeof(board_u64))
#define BOARD_PLACE_MORE	(sizeof(struct board_place_more) / \
				    sizeof(board_u64))

struct board_filter {		/* writer: the worker of the slot */
	board_u64	sessions;	/* that it took part in so far */
	board_u64	bytes_in;	/* from clients, that have come to it */
	board_u64	bytes_out;	/* from remotes */
	board_u64	hits;		/* it has done something */
	board_u32	active;		/* sessions now */
};

/* What has become of handshakes of TLS with clients. */
enum board_shake {
	SHAKE_TLS12, SHAKE_TLS13,	/* done, from the beginning */
	SHAKE_RESUMED12, SHAKE_RESUMED13, /* done, by an earlier one */
	/* Begun, and not done: */
	SHAKE_CLOSED,			/* the client has gone */
	SHAKE_TIMEOUT,
	SHAKE_NAME,			/* no certificate has it, strict-sni */
	SHAKE_PROTOCOL,			/* nothing in common */
	SHAKE_CERTIFICATE,		/* the client's, or it has none */
	SHAKE_REFUSED,			/* by the client, in an alert */
	SHAKE_OTHER,
	SHAKES
};

struct board_cert {		/* writer: the worker of the slot */
	board_u64	n[SHAKES];	/* with that one chosen by then */
};

struct board_worker {		/* writer: the worker of the slot */
	board_u64	taken;		/* sessions received */
	board_u64	closed;		/* of those, ended; their seats, if they
					   have such: board_ended() */
	board_u64	bytes_in;	/* of ended and open sessions; relay
					   counts at listeners in place of
					   that: board_done() */
	board_u64	bytes_out;
	board_u64	log_dropped;
	board_u32	draining;	/* DRAIN has been read */
	board_u32	waiting;	/* sessions, for room at a place */
	struct board_news news;		/* active and outcome of a place */
	struct board_place places[];	/* of all relays, in their order */
};

/* The memory of one slot, in the master. */
struct board_slot {
	int			 fd;	/* -1: the slot is not in use */
	struct board_worker	*mem;
};

struct board {
	int			 fd;	/* of the head; -1 in a worker */
	int			 ro;	/* the same, for workers */
	unsigned		 nplaces;
	unsigned		 nseats;	/* of a worker; 0: sessions
						   have none */
	size_t			 head_size;	/* of the first part */
	size_t			 told_size;	/* a slot, in the head */
	size_t			 slot_size;
	size_t			 size;	/* of the head that is mapped */
	struct board_head	*head;	/* NULL: nothing is mapped */
	struct board_slot	*slots;	/* the master's, else NULL */
	struct board_worker	*own;	/* a worker's, else NULL */
	unsigned		 nfilters;
	size_t			 filters_at;	/* in a slot: what filters have
						   done, in their order */
	unsigned		 ncerts;
	size_t			 certs_at;	/* in a slot: those of listeners
						   (conf_first_cert()) */
	unsigned		 nlisteners;
	size_t			 listeners_at;	/* in a slot: those sections, in
						   their order; then more of
						   them, and of the places */
	size_t			 listeners_more_at, places_more_at;
	size_t			 ended_at;	/* in a slot: the seats of the
						   last sessions that ended */
	struct board_told	*told;
};

/* Makes the board of a generation with this configuration, with no slot in
 * use; the master's. Returns 0, or -1 with errno. */
int	 board_create(struct board *, const struct conf *);
/* Takes up the board behind fd in a master that goes on with it. */
int	 board_reopen(struct board *, int fd, const struct conf *);
/* Maps the board in a worker: the head behind fd, its own slot behind own.
 * Both are closed. Returns 0, or -1 with errno. */
int	 board_attach(struct board *, int fd, int own, const struct conf *,
	    unsigned slot);
void	 board_close(struct board *);

/* Makes the memory of a slot, of zeros, or takes up the one behind fd. Returns
 * 0, or -1 with errno. */
int	 board_slot_make(struct board *, unsigned slot);
int	 board_slot_reopen(struct board *, unsigned slot, int fd);
/* The slot's worker has been reaped: the next one gets new memory. */
void	 board_slot_free(struct board *, unsigned slot);
/* What is behind board_slot_make(): the worker's part, and what it is told;
 * the master's. */
static inline struct board_worker *
board_slot(const struct board *b, unsigned slot)
{
	return b->slots[slot].mem;
}
struct board_told *
	 board_told(const struct board *, unsigned slot);

/* The place that has changed next since *pos, which begins as 0 or as n;
 * BOARD_NONE; or BOARD_ALL if so many have changed that all are to be looked
 * at. */
#define BOARD_NONE	(-1)
#define BOARD_ALL	(-2)
int64_t	 board_news_next(const struct board_news *, uint64_t *pos);

/* Adds to a counter of one's own: no locked instruction is needed, as there
 * is one writer. */
static inline void
board_add(board_u64 *c, uint64_t n)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_release);
}

static inline void
board_add32(board_u32 *c, int n)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + (uint32_t)n,
	    memory_order_release);
}

static inline uint64_t
board_get(const board_u64 *c)
{
	return atomic_load_explicit(c, memory_order_acquire);
}

/* The seat of session i, of those that the worker has closed: good for as long
 * as no more than nseats have been closed since. */
static inline board_u32 *
board_seat(const struct board *b, const struct board_worker *w, uint64_t i)
{
	return (board_u32 *)(void *)((char *)(uintptr_t)w + b->ended_at) +
	    i % b->nseats;
}

static inline uint32_t
board_ended(const struct board *b, unsigned slot, uint64_t i)
{
	return atomic_load_explicit(board_seat(b, board_slot(b, slot), i),
	    memory_order_relaxed);
}

/* A filter, by its place among all (conf_filter_at()), of a slot's worker. */
static inline struct board_filter *
board_filter(const struct board *b, const struct board_worker *w,
    unsigned number)
{
	return (struct board_filter *)(void *)((char *)(uintptr_t)w +
	    b->filters_at) + number;
}

/* A certificate of a listener, by its place among all, likewise. */
static inline struct board_cert *
board_cert(const struct board *b, const struct board_worker *w,
    unsigned number)
{
	return (struct board_cert *)(void *)((char *)(uintptr_t)w +
	    b->certs_at) + number;
}

/* A listen section by its place in the configuration; the same of what is
 * apart from it, and of a place by its number. */
static inline struct board_listener *
board_listener(const struct board *b, const struct board_worker *w,
    unsigned number)
{
	return (struct board_listener *)(void *)((char *)(uintptr_t)w +
	    b->listeners_at) + number;
}

static inline struct board_listener_more *
board_listener_more(const struct board *b, const struct board_worker *w,
    unsigned number)
{
	return (struct board_listener_more *)(void *)((char *)(uintptr_t)w +
	    b->listeners_more_at) + number;
}

static inline struct board_place_more *
board_place_more(const struct board *b, const struct board_worker *w,
    unsigned number)
{
	return (struct board_place_more *)(void *)((char *)(uintptr_t)w +
	    b->places_more_at) + number;
}

/* What a worker has done at all of its listeners together. */
struct board_done {
	uint64_t	failed, bytes_in, bytes_out;
};
void	 board_done(const struct board *, const struct board_worker *,
	    struct board_done *);

/* Something took so many microseconds. */
static inline void
board_took(struct board_times *t, uint64_t us)
{
	board_add(&t->n[times_bucket(us)], 1);
	board_add(&t->us, us);
}

/* Adds a row of n counters to numbers. */
static inline void
board_sum(uint64_t *to, const board_u64 *from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		to[i] += board_get(&from[i]);
}

/* A session of this worker has ended, in that seat. */
static inline void
board_close_session(struct board *b, uint32_t seat)
{
	if (b->nseats != 0)
		atomic_store_explicit(board_seat(b, b->own,
		    atomic_load_explicit(&b->own->closed,
		    memory_order_relaxed)), seat, memory_order_relaxed);
	board_add(&b->own->closed, 1);
}

/* Says that a place has changed, after the change. */
static inline void
board_news_add(struct board_news *b, unsigned place)
{
	uint64_t n = atomic_load_explicit(&b->n, memory_order_relaxed);

	atomic_store_explicit(&b->which[n % BOARD_NEWS], place,
	    memory_order_relaxed);
	atomic_store_explicit(&b->n, n + 1, memory_order_release);
}

#endif
