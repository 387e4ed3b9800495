/*
 * tracing.h - who traces sessions of clients, and what is written to them: by
 * TRACE of proto.h, which says how. What somebody does not read fast enough is
 * lost, and counted.
 */
#ifndef TRACING_H
#define TRACING_H

#include "proto.h"

/* Takes over the descriptor, and writes there until the time is over, or nobody
 * reads. */
void	 tracing_start(int fd, const struct proto_trace *);
/* The worker ends, and has no sessions any more. */
void	 tracing_stop(void);

#endif
