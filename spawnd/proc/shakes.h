/*
 * shakes.h - what has become of handshakes of TLS with clients, for each
 * certificate of each listener: of all workers, the living and the dead, over
 * reloads and upgrades, by the names of listeners and files.
 */
#ifndef SHAKES_H
#define SHAKES_H

#include <stdio.h>

#include "board.h"

struct generation;
struct worker;

struct shakes {
	LIST_ENTRY(shakes)	 entry;
	char			 listener[CONF_NAME];
	char			*file;
	unsigned		 used;		/* by generations */
	uint64_t		 past[SHAKES];	/* of workers that have ended */
	uint64_t		 sum[SHAKES];	/* shakes_sum() */
};

/* A generation begins: its shakes are one for each certificate, as the board
 * has them. Returns 0, or -1 with errno. It ends. */
int		 shakes_generation(struct generation *);
void		 shakes_generation_free(struct generation *);
/* What a dead worker has done stays on record. */
void		 shakes_fold(const struct worker *);
/* Sums up, now, those that generations have. */
void		 shakes_sum(void);

/* For an upgrade: writes a line for each; takes one up. False for a line that
 * is not understood. */
void		 shakes_save(FILE *);
bool		 shakes_take(const char *line);

#endif
