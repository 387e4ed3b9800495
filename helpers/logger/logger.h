/*
 * logger.h - between the files of the logger: packets come in (writers,
 * sender), are made into lines (lines), and are written (target).
 */
#ifndef LOGGER_H
#define LOGGER_H

#include "compat.h"

#include <time.h>

/* A process that logs, which has a channel of its own to us; who it is, the
 * master has said. */
struct writer {
	uint32_t	 number;
	char		 who[32];	/* "name[pid]: " */
	bool		 master;	/* it is the master */
	time_t		 second;	/* of the monotonic clock */
	size_t		 taken;		/* bytes that it has written in it */
};

/* writers.c */

/* Writers come, and are told of when they end, by this channel. Those for whom
 * there was no descriptor are given back. */
void		 writers_start(int control);
/* Waits until one of them has a line, or, unless block, only looks. Signals
 * are let in. Returns false if there is nothing. */
bool		 writers_wait(bool block);
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
/* Asks the master for the log file, opened anew. */
void		 writers_open(void);

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

/* A packet of n bytes "<level>text", in a buffer that has room for one more
 * byte, becomes a line of that writer. */
void		 lines_take(struct writer *, char *packet, size_t n);
/* A line of the logger's own, a warning. */
void		 lines_say(const char *, ...) printf_like(1, 2);
/* How many lines wait to be written. */
size_t		 lines_waiting(void);
/* Writes them; what the target does not take is dropped and counted. */
void		 lines_write(void);
/* target.c */

/* What a line must bring along. */
enum target_style {
	TARGET_STAMPED,		/* the time */
	TARGET_JOURNAL,		/* the level: the journal has its own time */
	TARGET_SYSLOG		/* nothing: target_syslog() */
};

/* name is "stderr", "stdout", "syslog" or a file, and must stay valid. Lines go
 * to the standard error until target_file() says where that is. */
void		 target_start(const char *name, int facility);
enum target_style target_style(void);
/* The file from now on, which is theirs. */
void		 target_file(int fd);
/* Is it a file that has not been opened yet, or has lost its name? Looks once
 * a second. */
bool		 target_lost(void);
/* Writes whole lines, n bytes, after what is left of a line that was taken in
 * part. Returns how many of them the target has not taken: these are gone. */
size_t		 target_put(const char *text, size_t n);
/* The level is syslog(3)'s, text is "name[pid]: text" and is written to. */
void		 target_syslog(int level, char *text);

#endif
