/*
 * resolver.h - c-ares in our event loop: one channel for all questions.
 */
#ifndef RESOLVER_H
#define RESOLVER_H

#include <ares.h>

/* Reads how names are asked for here (resolv.conf(5)); before the process gives
 * up what it needs for that. Returns 0, or -1 with *errp (static). */
int		 resolver_start(const char **errp);
ares_channel	 resolver_channel(void);
/* To be called when something has been asked. */
void		 resolver_go_on(void);

#endif
