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

/* sender_linux.c, sender_none.c */

/* To be called once for a socket that sender_take() reads. */
void		 sender_start(int fd);
/* The next packet, at most size bytes; never waits. Returns its length, which
 * may be 0, or -1 with errno: EPIPE if its writer is gone, else there is none
 * now. */
ssize_t		 sender_take(int fd, char *buf, size_t size);

/* cage.c */

/* From here on the logger can do no more than it must, as far as how, an enum
 * conf_sandbox, says; ends it if what must be cannot be had. To be called when
 * the target has been started. */
void		 cage_enter(int how);
/* Is the folder of the file another than that which it may be made in? */
bool		 cage_moved(void);

/* share.c */

/* May it write n bytes more in this second? What it sends beyond that would
 * fill the disk for the others. */
bool		 share_allows(struct writer *, size_t n);

/* lines.c */

/* As target_start(); what is wrong with the target becomes a line. */
void		 lines_start(const char *target, int facility);
/* A packet of n bytes "<level>text", in a buffer that has room for one more
 * byte, becomes a line of that writer. */
void		 lines_take(struct writer *, char *packet, size_t n);
/* A line of the logger's own, a warning. */
void		 lines_say(const char *, ...) printf_like(1, 2);
/* How many lines wait to be written. */
size_t		 lines_waiting(void);
/* Writes them; what the target does not take is dropped and counted. */
void		 lines_write(void);
/* Writes them, and opens the target anew. */
void		 lines_reopen(void);

/* target.c */

/* What a line must bring along. */
enum target_style {
	TARGET_STAMPED,		/* the time */
	TARGET_JOURNAL,		/* the level: the journal has its own time */
	TARGET_SYSLOG		/* nothing: target_syslog() */
};

/* name is "stderr", "stdout", "syslog" or a file, and must stay valid.
 * Returns -1 with errno if the file cannot be opened: lines go to the standard
 * error until it can be. */
int		 target_start(const char *name, int facility);
const char	*target_name(void);
/* The name if it is a file, else NULL. */
const char	*target_file(void);
enum target_style target_style(void);
/* Opens a file anew. Returns -1 with errno, and the one in use stays. */
int		 target_reopen(void);
/* The same if the name has become that of another file, or of none; looks
 * once a second. Returns -1 with errno once for each row of failures. */
int		 target_follow(void);
/* True if a logger that is started anew can open the file, and we cannot. */
bool		 target_outside(void);
/* Writes whole lines, n bytes, after what is left of a line that was taken in
 * part. Returns how many of them the target has not taken: these are gone. */
size_t		 target_put(const char *text, size_t n);
/* The level is syslog(3)'s, text is "name[pid]: text" and is written to. */
void		 target_syslog(int level, char *text);

#endif
