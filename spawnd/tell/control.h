/*
 * control.h - the control socket: who asks, and the answers. What is asked for
 * is done in request.c.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdio.h>

#include "ev.h"
#include "pending.h"
#include "proc/live.h"

struct conf;

struct client {
	TAILQ_ENTRY(client)	 entry;
	struct ev_io		 io;
	struct ev_timer		 timer;
	struct ev_task		 task;		/* to be freed */
	struct pending		 pending;	/* its outcome is the answer */
	bool			 reader;	/* it may only look */
	struct live_wait	 live;		/* the same */
	char			 line[512];	/* the request */
	size_t			 len;
	char			*out;
	size_t			 out_len, out_off;
	int			 pass;		/* goes with the answer; -1 */
};

/* Who is told of a request (c->line, without its end). */
void		 control_begin(void (*request)(struct client *));
/* Opens the sockets that the configuration names, unless they are open at those
 * paths already and their files are not gone; closes others. Returns 0, or -1
 * with *errp, everything as it was. */
int		 control_open(const struct conf *, const char **errp);
void		 control_close(void);
/* Answers a request: error, or "ok" (NULL), and text that was asked for (NULL:
 * none). The client may be gone after that. */
void		 control_answer(struct client *, const char *error,
		    const char *text, size_t len);
/* The same of what was asked for, with a descriptor that is closed here. */
void		 control_answer_fd(struct client *, const char *text,
		    size_t len, int fd);

/* For an upgrade: writes the lines of the socket and of its clients, the one
 * who asked for the upgrade among them; takes up one. False for a line that
 * is not understood. */
void		 control_save(FILE *);
bool		 control_take(const char *line);

#endif
