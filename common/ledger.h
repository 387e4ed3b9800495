/*
 * ledger.h - what outlives a generation: totals, the last reload, what has
 * happened. Memory of the master's whole life, which goes on over an upgrade;
 * the master writes it, others read it in place.
 *
 * Counters only grow. Texts are harmless, and may change while they are read:
 * ledger_event() and ledger_reload() give whole ones.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "board.h"

#define LEDGER_EVENTS	256	/* the last of all */
#define LEDGER_WHO	32
#define LEDGER_TEXT	216
#define LEDGER_WHY	512
#define LEDGER_SAMPLES	360	/* an hour */
#define LEDGER_STEP	10	/* s */
#define LEDGER_GENERATIONS 16	/* the last that have ended */

enum ledger_reload { LEDGER_NEVER, LEDGER_OK, LEDGER_FAILED };

/* What the log has had to say besides sessions. */
struct ledger_event {
	int64_t		at;		/* ms, wall clock */
	uint32_t	level;		/* LOG_ERR .. LOG_INFO */
	char		who[LEDGER_WHO]; /* "relay[4711]" */
	char		text[LEDGER_TEXT];
};

struct ledger_state {			/* of the last reload */
	uint32_t	state;		/* enum ledger_reload */
	int64_t		at;		/* ms, wall clock; 0: never */
	char		why[LEDGER_WHY]; /* it has failed */
};

/* What was and came within the last LEDGER_STEP seconds. */
struct ledger_sample {
	int64_t		at;		/* s, wall clock: the end of it */
	uint64_t	sessions, waiting;	/* then */
	uint64_t	new, failed, bytes_in, bytes_out;
};

/* One that has ended. */
struct ledger_generation {
	uint32_t	number, died;	/* died: workers */
	int64_t		began, ended;	/* s, wall clock */
	uint64_t	sessions;
};

/* Why nothing is accepted for a while. */
enum { LEDGER_DESCRIPTORS, LEDGER_MEMORY, LEDGER_OTHER, LEDGER_PAUSES };

struct ledger {
	/* Of workers that have ended; the boards have those that live. */
	board_u64	past_sessions, past_failed, past_in, past_out;
	board_u64	past_dropped;
	/* Of connections, as spawnctl shows them; aborted: gone before they
	 * were accepted. */
	board_u64	accepted, denied, limited, aborted;
	board_u64	pauses[LEDGER_PAUSES];
	board_u64	reloads[2];	/* that did, that failed */
	board_u64	config_at;	/* s, wall clock: the last one that did;
					   0: none has */
	board_u64	started, died;	/* workers; died: unasked */
	/* The master's alone; the next sample is what has come since sums. */
	struct ledger_sample sums;
	uint64_t	nsamples;	/* so far */
	struct ledger_sample samples[LEDGER_SAMPLES];
	uint64_t	ngenerations;	/* that have ended, so far */
	struct ledger_generation generations[LEDGER_GENERATIONS];
	board_u64	reload_lock;	/* odd: it is being written */
	struct ledger_state reload;
	board_u64	nevents;	/* so far */
	board_u64	locks[LEDGER_EVENTS];
	struct ledger_event events[LEDGER_EVENTS];
};

/* Never NULL: at first it is memory of this process. */
extern struct ledger *ledger;

/* Makes it shared memory. Returns its descriptor, which is the caller's, or -1
 * with errno. */
int	 ledger_create(void);
/* Takes up the one behind fd, which stays the caller's. Returns 0, or -1 with
 * errno. */
int	 ledger_reopen(int fd);

/* The master's: something has happened. The text is cut and made harmless. */
void	 ledger_add_event(int level, const char *who, const char *text);
/* A reload has ended; why: it has failed, NULL: it has not. */
void	 ledger_set_reload(const char *why);

/* Event i, of those so far. False: it is too long ago, or not yet. */
bool	 ledger_event(const struct ledger *, uint64_t i,
	    struct ledger_event *);
void	 ledger_reload(const struct ledger *, struct ledger_state *);

#endif
