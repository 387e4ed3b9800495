/*
 * board.h - the shared memory of one generation: who serves how much.
 *
 * One part a writer, page-aligned, each field written by one process only:
 *
 *   head    the master
 *   slot i  the worker that the master started in slot i
 *
 * A worker maps its own slot for writing and all else read-only; the master
 * maps everything. Nobody sends a message for a session that ends: the master
 * reads the counters in place (users of a worker = sent - closed), and so do
 * the workers to see the load of a remote across all of them.
 *
 * Counters only grow. What a worker writes is a claim: the master clamps it
 * (board_users) before it decides anything by it.
 */
#ifndef BOARD_H
#define BOARD_H

#include "compat.h"

#include <stdatomic.h>

#include "conf/conf.h"

#define BOARD_SLOTS	1024	/* most workers alive in one generation */

typedef _Atomic uint64_t board_u64;
typedef _Atomic uint32_t board_u32;

struct board_head {		/* writer: the master */
	board_u32	want_room;	/* workers say WAKE when one ends */
	board_u32	slots_used;	/* slots at and above were never used */
};

struct board_remote {		/* writer: the worker of the slot */
	board_u64	sessions;	/* established so far */
	board_u64	failed;		/* connects that failed */
	board_u64	bytes_in;	/* from clients to it */
	board_u64	bytes_out;	/* from it to clients */
	board_u32	active;		/* connecting or established now */
	board_u32	held;		/* 1 while it is not tried */
};

struct board_worker {		/* writer: the worker of the slot */
	board_u64	taken;		/* sessions received */
	board_u64	closed;		/* of those, ended */
	board_u64	bytes_in;	/* of ended and open sessions */
	board_u64	bytes_out;
	board_u64	log_dropped;
	board_u32	draining;	/* DRAIN has been read */
	struct board_remote remotes[];	/* of all relays, in their order */
};

struct board {
	int			 fd;
	unsigned		 nremotes;
	size_t			 slot_size;
	size_t			 size;
	char			*mem;	/* head, then the slots */
	struct board_head	*head;
	struct board_worker	*own;	/* a worker's, else NULL */
};

/* Makes the board of a generation with this configuration; the master's.
 * Returns 0, or -1 with errno. */
int	 board_create(struct board *, const struct conf *);
/* Maps the board behind fd in a master that goes on with it. */
int	 board_reopen(struct board *, int fd, const struct conf *);
/* Maps the board behind fd in a worker: slot is its own. */
int	 board_attach(struct board *, int fd, const struct conf *,
	    unsigned slot);
void	 board_close(struct board *);

struct board_worker *
	 board_slot(const struct board *, unsigned slot);
/* Zeroes a slot whose worker has been reaped. */
void	 board_clear(struct board *, unsigned slot);
/* The place of a relay's first remote in board_worker.remotes. */
unsigned board_first_remote(const struct conf *, unsigned relay);

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

#endif
