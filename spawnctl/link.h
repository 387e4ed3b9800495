/*
 * link.h - the connection to the control socket. What fails here ends the
 * program with status 1 and a sentence.
 */
#ifndef LINK_H
#define LINK_H

#include "compat.h"

/* Sends the request, a line, and returns all of the answer with a NUL behind
 * it; the caller frees it. limit is how long that may take, in ms, 0 for ever.
 * If it lasts, the answer may take longer, as long as spawnd answers others
 * within the limit. */
char	*link_ask(const char *path, const char *request, uint64_t limit,
	    bool lasts);

#endif
