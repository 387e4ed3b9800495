/*
 * logger.h - between the files of the logger: packets come in (writers,
 * sender), are made into lines (lines, format) of each target, and are written
 * (target, file, net).
 */
#ifndef LOGGER_H
#define LOGGER_H

#include "compat.h"

#include <time.h>

#include "fields.h"
#include "layout.h"
#include "log.h"

/* A process that logs, which has a channel of its own to us; who it is, the
 * master has said. */
struct writer {
	uint32_t	 number;
	char		 who[40];	/* "name[pid]: " */
	char		 name[16], pid[16];
	bool		 master;	/* it is the master */
	time_t		 second;	/* of the monotonic clock */
	size_t		 taken;		/* bytes that it has written in it */
};

/* What one of them has said. */
struct note {
	const struct writer *by;
	int		 level;
	struct timespec	 now;		/* wall clock */
	const char	*text;		/* clean; NULL: a record */
	struct record	 record;
	bool		 filled;	/* with what format.c knows */
};

/* A place where lines go, by the words of the configuration. */
enum target_kind {
	TARGET_FILE,		/* as is the standard output or error */
	TARGET_SYSLOG,		/* syslog(3) */
	TARGET_DGRAM,		/* to a receiver of RFC 5424, a packet each */
	TARGET_STREAM,		/* the same, each with its length in front */
	TARGET_JOURNALD		/* its own protocol */
};

#define TARGET_ROOM	(64 * 1024)	/* bytes of lines that wait */
#define TARGET_LINE	(5 * LOG_LINE)	/* the longest, whatever format */

struct target {
	unsigned	 number;
	const char	*to;
	enum target_kind kind;
	bool		 named;		/* a file: may lose its name */
	bool		 journal;	/* a stream of the journal: level, and
					   no time */
	int		 format;	/* enum conf_log_format */
	struct layout	 layout;	/* of lines of its user's own */
	int		 facility, level;
	bool		 sessions;
	bool		 tcp;		/* what the system knows of them */
	uint64_t	 sample;	/* of CONF_WHOLE */
	unsigned	 rate;
	time_t		 second;	/* of the monotonic clock */
	unsigned	 told, held;	/* lines of sessions in it; too many */
	int		 fd;		/* -1: none yet, or none now */
	int64_t		 looked;	/* ms, at the name, or asked for fd */
	bool		 failed;	/* that has been said */
	char		 path[1024];	/* of fd, if it has one */
	char		 rest[TARGET_LINE]; /* of a line taken in part */
	size_t		 rest_len;
	char		 buf[TARGET_ROOM];
	size_t		 len, part;	/* bytes; sent of the first message */
	size_t		 waiting, lost;	/* lines */
};

/* writers.c */

/* Writers come, and are told of when they end, by this channel. Those for whom
 * there was no descriptor are given back. */
void		 writers_start(int control);
/* Waits until one of them has a line, or for ms (-1: for ever). Signals are let
 * in. Returns false if there is nothing. */
bool		 writers_wait(int ms);
/* Takes lines of those who had one, of each as many as of the others; true if
 * one may have more. */
bool		 writers_read(void);
/* Are they all gone, and the master with them? */
bool		 writers_gone(void);
/* Has the master told us to write what is there and to end? */
bool		 writers_finish(void);
/* Tells the master of a line of this level and writer, if others than it are to
 * know of that too: of a few a second. */
void		 writers_warned(const struct writer *, int level,
		    const char *text);
/* Asks the master for what that target writes to, opened anew. */
void		 writers_open(unsigned target);

/* sender_linux.c, sender_none.c */

/* To be called once for a socket that sender_take() reads. */
void		 sender_start(int fd);
/* The next packet, at most size bytes; never waits. Returns its length, which
 * may be 0, or -1 with errno: EPIPE if its writer is gone, else there is none
 * now. */
ssize_t		 sender_take(int fd, char *buf, size_t size);

/* cage.c */

/* From here on the logger can do no more than it must, as far as how, an enum
 * conf_sandbox, says; ends it if what must be cannot be had. */
void		 cage_enter(int how);

/* share.c */

/* May it write n bytes more in this second? What it sends beyond that would
 * fill the disk for the others. */
bool		 share_allows(struct writer *, size_t n);

/* lines.c */

/* A packet of n bytes (log.h, fields.h), in a buffer that has room for one more
 * byte, becomes a line of that writer at each target that wants it. */
void		 lines_take(struct writer *, char *packet, size_t n);
/* A line of the logger's own, a warning. */
void		 lines_say(const char *, ...) printf_like(1, 2);
/* How many lines have come since they were written. */
size_t		 lines_waiting(void);
/* Writes them; what a target does not take is dropped and counted. */
void		 lines_write(void);
/* How many lines are missing at that target, as a line of it. */
void		 lines_lost(struct target *, struct line *);
/* ms of the monotonic clock. */
int64_t		 lines_clock(void);
/* How many ms there are until lines_write() is to be called again, whether
 * lines come or not; -1: it need not. */
int		 lines_due(void);

/* format.c */

/* The host's name; the zone is known by tzset(3). */
void		 format_start(void);
/* What was said as that target has it, whole: what stands in front and at the
 * end is its kind's, all else its format's. */
void		 format_note(struct line *, const struct target *,
		    struct note *);

/* When the session of a record began. */
void		 note_start(const struct note *, struct timespec *);

/* haproxy.c */

/* A session as HAProxy's log format of TCP has it, from the address of the
 * client on. */
void		 haproxy_session(struct line *, const struct note *);
/* The front of a line as syslogd writes it to a file. */
void		 haproxy_front(struct line *, const struct note *,
		    const char *host);

/* target.c */

/* By TARGET_WORDS words of the command line: to, facility, level, sessions,
 * format, sample, rate, tcp-info, custom. They stay in use. */
#define TARGET_WORDS	9
void		 targets_start(char **words, unsigned ntargets);
/* The i-th, or NULL. */
struct target	*target_of(unsigned i);
/* What it writes to from now on, which is theirs. */
void		 target_take(struct target *, int fd);
/* Adds a line as format_note() has made it; what there is no room for is
 * counted. */
void		 target_add(struct target *, const struct note *,
		    const struct line *);
/* Writes what it can. */
void		 target_write(struct target *);
/* Whether now is the time to ask for its descriptor: at most once in a second.
 * Looks at the name of a file. */
bool		 target_due(struct target *, int64_t now_ms);

/* file.c */

/* It has another descriptor. */
void		 file_take(struct target *);
void		 file_add(struct target *, const struct line *);
/* Has it a name that is another's now? */
bool		 file_is_lost(struct target *);
void		 file_write(struct target *);

/* net.c */

/* It has another descriptor. */
void		 net_take(struct target *);
void		 net_add(struct target *, const struct line *);
void		 net_write(struct target *);

/* journald.c */

/* A datagram of its protocol: the fields, and the line as a message. */
void		 journald_note(struct line *, const struct target *,
		    const struct note *, const struct line *message);

#endif
