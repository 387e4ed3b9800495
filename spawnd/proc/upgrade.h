/*
 * upgrade.h - the same process goes on as another binary.
 *
 * Each module writes the lines of the state that are its own, and takes them
 * up (_save, _take); upgrade.c has the list.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include "compat.h"

#define UPGRADE_STATE	10	/* number of the form that state is saved in */

/*
 * Once an upgrade is pending: checks the binary that stands where this one was
 * started from, and becomes it: same pid, listeners, workers and counters. The
 * new image answers who has asked. Called when all that was accepted has been
 * sent.
 */
void		 upgrade_step(void);
/* Is one under way? */
bool		 upgrade_busy(void);
/* Gives up what is under way, for the end. */
void		 upgrade_cancel(void);
/* In the new image: is there a state to go on with? */
bool		 upgrade_under_way(void);
/* Takes it up, or goes back to the image that left it. */
void		 upgrade_restore(void);
/* Is this process only asked whether it could? Ends it with the answer if it
 * could not; true if that is all that is asked. */
bool		 upgrade_check(void);

#endif
