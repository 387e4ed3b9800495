/*
 * filter.h - the sections that are filters of sessions, as values: a part of
 * conf.h. One structure a kind; its name stands first.
 */
#ifndef CONF_FILTER_H
#define CONF_FILTER_H

#include "acl.h"

#define CONF_NAME	32	/* longest section title, with the NUL */
#define CONF_CHAIN	16	/* most filters of one listener or relay */

enum conf_filter_kind { CONF_FILTER_RATE, CONF_FILTER_FAULT,
	CONF_FILTER_RECORD, CONF_FILTER_DUMP, CONF_FILTER_MATCH,
	CONF_FILTER_PROGRAM, CONF_FILTERS };

/* One of them, as others name it. */
struct conf_filter {
	enum conf_filter_kind	 kind;
	unsigned		 index;	/* in the array of its kind */
};

/* Up is from the client to the remote. */
enum conf_way { CONF_WAY_BOTH, CONF_WAY_UP, CONF_WAY_DOWN };

/* What a bucket of a rate is for. */
enum conf_per { CONF_PER_SESSION, CONF_PER_SOURCE, CONF_PER_LISTENER,
	CONF_PER_RELAY };

/* What is done about a match; from REPLACE on, bytes that may be one are held
 * back. */
enum conf_action { CONF_MATCH_LOG, CONF_MATCH_COUNT, CONF_MATCH_REPLACE,
	CONF_MATCH_CLOSE, CONF_MATCH_RESET };
/* Of what stands in its place. */
enum conf_length { CONF_LENGTH_FREE, CONF_LENGTH_KEEP };

#define CONF_WINDOW_MAX	65536	/* bytes */

struct conf_match {
	char		 name[CONF_NAME];
	const char	*pattern;
	const char	*with;		/* or NULL: nothing, with REPLACE */
	enum conf_action action;
	enum conf_length length;
	uint64_t	 limit;		/* bytes of a direction that are looked
					   at; 0: all */
	uint64_t	 window;	/* bytes, or 0: conf_match_window() */
	uint64_t	 hold;		/* ms */
	enum conf_way	 direction;
};

/* In how many bytes it has to be certain whether there is a match. */
size_t	 conf_match_window(const struct conf_match *);

/* What becomes of a session whose program does not answer. */
enum conf_program_fail { CONF_PROGRAM_CLOSE, CONF_PROGRAM_PASS };

struct conf_program {
	char		 name[CONF_NAME];
	const char	*command;	/* a program and its arguments */
	unsigned	 processes;	/* a worker */
	const char	*user;		/* NULL: as workers */
	uint32_t	 uid, gid;	/* of user; CONF_NOID */
	uint64_t	 timeout;	/* ms, of an answer */
	enum conf_program_fail fail;
	enum conf_way	 direction;
};

struct conf_rate {
	char		 name[CONF_NAME];
	uint64_t	 bytes;		/* a second */
	uint64_t	 burst;		/* bytes, at once */
	enum conf_per	 per;
	enum conf_way	 direction;
};

/* What is wrong in a session, by the option that says so: the first one of each
 * kind. */
enum conf_fault_kind { CONF_FAULT_LATENCY, CONF_FAULT_BANDWIDTH,
	CONF_FAULT_FLIP, CONF_FAULT_FLIP_AT, CONF_FAULT_SLICE, CONF_FAULT_LIMIT,
	CONF_FAULT_SLOW_CLOSE, CONF_FAULT_DROP, CONF_FAULT_RESET,
	CONF_FAULT_CUT, CONF_FAULT_DOWN, CONF_FAULT_KINDS,
	CONF_FAULT_NONE = CONF_FAULT_KINDS };
enum conf_fault_end { CONF_FAULT_END_FIN, CONF_FAULT_END_RST };

/* CONF_NONE is what is not given; what is, says the kind. */
struct conf_fault {
	char		 name[CONF_NAME];
	bool		 enabled;
	enum conf_way	 direction;
	uint64_t	 chance;	/* of a session: share */
	unsigned	 seed;
	uint64_t	 latency;	/* ms */
	uint64_t	 jitter;	/* ms more or less */
	uint64_t	 bandwidth;	/* bytes a second */
	uint64_t	 flip;		/* of a bit: share */
	uint64_t	 flip_at;	/* byte of the direction */
	unsigned	 bit;		/* of it, 0 is the lowest */
	uint64_t	 slice;		/* bytes */
	uint64_t	 slice_variation; /* more or less */
	uint64_t	 slice_delay;	/* ms between two */
	uint64_t	 limit;		/* bytes that pass */
	enum conf_fault_end end;	/* of the direction behind them */
	uint64_t	 slow_close;	/* ms that a FIN waits */
	uint64_t	 drop_after;	/* bytes that pass */
	uint64_t	 timeout;	/* ms to the end; 0: none */
	uint64_t	 reset_after;	/* bytes that pass */
	uint64_t	 delay;		/* ms from there on */
	uint64_t	 cut_after;	/* ms of the session */
	bool		 down;
};

/* Of these options, those that are given: a bit for each kind. */
unsigned	 conf_fault_kinds(const struct conf_fault *);
enum conf_fault_kind conf_fault_kind(const struct conf_fault *);
/* Options that cannot be together: what follows the name of the section in a
 * sentence, and which option it is about, or NULL. NULL: all is well. */
const char	*conf_fault_wrong(const struct conf_fault *,
		    const char **option);

enum conf_side { RECORD_CLIENT, RECORD_BOTH };
enum conf_full { FULL_DROP, FULL_WAIT };

/* What sessions carry goes into files, as a capture of packets. */
struct conf_record {
	char		 name[CONF_NAME];
	const char	*directory;	/* absolute */
	uint64_t	 size;		/* bytes of a file, most */
	unsigned	 files;		/* most; 0: they all stay */
	uint64_t	 snap;		/* bytes of data of a packet that are
					   kept; 0: all */
	uint64_t	 share;		/* of sessions, of CONF_WHOLE */
	struct acl	 client;	/* whose */
	enum conf_side	 side;
	enum conf_full	 full;
	bool		 plain;		/* what TLS carries as well */
	bool		 enabled;	/* or not before somebody asks */
	/* Set while it runs, by spawnctl, of enabled: */
	struct acl_rule	 only;		/* whom it is about */
	bool		 has_only;	/* or all */
	uint64_t	 until;		/* ms of ev.h, then it is the other way
					   round; 0: for good */
};

enum conf_format { DUMP_HEX, DUMP_TEXT };

/* The same as text for people. */
struct conf_dump {
	char		 name[CONF_NAME];
	enum conf_way	 direction;
	const char	*to;		/* a path; "stderr", or NULL, which is
					   the same */
	enum conf_format format;
	uint64_t	 limit;		/* bytes of a direction; 0: all */
};

#endif
