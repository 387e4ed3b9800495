/*
 * remotes.h - which remote a session gets, and which are held.
 */
#ifndef REMOTES_H
#define REMOTES_H

#include "board.h"
#include "session.h"

/* A remote as this worker sees it. */
struct remote {
	const struct conf_remote *conf;
	struct board_remote	*board;	/* this worker's counters */
	uint64_t		 held_until;	/* ms */
	uint32_t		 active;	/* sessions of this worker */
	uint32_t		 others;	/* and of the other ones */
	int32_t			 current;	/* smooth round robin */
	uint32_t		 hash;		/* of its name */
	uint8_t			 fails;		/* in a row */
	uint8_t			 addr;		/* that worked last */
	const struct sess	*probe;		/* it tries it again, or NULL */
};

/* The remotes of one relay section. */
struct remotes {
	const struct conf_relay	*conf;
	struct remote		*all;
	unsigned		 n;
	unsigned		 first;		/* place on the board */
	unsigned		 top_weight;	/* of all */
	unsigned		 turn;		/* breaks ties */
	uint64_t		 seen;		/* ms, others were counted */
	uint64_t		 sessions;	/* taken, for retire */
	uint64_t		 retire_at;	/* with spread; 0 = never */
};

/* Makes the remotes of all relay sections. Returns 0, or -1 with errno. */
int	 remotes_start(void);
/*
 * Chooses a remote that the session has not tried yet: one that is not held,
 * else the one due soonest. Counts the session as active there. NULL: every
 * remote was tried.
 */
struct remote *remote_pick(struct remotes *, const struct sess *);
/* The session that it was chosen for no longer uses it. */
void	 remote_release(struct remote *, const struct sess *);
/* The outcome of a connect: a failure holds the remote for a second, doubling
 * to a minute; a success ends that. */
void	 remote_ok(struct remote *);
void	 remote_failed(struct remote *, const char *why);

#endif
