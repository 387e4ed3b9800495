/*
 * spawnd/worker.h - for programs that spawnd(8) runs as its workers, in place
 * of relay(8): descriptors, messages and memory. spawnd-worker(7) says what to
 * do with them.
 *
 * All numbers are of this machine: its byte order, and the alignment that the C
 * compiler gives these structures. Nothing is padded but by names that begin
 * with "reserved", which are 0.
 */
#ifndef SPAWND_WORKER_H
#define SPAWND_WORKER_H

#include <stdint.h>

/* The last argument of the program, and what it says in SPAWND_READY. */
#define SPAWND_WORKER_VERSION	1

/* Descriptors, besides 0 to 2. */
enum {
	SPAWND_FD_CHANNEL = 3,	/* SOCK_SEQPACKET, to the master */
	SPAWND_FD_CONFIG = 4,	/* file: the configuration as text */
	SPAWND_FD_BOARD = 5,	/* memory: struct spawnd_board, to read */
	SPAWND_FD_LOG = 6,	/* SOCK_SEQPACKET, to the logger */
	SPAWND_FD_SLOT = 7,	/* memory: struct spawnd_slot, to write */
	SPAWND_FD_END = 8	/* the first one that is yours */
};

/*
 * A message is one packet: this, then count items of its type's form, which
 * begin 4 bytes behind it and so are read and written as a part of their own
 * (struct iovec). Of SPAWND_CONN there are 1 to SPAWND_BATCH, each with a
 * descriptor; of all others there is one.
 */
struct spawnd_header {
	uint16_t	type;
	uint16_t	count;
};

#define SPAWND_BATCH	16

enum {
	SPAWND_CONN = 1,	/* to you: serve these */
	SPAWND_DRAIN = 2,	/* to you: no more will come */
	SPAWND_READY = 3,	/* from you, the first message */
	SPAWND_LEAVE = 4,	/* from you: replace me */
	SPAWND_WAKE = 5,	/* from you: sessions have ended */
	SPAWND_LOG = 6		/* to you, with a descriptor: log there */
};

struct spawnd_conn {
	uint8_t		address[16];	/* of the client; IPv4: the first 4 */
	uint32_t	scope;		/* of a link-local IPv6 address */
	uint16_t	port;		/* as a number of this machine */
	uint8_t		family;		/* AF_INET or AF_INET6; AF_UNIX has no
					   address */
	uint8_t		reserved;
	uint32_t	listener;	/* 0 is the first in the file */
	uint32_t	backlog_ms;	/* waited for room; 0: unknown */
	uint64_t	accepted_us;	/* CLOCK_MONOTONIC */
	uint32_t	seat;		/* spawnd_ended() */
	uint32_t	reserved2;
};

enum {
	SPAWND_CUT_NOTHING = 0,	/* your sessions may go on */
	SPAWND_CUT_GENERATIONS = 1, /* end them now: max-generations */
	SPAWND_CUT_STOPPED = 2	/* end them now: spawnd is told to end now */
};

struct spawnd_drain {
	uint32_t	cut;
};

struct spawnd_ready {
	uint32_t	version;	/* SPAWND_WORKER_VERSION */
	int32_t		pid;
};

enum {
	SPAWND_LEAVE_RETIRED = 1, /* it has served enough */
	SPAWND_LEAVE_SIGNAL = 2	/* somebody has asked for it */
};

struct spawnd_leave {
	uint32_t	why;
};

struct spawnd_wake {
	uint32_t	reserved;
};

struct spawnd_log {
	uint32_t	reserved;
};

/* The longest packet for a worker. */
#define SPAWND_MAX	(sizeof(struct spawnd_header) +			\
			    SPAWND_BATCH * sizeof(struct spawnd_conn))
/* A line of the log is a packet "<level>text", level being one of syslog(3). */
#define SPAWND_LOG_MAX	2048

/* The first bytes of a memory that may be larger. */
struct spawnd_board {
	uint32_t	want_room;	/* not 0: SPAWND_WAKE is wanted */
	uint32_t	seats;		/* not 0: so many are at ... */
	uint32_t	ended_at;	/* ... this byte of the slot */
};

/* The same. Nobody else writes there; it begins as 0, and none but draining is
 * ever made smaller. */
struct spawnd_slot {
	uint64_t	taken;		/* sessions received */
	uint64_t	closed;		/* of those, ended */
	uint64_t	bytes_in;	/* from clients */
	uint64_t	bytes_out;	/* to clients */
	uint64_t	log_dropped;	/* lines that did not fit */
	uint32_t	draining;	/* 1: SPAWND_DRAIN has been read */
};

/* Adds to a counter of one's own; whoever sees that sees what was before. */
static inline void
spawnd_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELEASE);
}

/* Counts a session as closed, and says which seat it had if somebody wants to
 * know: for that all of the slot's file has to be mapped. */
static inline void
spawnd_ended(const struct spawnd_board *board, struct spawnd_slot *slot,
    uint32_t seat)
{
	uint32_t *ended = (uint32_t *)(void *)((char *)slot + board->ended_at);

	if (board->seats != 0)
		__atomic_store_n(&ended[slot->closed % board->seats], seat,
		    __ATOMIC_RELAXED);
	spawnd_count(&slot->closed, 1);
}

/* Whether SPAWND_WAKE is wanted, after sessions have been counted as closed. */
static inline int
spawnd_wants_room(const struct spawnd_board *board)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&board->want_room, __ATOMIC_RELAXED) != 0;
}

#endif
