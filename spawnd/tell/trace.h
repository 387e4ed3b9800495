/*
 * trace.h - the request to be told what happens to sessions of clients.
 */
#ifndef TELL_TRACE_H
#define TELL_TRACE_H

#include "tell/control.h"

/* Answers "client NETWORK MILLISECONDS" with a descriptor, from which what
 * happens can be read, until the time (0: for ever) is over. */
void	 trace_request(struct client *, const char *words);

#endif
