/*
 * pending.h - what somebody has asked for and waits for: a reload, an upgrade.
 *
 * Who asks knows neither reload.c nor upgrade.c: these look here for what to
 * begin, and answer here.
 */
#ifndef PENDING_H
#define PENDING_H

#include "compat.h"

enum pending_what { PENDING_RELOAD, PENDING_UPGRADE };

/* Embedded in who waits. cb comes once: error is NULL for success, else a
 * sentence; note: lines that there are to say besides, or NULL. */
struct pending {
	TAILQ_ENTRY(pending)	 entry;
	void			(*cb)(struct pending *, const char *error,
				    const char *note);
	enum pending_what	 what;
	bool			 waits;
};

/* Asks; p, which has its cb, is NULL if nobody waits for the answer. */
void		 pending_ask(enum pending_what, struct pending *p);
/* Has it been asked for since the last take or refuse? */
bool		 pending_asked(enum pending_what);
/* It begins: its outcome is the answer to all who have asked by now. */
void		 pending_take(enum pending_what);
/* It cannot begin: the answer to all who have asked since the last take. */
void		 pending_refuse(enum pending_what, const char *error);
/* The outcome of what has begun. */
void		 pending_done(enum pending_what, const char *error,
		    const char *note);
/* Who waited has gone; no-op for one who does not wait. */
void		 pending_forget(struct pending *);

#endif
