/*
 * upgrade.h - the same process goes on as another binary.
 *
 * Each module writes the lines of the state that are its own, and takes them
 * up (_save, _take); upgrade.c has the list.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include "compat.h"

struct reload_waiter;

#define UPGRADE_STATE	1	/* number of the form that state is saved in */

/*
 * Checks the binary that stands where this one was started from, and becomes
 * it: same pid, listeners, workers and counters. cb comes only on failure;
 * after success the new image answers (control_answer_save).
 */
void		 upgrade_request(struct reload_waiter *);
/* Gives up what is under way, for the end. */
void		 upgrade_cancel(void);
/* Who asked has gone. */
void		 upgrade_forget(const struct reload_waiter *);
/* In the new image: is there a state to go on with? */
bool		 upgrade_pending(void);
/* Takes it up, or goes back to the image that left it. */
void		 upgrade_restore(void);
/* Is this process only asked whether it could? Ends it with the answer if it
 * could not. */
void		 upgrade_check(void);
/* While saving: this descriptor stays open in the new image. */
int		 upgrade_keep(int fd);

#endif
