/*
 * admit.h - accepts, asks the access rules, overload, pauses.
 */
#ifndef ADMIT_H
#define ADMIT_H

#include "ev.h"

struct listener;

/* The listener's callback. */
void		 admit_event(struct ev_io *, int what);
/* Room may have been made: goes on with every listener that has waited. */
void		 admit_resume(void);
/* Accepts all that waits at a listener, whatever the limits. */
void		 admit_all(struct listener *);
/* True while nobody has room. */
bool		 admit_overload(void);
/* True between admit_pause() and its timer. */
bool		 admit_paused(void);
/* The system lacks something (descriptors, memory): accepts nothing until a
 * timer has gone off. Logs at most once a second. */
void		 admit_pause(const char *what, int err);

#endif
