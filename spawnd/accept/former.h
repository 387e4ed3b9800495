/*
 * former.h - what listening sockets had counted that are closed: who listens at
 * the same address for the same section goes on with it.
 */
#ifndef FORMER_H
#define FORMER_H

#include <stdio.h>

#include "compat.h"

struct listener;

/* A listener has come, or is about to go and cannot be looked up any more:
 * another one that is at its address for its section gets what it has counted
 * at once. */
void	 former_come(struct listener *);
void	 former_go(const struct listener *);

/* For an upgrade: writes a line for each; takes one up. False for a line that
 * is not understood. */
void	 former_save(FILE *);
bool	 former_take(const char *line);

#endif
