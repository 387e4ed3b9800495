/*
 * trace.h - who traces clients, as long as it lasts: workers are told, those
 * too that start later, and write to it by themselves. Those whom the master
 * refuses are told of by the master.
 */
#ifndef PROC_TRACE_H
#define PROC_TRACE_H

#include "proto.h"

struct worker;

/* Takes over a descriptor that is written to, whose reader is told of from now
 * on. Returns 0 with a text, to be freed, that has a line for each worker, as
 * the answer for a list of sessions (tell/list.h); or -1 with errno, and the
 * descriptor is closed. */
int		 trace_begin(int fd, const struct proto_trace *, char **text,
		    size_t *len);
/* A worker has become ready. */
void		 trace_ready(const struct worker *);
/* A client of a listener has been refused: why, a word, and by what. */
void		 trace_refused(const char *listener, const struct source *,
		    const char *why, const char *by);

#endif
