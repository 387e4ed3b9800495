/*
 * live.h - what the operator has set of filters by spawnctl, until the next
 * reload: all workers of the present generation have it, those too that start
 * later.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdio.h>

#include "conf/conf.h"
#include "ev.h"
#include "proto.h"

struct worker;

/* Embedded in who waits until workers have something. cb comes once: error is
 * NULL, or says which worker has it not. */
struct live_wait {
	TAILQ_ENTRY(live_wait)	 entry;
	void			(*cb)(struct live_wait *, const char *error);
	struct ev_timer		 timer;
	uint64_t		 serial;
	uint64_t		 limit;		/* ms */
	bool			 waits;
};

/* Sets options of a filter of the present generation, all or none of them:
 * words as "latency=5ms jitter=1ms", which is written to. existing: open
 * sessions are to have it as well. Returns 0 with its number, for live_wait(),
 * or -1 with *errp (static storage). */
int		 live_set(const struct conf_filter *, char *words,
		    bool existing, uint64_t *serial, const char **errp);
/* cb is called when each worker has it or has gone, but in ms at the latest,
 * unless ms is 0. */
void		 live_wait(struct live_wait *, uint64_t serial, uint64_t ms);
/* Who waited has gone; no-op for one who does not wait. */
void		 live_forget(struct live_wait *);
/* All who wait are told that. */
void		 live_give_up(const char *why);

/* What a worker is to be sent next; false: it has been sent all. */
bool		 live_next(const struct worker *, struct proto_set *);
void		 live_sent(struct worker *, const struct proto_set *);
/* It has all up to there. */
void		 live_done(struct worker *, const struct proto_set_done *);
/* Workers may have gone. */
void		 live_look(void);

/* The configuration is another one: all that is set is undone, and said so in
 * the log and, unless it is NULL, to note. keep: only what that configuration
 * has no place for. */
void		 live_reload(const struct conf *, bool keep, FILE *note);

/* What is set, a line each, with that before it. */
void		 live_print(FILE *, const char *before);

/* For an upgrade: writes a line for each; takes one up. False for a line that
 * is not understood. */
void		 live_save(FILE *);
bool		 live_take(const char *line);

#endif
