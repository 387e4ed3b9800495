/*
 * auth.h - whom the workers ask about sessions (auth sections), and who sees
 * their bytes (program sections): programs, which are started for each worker,
 * and connections to daemons. A worker gets the other end of each over its
 * channel, and another in the place of one that is no good any more.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdio.h>

#include "proto.h"

struct asker;
struct worker;

/* A worker is about to start: begins all of its configuration. Returns 0, or -1
 * with errno. What cannot be had yet is tried again. */
int	 auth_worker(struct worker *);
/* It has gone: its programs are to end. */
void	 auth_worker_gone(struct worker *);
/* What is next to be sent to it: a descriptor that stays ours; -1: nothing. */
int	 auth_next(const struct worker *, struct proto_auth *);
/* That has been sent. */
void	 auth_sent(struct worker *, const struct proto_auth *);
/* A worker says that this one is no good any more. */
void	 auth_lost(struct worker *, const struct proto_auth *);
/* The master ends: none is left. */
void	 auth_end(void);

/* For an upgrade: writes the lines; takes up one, when its worker has been.
 * False for a line that is not understood. */
void	 auth_save(FILE *);
bool	 auth_take(const char *line);

#endif
