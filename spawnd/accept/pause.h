/*
 * pause.h - when the system lacks something (descriptors, memory) nothing is
 * accepted for a while.
 */
#ifndef PAUSE_H
#define PAUSE_H

#include "compat.h"

/* Accepts nothing and hands nothing over until MARK_ACCEPT tells that the pause
 * is over. Logs what met err, at most once a second. */
void		 pause_begin(const char *what, int err);
bool		 pause_on(void);
/* Does the number of a descriptor reach into those that are kept free, for the
 * control socket, reloads and workers? */
bool		 pause_short(int fd);

#endif
