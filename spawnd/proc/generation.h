/*
 * generation.h - one configuration and the workers that serve by it.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include <stdio.h>

#include "accept/gate.h"
#include "acl_map.h"
#include "board.h"
#include "conf/conf.h"
#include "proc/worker.h"
#include "targets.h"

struct account;
struct filter_totals;
struct shakes;
struct total;

/* One configuration and the workers that serve by it. */
struct generation {
	TAILQ_ENTRY(generation)	 entry;
	unsigned		 number;
	struct conf		*conf;
	struct acl_map		*acl;		/* its access rules */
	struct gates		*gates;		/* one a listener */
	int			 conf_fd;	/* the same, sealed */
	int			 secrets_fd;	/* what it refers to, sealed;
						   or -1 */
	int			 text_fd;	/* the same as text, for another
						   program than relay; or -1 */
	int			 buckets_fd;	/* what rates share, with all
						   generations; or -1 */
	struct board		 board;
	struct targets		 targets;	/* mem is NULL: nothing is
						   checked or looked up */
	TAILQ_HEAD(worker_list, worker) workers;
	unsigned		 nworkers;
	unsigned		 died;		/* workers, unasked */
	uint64_t		 past;		/* sessions of workers that are
						   gone */
	struct worker		*slots[BOARD_SLOTS];
	struct place		*places;	/* load.h */
	struct account		**accounts;	/* by name: its listeners, then
						   its places; then NULL */
	struct filter_totals	*filters;	/* of workers that have ended
						   (totals.h) */
	struct shakes		**shakes;	/* one a certificate
						   (shakes.h) */
	uint64_t		 target_news;	/* read so far */
	uint64_t		 started;	/* ms */
	uint64_t		 backoff;	/* ms, 0: none died young */
	uint64_t		 not_before;	/* ms, no start before that */
	bool			 recorded;	/* it has a recorder */
	bool			 checked;	/* the checker knows of it */
	bool			 old;		/* draining, not the current */
};

/* Takes over the configuration, and fd and secrets, which have it as workers
 * read it: lowers users_max to what the descriptors allow, makes the board.
 * NULL with *errp. */
struct generation *
		 generation_new(struct conf **, int fd, int secrets,
		    const char **errp);
/* It gets no more sessions; its workers drain and end. */
void		 generation_retire(struct generation *);
/* Frees the retired generations that have no workers left. */
void		 generation_sweep(void);

/* For an upgrade: writes the lines of all generations with their workers, and
 * the totals; takes up one generation. False for a line that is not
 * understood. */
void		 generation_save(FILE *);
bool		 generation_take(const char *line);

#endif
