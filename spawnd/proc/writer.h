/*
 * writer.h - the processes that log, each with a channel of its own to the
 * logger, so that none can speak for another or cut it off.
 *
 * The logger's end of each stays open here as well: lines wait while there is
 * no logger, and the next one goes on with them.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdio.h>

#include "compat.h"
#include "proto.h"

struct writer;

/* Lines of this process go to the logger from now on. Returns 0, or -1 with
 * errno. */
int		 writer_start(void);
/* A channel; its writer's end, non-blocking and close-on-exec, is the caller's.
 * NULL with errno. */
struct writer	*writer_new(enum proto_who, int *end);
/* Its process is known: the logger is told. */
void		 writer_begin(struct writer *, pid_t);
/* Another in its place, which ends, for the process at the other end of the
 * channel. Returns 0, or -1: it stays. */
int		 writer_replace(struct writer **, int channel);
/* Nobody writes there any more; *w becomes NULL, and may have been. What the
 * logger has not read yet it still gets. */
void		 writer_over(struct writer **);
/* Has it ended while its process was to go on, and is time for another? */
bool		 writer_wanted(const struct writer *);

/* Another logger, by the channel to it; -1: there is none now. */
void		 writer_logger(int fd);
/* The one that runs, by the channel to it, after an upgrade. */
void		 writer_adopt(int fd);
/* The logger's channel may have room. */
void		 writer_hand(void);
/* The logger says that this one has ended; that is not believed. */
void		 writer_ended(uint32_t number);
/* Forgets all; lines go to standard error. */
void		 writer_close(void);

/* For an upgrade: the number of a writer (0: NULL), and the way back. */
uint32_t	 writer_number(const struct writer *);
struct writer	*writer_find(uint32_t number);
void		 writer_save(FILE *);
bool		 writer_take(const char *line);

#endif
