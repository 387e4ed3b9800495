/*
 * account.h - what has been done at listen sections and at remotes, by their
 * names: kept over workers, generations and upgrades. The places of a remote
 * are in load.h.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdio.h>

#include "board.h"

struct generation;
struct worker;

#define ACCOUNT_KEPT	1000	/* most names that no generation has */

/* As the counters of the board, but for what it is not told. */
struct account_times {
	uint64_t	n[TIMES_N + 1];
	uint64_t	us;
};
struct account_listener {
	uint64_t	sessions, failed, bytes_in, bytes_out;
	struct account_times queue, handshake, session;
	uint64_t	ends[WHOS][WHYS];
	uint64_t	lost;		/* sessions, with a worker that died */
	uint64_t	open;		/* now */
};
struct account_remote {
	struct account_times connect;
	uint64_t	failed[FAILURES];
};

/* One name: a listen section, or a remote of a relay section. */
struct account {
	LIST_ENTRY(account)	 name;		/* in its bucket */
	TAILQ_ENTRY(account)	 entry;		/* of those in use, in their
						   order; else of the others */
	char			 relay[CONF_NAME]; /* "": a listen section */
	char			 what[CONF_NAME];
	unsigned		 uses;		/* generations that have it */
	/* By workers that have ended; and, after account_look(), by all. */
	union {
		struct account_listener	 listener;
		struct account_remote	 remote;
	}			 past, now;
};

/* How many there are. */
uint64_t account_count(const struct account_times *);

/* Finds the names of a generation. Returns 0, or -1 with errno;
 * account_generation_free() is to follow in both cases. */
int	 account_generation(struct generation *);
void	 account_generation_free(struct generation *);
/* A worker has been reaped: what it has done stays on record. */
void	 account_fold(const struct worker *);

/* Sums up what all have done until now; next, after NULL the first one, of
 * those that a generation has. */
void	 account_look(void);
const struct account *account_next(const struct account *);
/* That of a listen section, or NULL. */
const struct account *account_listener(const char *name);

/* For an upgrade: writes a line for each; takes one up. False for a line that
 * is not understood. */
void	 account_save(FILE *);
bool	 account_take(const char *line);

#endif
