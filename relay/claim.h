/*
 * claim.h - sources that headers of the PROXY protocol name, where limits ask
 * for them: told to the master, which counts them for all workers, and what it
 * says of them.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include "compat.h"

#include "proto.h"

struct sess;

/* Of one session. */
struct claim {
	TAILQ_ENTRY(claim)	 entry;		/* of those not answered, the
						   oldest first */
	struct sess		*sess;
	bool			 told;
	bool			 answered;
	bool			 permitted;	/* then */
};

/* answered comes for each claim; tell says it to the master, and returns false
 * if that cannot be said now. */
void		 claim_start(void (*answered)(struct sess *),
		    bool (*tell)(const struct proto_named *));
/* Makes that of a session, of the source that it has now. NULL with errno. */
struct claim	*claim_make(struct sess *);
/* The master's answer, which may be to one that is gone. */
void		 claim_answer(const struct proto_verdict *);
/* Forgets it, answered or not; the pointer becomes NULL, and may have been. */
void		 claim_forget(struct claim **);

#endif
