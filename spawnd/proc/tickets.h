/*
 * tickets.h - the keys by which workers make tickets of TLS: a set for each
 * tls section, by its name, so that a client may come back to any worker of any
 * generation. They are turned every ticket-lifetime; workers know the former,
 * the present and the next one. They lie in memory that is in no core, and go
 * on over an upgrade.
 */
#ifndef TICKETS_H
#define TICKETS_H

#include <stdio.h>

#include "compat.h"

struct generation;
struct worker;

/* A generation begins: makes the sets that its sections need and that there are
 * not. Returns 0, or -1 with errno. */
int	 tickets_generation(const struct generation *);
/* A worker has got its channel: it is to be sent all sets of its generation,
 * which it is as long as the channel is empty. */
void	 tickets_worker(struct worker *);
/* Sends what is due. */
void	 tickets_send(void);
/* Forgets the sets that no generation has. */
void	 tickets_sweep(void);

/* For an upgrade: writes a line; reads it. False: it is not understood. */
void	 tickets_save(FILE *);
bool	 tickets_take(const char *);

#endif
