/*
 * names.h - what the names stand for that clients ask for: asked by c-ares,
 * which never blocks, and remembered for as long as the answer says.
 */
#ifndef DEST_NAMES_H
#define DEST_NAMES_H

#include "dest/dest.h"

/* An answer: there is one, or there is none, and why. */
struct name_answer {
	uint8_t		 fault;		/* enum dest_fault: DEST_OK, NO_NAME,
					   NAME_FAILED, LACKS */
	uint8_t		 n;
	struct source	 addrs[DEST_ADDRS];	/* without a port */
};

struct name_wait;

/* Reads resolv.conf(5) and hosts(5), while the process still may. Returns 0, or
 * -1 with *errp (static). */
int		 names_start(const char **errp);
/*
 * Asks for a name in lower case. Returns what is known of it, which holds until
 * the next call; else NULL, and *wait is to be ended by names_forget(). The
 * function is called once, later, when there is an answer. NULL without a wait:
 * too many are under way, or no memory.
 */
const struct name_answer *names_ask(const char *host,
		    struct name_wait **wait, void (*answered)(void *),
		    void *arg);
/* The answer that the wait was for, NULL if there is none yet. */
const struct name_answer *names_answer(const struct name_wait *);
/* It is not called any more; sets the pointer to NULL, which may have been. */
void		 names_forget(struct name_wait **);

#endif
