/*
 * pause.h - when the system lacks something (descriptors, memory) nothing is
 * accepted for a while.
 */
#ifndef PAUSE_H
#define PAUSE_H

#include "compat.h"

#define PAUSE_RESERVE	16	/* descriptors that are kept free */
#define PAUSE_LAST	4	/* of them, without which nobody is accepted */
#define PAUSE_FREE_MAX	64

/* Accepts nothing and hands nothing over until MARK_ACCEPT tells that the pause
 * is over. Logs what met err, at most once a second. */
void		 pause_begin(const char *what, int err);
bool		 pause_on(void);
/* True once after each pause. */
bool		 pause_was(void);
/* Does the number of a descriptor reach into those that are kept free, for the
 * control socket, reloads and workers? */
bool		 pause_short(int fd);
/* Could n descriptors more be opened, of those of the reserve too? At most
 * PAUSE_FREE_MAX. */
bool		 pause_free(unsigned n);

#endif
