/*
 * remotes.h - the remotes of a relay section: which one a session gets, how
 * many it has, which are held.
 *
 * Each address of a remote is a place of its own, and that is what is chosen: a
 * struct remote is one of them. It is in one heap at a time (heap.h). Which
 * one, and where in it, follows from its state: who changes that calls
 * remote_place().
 */
#ifndef REMOTES_H
#define REMOTES_H

#include "board.h"
#include "ev.h"
#include "heap.h"
#include "maglev.h"

struct dest_rules;
struct locals;
struct place_addr;
struct sess;
struct waiter;

/* What others say of it (standing.h). */
enum remote_standing { STANDING_GOOD, STANDING_DOWN, STANDING_DRAINED,
	STANDING_AWAY };
#define RISE_FULL	100
/* Whether it has as many sessions as it may; good: it is well but for that, and
 * worth waiting for. */
enum remote_full { FULL_NOT, FULL_BAD, FULL_GOOD, FULLS };
/* Whether it is a socket of ours, as was seen when it was connected to. */
enum remote_whose { REMOTE_UNSEEN, REMOTE_OTHER, REMOTE_OURS };

/* A place of a remote as this worker sees it. */
struct remote {
	struct remotes		*of;
	struct heap		*heap;		/* NULL: in none */
	unsigned		 at;		/* its place there */
	uint32_t		 others;	/* sessions of other workers */
	uint32_t		 queued;	/* that wait for it here */
	struct board_place	*board;		/* this worker's counters */
	struct board_place_more	*more;
	const struct board_other *told;		/* of the other workers */
	uint64_t		 turn;		/* the least one is next */
	uint64_t		 stride;	/* from turn to turn; 0: none */
	uint64_t		 up;		/* ms, since when it rises */
	uint16_t		 weight;
	uint16_t		 number;	/* of its remote's places */
	uint16_t		 count;		/* of those */
	uint8_t			 whose;		/* enum remote_whose */
	bool			 both;		/* its remote has places of IPv4
						   and IPv6 */
	bool			 slow;		/* another one was faster */
	uint8_t			 standing;	/* enum remote_standing */
	uint8_t			 full;		/* enum remote_full */
	uint8_t			 rise;		/* share of its weight, of
						   RISE_FULL (rise.h) */
	bool			 learned;	/* standing: more than once */
	bool			 down;		/* as checks say */
	bool			 fell;		/* it was not (ondown.h) */
	bool			 plain;		/* good, no backup, no limit */
	bool			 present;	/* it has an address */
	bool			 unsaid;	/* its claim (lease.h) */
	bool			 backup;
	uint8_t			 version;	/* of its address */
	uint32_t		 admin;		/* as it is told */
	const struct sess	*probe;		/* it tries it again, or NULL */
	uint64_t		 waived;	/* outcome, not held for */
	const struct conf_remote *conf;
	const struct addr	*addr;		/* NULL: never had one */
	struct place_addr	*addrs;		/* it, and those that sessions
						   may have; NULL: as in conf */
	struct locals		*locals;	/* to come from; or NULL */
};

/* All places of one relay section. */
struct remotes {
	const struct conf_relay	*conf;
	struct remote		*all;		/* those of a remote in a row */
	unsigned		 n;
	unsigned		 top_weight;	/* of all */
	struct locals		*locals;	/* of those with none of their
						   own; or NULL */
	struct maglev		 table;		/* with source, and n > 1 */
	uint64_t		 clock;		/* turn of who was chosen */
	struct heap		 by_turn;	/* usable, by turn */
	struct heap		 by_load;	/* and by sessions a weight */
	struct heap		 held;		/* by the time it is over */
	struct heap		 probed;	/* held, and a session tries */
	struct heap		 backups;	/* by sessions a weight */
	struct heap		 last;		/* when nothing else is left */
	bool			 single;	/* there is nothing to choose */
	bool			 stale;		/* its table is */
	bool			 leased;	/* some have max-sessions */
	struct remote		*wanted;	/* last choice, if it has
						   no lease; or NULL */
	unsigned		 nfull[FULLS];	/* places, by how full */
	TAILQ_HEAD(, waiter)	 waiting;	/* wait.h */
	struct ev_task		 look;		/* for them */
	unsigned		 nrising;	/* places (rise.h) */
	uint64_t		 rise_at;	/* ms, the next look at them */
	uint64_t		 sessions;	/* taken, for retire */
	struct remote		*anywhere;	/* in place of all, the one of
						   who says where to go
						   (dest/place.h); or NULL */
	struct dest_rules	*rules;		/* for those, or NULL */
	uint64_t		 retire_at;	/* with spread; 0 = never */
	uint64_t		 rebalance_at;	/* the same, without */
};

/* Makes the remotes of all relay sections. Returns 0, or -1 with errno. */
int	 remotes_start(void);
/* Takes up what others have said since the last choice. */
void	 remotes_look(void);
/* Counts a session that comes in, and has held ones tried if it is time for
 * that; true if it is time to retire. */
bool	 remotes_count(struct remotes *);
/*
 * Chooses a place of a remote that the session has not tried yet: one that is
 * not held, else a backup, else the one due soonest, else what is down or
 * drained. Counts the session as active there. NULL: every remote was tried, or
 * has as many sessions as it may; or there is no lease (lease.h) of the one
 * that was chosen, which is wanted then.
 */
struct remote *remote_pick(struct remotes *, const struct sess *);
/* The same for another place of the remote that was tried just now: one that
 * is not held, of no more than REMOTE_PLACES, of the other family if there is
 * one. */
#define REMOTE_PLACES	16
struct remote *remote_other(struct remote *, const struct sess *);
/* A place that may be had is the session's, which counts as active there. */
struct remote *remote_take(struct remote *, const struct sess *);
/* Whether a session that has tried some has tried this one; or any place of its
 * remote. */
bool	 remote_is_tried(const struct remote *, const struct sess *);
bool	 remote_is_given_up(const struct remote *, const struct sess *);
/* The session that it was chosen for no longer uses it. */
void	 remote_release(struct remote *, const struct sess *);
/* The outcome of a connect: a failure holds the remote for a second, doubling
 * to a minute; a success ends that. err: what the kernel has said, or 0. */
void	 remote_ok(struct remote *);
void	 remote_failed(struct remote *, int err, const char *why);
/* Puts a remote into the heap where its state belongs. */
void	 remote_place(struct remote *);

/* What it is called: with its address if the remote has several. */
#define REMOTE_STRLEN	(CONF_NAME + ADDR_STRLEN)
static inline char *
remote_str(const struct remote *r, char buf[REMOTE_STRLEN])
{
	char addr[ADDR_STRLEN];

	if (r->count == 1 || r->addr == NULL)
		strlcpy(buf, r->conf->name, REMOTE_STRLEN);
	else
		snprintf(buf, REMOTE_STRLEN, "%s %s", r->conf->name,
		    addr_str(r->addr, addr));
	return buf;
}

/* The address that it had when it was of that version. */
const struct addr *remote_addr(const struct remote *, uint8_t version);

/* May be chosen as any other one. */
static inline bool
remote_usable(const struct remote *r)
{
	return r->heap == &r->of->by_turn || r->heap == &r->of->by_load;
}

/* Connects that have failed in a row. */
static inline unsigned
remote_fails(const struct remote *r)
{
	return atomic_load_explicit(&r->board->outcome,
	    memory_order_relaxed) & 0xff;
}

/* All sessions that are open at a remote, or on their way, or wait here. */
static inline uint64_t
remote_load(const struct remote *r)
{
	return (uint64_t)r->others + r->queued + atomic_load_explicit(
	    &r->board->active, memory_order_relaxed);
}

#endif
