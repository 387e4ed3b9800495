/*
 * list.h - sessions: the master passes on who has asked for them, each worker
 * answers by itself.
 */
#ifndef LIST_H
#define LIST_H

#include "tell/control.h"

/* Answers a request for sessions, or to end them: words, each with its value,
 * all of which have to hold. The answer has a line for each worker,
 *
 *   asked|busy  PID  GENERATION  SESSIONS
 *
 * with tabs between, and a descriptor from which what those write who were
 * asked can be read, to its end (proto.h). */
void	 list_request(struct client *, char *words, bool kill);

#endif
