/*
 * proto.h - the contract between the master and its workers: descriptors,
 * messages, version.
 *
 * Bump PROTO_VERSION when anything in this file or in board.h changes. A
 * worker is started as "relay GENERATION SLOT VERSION" and ends at once if the
 * version is not its own (a package may have been replaced on disk under a
 * running master); READY tells the master the same of the worker.
 */
#ifndef PROTO_H
#define PROTO_H

#include "acl.h"
#include "addr.h"
#include "secret.h"

#define PROTO_VERSION	9

/*
 * What another program than relay is told and may say (conf.exec) is public,
 * in include/spawnd/worker.h and spawnd-worker(7). It has a version of its own,
 * by which such a program is started and says READY. What changes here for
 * relay only does not change it; test/unit/test_public.c knows what does.
 */
#define PROTO_PUBLIC	1

/* Descriptors that a worker finds open after exec, besides 0 to 2, which are
 * /dev/null (2 is the master's, unless that is a terminal). */
enum {
	PROTO_FD_CHANNEL = 3,	/* SOCK_SEQPACKET to the master, non-blocking */
	PROTO_FD_CONF	 = 4,	/* the configuration (conf_get()); for another
				   program than relay as text */
	PROTO_FD_BOARD	 = 5,	/* the generation's board (board.h), to read */
	PROTO_FD_LOG	 = 6,	/* its own to the logger (log.h) */
	PROTO_FD_SLOT	 = 7,	/* its own part of the board */
	PROTO_FD_SECRETS = 8,	/* certificates and keys (secret.h); not if
				   nothing has TLS */
	PROTO_FD_TARGETS = 9,	/* what is known of places (targets.h), to
				   read; not if nothing is */
	PROTO_FD_BUCKETS = 10,	/* how much may flow (buckets.h), to write; not
				   if no filter asks for it */
	PROTO_FD_FEED	 = 11,	/* what it tells the recorder (feed.h); not if
				   there is none */
	PROTO_FD_WAKE	 = 12,	/* a socket to the recorder, to wake it */
	PROTO_FD_END	 = 13	/* the first one that is not inherited */
};

/* Descriptors that the reader (helpers/reader) finds, and the most that it may
 * write to either of its files. */
enum {
	READER_FD_VALUE	 = 3,	/* file: the configuration (conf_put()) */
	READER_FD_REPORT = 4,	/* file: mistakes, or the text for -T */
	READER_FD_WARN	 = 5,	/* file: warnings */
	READER_FD_SECRETS = 6	/* file: certificates and keys (secret.h) */
};
/* The same of the fetcher (helpers/fetcher). */
enum {
	FETCHER_FD_TEXT	 = 3,	/* file: what was fetched */
	FETCHER_FD_REPORT = 4	/* file: its tag, or what is wrong */
};
#define FETCHER_MAX		(16 * 1024 * 1024)	/* bytes */
#define FETCHER_SAME		4	/* its status: not modified */
#define READER_MAX		(256 * 1024 * 1024)	/* bytes */

/* Descriptors that a worker needs: two a session, and so many besides, of
 * which PROTO_FD_PIPES are for the pipes of zero copy, and PROTO_FD_RACES for
 * connects beside the first one. */
#define PROTO_FD_WORKER		48
#define PROTO_FD_PIPES		24
#define PROTO_FD_RACES		8

/*
 * A message is one packet: struct proto_hdr, then count items of the type's
 * size. Exactly that many bytes and descriptors, or it is rejected.
 *
 *   name   number direction          item           fds per item
 */
#define PROTO_MESSAGES(X)						\
	X(CONN,	1, PROTO_DOWN, struct proto_conn,	1) /* serve these */ \
	X(DRAIN, 2, PROTO_DOWN, struct proto_drain,	0) /* no more come */ \
	X(READY, 3, PROTO_UP,	struct proto_ready,	0) /* first message */ \
	X(LEAVE, 4, PROTO_UP,	struct proto_leave,	0) /* replace me */ \
	X(WAKE,	5, PROTO_UP,	struct proto_wake,	0) /* there is room */ \
	X(LOG,	6, PROTO_DOWN, struct proto_log,	1) /* log there */ \
	X(WRITER, 7, PROTO_TO_LOG, struct proto_writer,	1) /* one more */ \
	X(ENDED, 8, PROTO_OF_LOG, struct proto_ended,	0) /* one less */ \
	X(FILE, 9, PROTO_TO_LOG, struct proto_file,	1) /* write to that */ \
	X(OPEN, 10, PROTO_OF_LOG, struct proto_open,	0) /* once more */ \
	X(FINISH, 11, PROTO_TO_LOG, struct proto_finish, 0) /* then end */ \
	X(KEYS, 12, PROTO_DOWN,	struct proto_keys,	0) /* of tickets */ \
	X(CHECK, 13, PROTO_DOWN, struct proto_check,	3) /* these places */ \
	X(UNCHECK, 14, PROTO_DOWN, struct proto_uncheck, 0) /* not now */ \
	X(ALIVE, 15, PROTO_UP,	struct proto_alive,	0) /* checker is */ \
	X(QUEUE, 17, PROTO_UP,	struct proto_queue,	0) /* claims */ \
	X(LEASE, 18, PROTO_DOWN, struct proto_lease,	0) /* there is one */ \
	X(AUTH, 21, PROTO_DOWN,	struct proto_auth,	1) /* ask there */ \
	X(UNAUTH, 22, PROTO_UP,	struct proto_auth,	0) /* not there */ \
	X(NAMED, 23, PROTO_UP,	struct proto_named,	0) /* its source */ \
	X(VERDICT, 24, PROTO_DOWN, struct proto_verdict, 0) /* may it be? */ \
	X(RECORD, 29, PROTO_DOWN, struct proto_record,	2) /* this worker */ \
	X(DUMP, 30, PROTO_DOWN,	struct proto_dump,	1) /* write there */ \
	X(SET, 25, PROTO_DOWN,	struct proto_set,	0) /* of a filter */ \
	X(SET_DONE, 26, PROTO_UP, struct proto_set_done, 0) /* it is */ \
	X(LIST, 37, PROTO_DOWN,	struct proto_list,	1) /* tell of these */ \
	X(LEAST, 39, PROTO_TO_LOG, struct proto_level,	0) /* of one target */ \
	X(LEVEL, 40, PROTO_DOWN, struct proto_level,	0) /* of lines */ \
	X(EVENT, 43, PROTO_OF_LOG, struct proto_event, 0) /* was warned of */ \
	X(VISIT, 44, PROTO_DOWN, struct proto_visit,	1) /* answer it */ \
	X(LOOK, 45, PROTO_UP,	struct proto_look,	0) /* at a view */ \
	X(SEEN, 46, PROTO_DOWN, struct proto_seen,	1) /* that is it */ \
	X(TRACE, 47, PROTO_DOWN, struct proto_trace,	1) /* tell of these */

/* DOWN and UP: between the master and a worker, or the checker, which takes
 * LOG, CHECK and UNCHECK, and says ALIVE, or a recorder, which takes LOG,
 * RECORD and DUMP, or the status process, which takes LOG, VISIT and SEEN, and
 * says LOOK. TO_LOG and OF_LOG: between the master
 * and the logger. */
enum proto_dir { PROTO_DOWN, PROTO_UP, PROTO_TO_LOG, PROTO_OF_LOG };

struct proto_hdr {
	uint16_t type;
	uint16_t count;
};

/* An accepted connection; its descriptor travels with it. */
struct proto_conn {
	struct source	client;
	uint32_t	listener;	/* index into conf.listens */
	uint32_t	backlog_ms;	/* that it waited there for room; 0: not
					   known */
	uint64_t	accepted_us;	/* monotonic clock */
	uint32_t	seat;		/* told when it ends (board.h) */
	uint32_t	pad;		/* 0 */
};

/* The source of the session in that seat is another than it came from: a limit
 * may be its. Said once, and answered by VERDICT. */
struct proto_named {
	uint32_t	seat;
	struct source	client;
};

struct proto_verdict {
	uint32_t	seat;
	uint32_t	permitted;	/* 0: it is over a limit */
};

/* The master's word that the channel will carry no more CONN. */
enum proto_cut { CUT_NOTHING, CUT_GENERATIONS, CUT_STOPPED };

struct proto_drain {
	uint32_t	cut;		/* enum proto_cut: why all sessions end
					   now, unless CUT_NOTHING */
};

struct proto_ready {
	uint32_t	version;	/* PROTO_VERSION */
	int32_t		pid;
};

/* An option of a filter has another value. Said with SET_MORE, it holds when
 * the next one does; it holds for open sessions with SET_EXISTING. */
#define SET_OPTION	32		/* bytes, with the NUL */
#define SET_VALUE	96
enum { SET_EXISTING = 1, SET_MORE = 2 };

struct proto_set {
	uint64_t	serial;		/* greater than that of all before */
	uint32_t	filter;		/* conf_filter_at() */
	uint32_t	flags;
	char		option[SET_OPTION];
	char		value[SET_VALUE];
};

/* All up to there is so. */
struct proto_set_done {
	uint64_t	serial;
};

enum proto_why { LEAVE_RETIRED = 1, LEAVE_SIGNAL = 2 };

/* The worker asks to be replaced; it goes on taking CONN until DRAIN. */
struct proto_leave {
	uint32_t	why;		/* enum proto_why */
};

/* A session has ended while the master waited for room (board.h). */
struct proto_wake {
	uint32_t	reserved;	/* 0 */
};

/* What a worker claims of a place with max-sessions has become another thing:
 * it needs more leases, or has given back what others want (board.h). */
struct proto_queue {
	uint32_t	place;		/* index into board.places */
};

/* It has leases that it had not before. */
struct proto_lease {
	uint32_t	reserved;	/* 0 */
};

/* The worker's way to the logger has ended; this is another. */
struct proto_log {
	uint32_t	reserved;	/* 0 */
};

enum proto_who { WHO_MASTER, WHO_WORKER, WHO_FOREIGN, WHO_CHECKER,
	WHO_RECORDER, WHO_STATUS };

/* The logger is to take the lines of this process; its end of the channel
 * travels with it. */
struct proto_writer {
	uint32_t	number;		/* no other channel has it */
	uint32_t	who;		/* enum proto_who */
	int32_t		pid;
};

/* The logger has read all of that channel and closed it, or has had no
 * descriptor for it. */
struct proto_ended {
	uint32_t	number;
};

/* The least important lines that it is to write from now on; the logger: to the
 * target without a name. */
struct proto_level {
	uint32_t level;			/* LOG_ERR .. LOG_DEBUG */
};

/* A line that another process than the master has warned by; not all, if they
 * are many. */
struct proto_event {
	uint32_t level;			/* LOG_ERR, LOG_WARNING */
	char	 who[28];
	char	 text[220];
};

/* A log file, or a socket that is connected to a receiver, or being so: the
 * logger could open neither. */
struct proto_file {
	uint32_t	target;		/* place in its command line */
};

/* The file's name has become another's, or nobody's; the receiver has gone. */
struct proto_open {
	uint32_t	target;
};

/* The logger is to write what is there, and to end. */
struct proto_finish {
	uint32_t	reserved;	/* 0 */
};

/* The keys by which the tickets of a tls section are made from now on. What was
 * made by any of them is taken: workers do not change over at the same time. */
enum { PROTO_KEY_FORMER, PROTO_KEY_PRESENT, PROTO_KEY_NEXT, PROTO_KEYS };

struct proto_keys {
	uint32_t	section;	/* index into conf.tlss */
	uint8_t		keys[PROTO_KEYS][SECRET_TICKET_LEN];
};

/* The checker is to check the places of a generation. With it come its
 * configuration, its memory of places (targets.h), to be written to, and its
 * secrets; where nothing needs these, the configuration once more. */
struct proto_check {
	uint32_t	generation;
	uint32_t	secrets;	/* 1, or 0: there are none */
};

/* That generation has ended. */
struct proto_uncheck {
	uint32_t	generation;
};

/* Said every few seconds. */
struct proto_alive {
	uint32_t	reserved;	/* 0 */
};

/* A connection to who is asked about sessions or sees their bytes, which
 * travels with it; back, it is no good (any more) and another is wanted. */
struct proto_auth {
	uint32_t	section;	/* index into conf.auths */
	uint32_t	number;		/* of it, below its processes */
	uint32_t	serial;		/* no other one has it */
};

/* The recorder is to read the feed of this worker, which comes with it, and
 * beside it a socket by which each wakes the other. */
struct proto_record {
	int32_t		pid;
};

/* The file of a dump section. */
struct proto_dump {
	uint32_t	section;	/* index into conf.dumps */
};

/* A connection to a listener with serve = status. */
struct proto_visit {
	uint32_t	reserved;	/* 0 */
};

/* The status process wants to know a view of spawnctl show. */
struct proto_look {
	char		view[28];	/* its name, and NUL */
	uint32_t	number;		/* of the question */
	uint32_t	json;		/* 1, or 0: as text */
};

/* That view, in memory that comes with it. */
struct proto_seen {
	uint32_t	number;		/* of the question */
	uint32_t	known;		/* 0: there is none, or none now */
	uint32_t	stopping;	/* 1: spawnd ends */
};

/*
 * The worker is to tell of its sessions, or to end them by RST: of those that
 * all that is given holds for. It writes packets to the descriptor that comes
 * with it, a SOCK_SEQPACKET that others write to as well, so that each packet
 * is whole lines: a letter, then NAME=VALUE, each behind a tab.
 *
 *   s   a session                     e   that was all, of this worker
 *   x   it has too many of these to do
 *
 * Nothing in a value is a control character; all may be a lie.
 */
enum proto_list_what { LIST_SHOW, LIST_KILL };
#define PROTO_LIST_IDS		16
#define PROTO_LIST_NAME		32	/* a name of the configuration */

struct proto_list {
	uint32_t	what;		/* enum proto_list_what */
	uint32_t	verbose;	/* 1: as the system tells; or 0 */
	uint32_t	net;		/* 1: their client matches the rule */
	struct acl_rule	rule;
	uint32_t	guest;		/* 1: others are to find room; or 0 */
	uint32_t	nids;		/* of ids; 0: any */
	uint64_t	ids[PROTO_LIST_IDS];
	uint64_t	older_ms, idle_ms; /* at least */
	char		listener[PROTO_LIST_NAME]; /* or "": any */
	char		relay[PROTO_LIST_NAME];
	char		remote[PROTO_LIST_NAME];
};

/*
 * The worker is to tell what happens to sessions of clients that match the
 * rule, for so long (0: until nobody reads), in packets as those of LIST:
 *
 *   t   an event, and the session    x   it has too many of these to do
 */
struct proto_trace {
	struct acl_rule	rule;
	uint64_t	ms;
};

#define X(name, num, dir, item, fds)	MSG_##name = num,
enum proto_type { PROTO_MESSAGES(X) };
#undef X

/* Most items of a message, and the largest packet. */
#define PROTO_BATCH	16
#define PROTO_MAX	(sizeof(struct proto_hdr) +			\
			    PROTO_BATCH * sizeof(struct proto_conn))

#endif
