/*
 * resolver.h - c-ares in our event loop: one channel for all questions.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include <ares.h>

/* Reads how names are asked for here (resolv.conf(5)); before the process gives
 * up what it needs for that. as_is: names stand for themselves, without
 * domains that are added, aliases and the file hosts(5). Returns 0, or -1 with
 * *errp (static). */
int		 resolver_start(bool as_is, const char **errp);
ares_channel	 resolver_channel(void);
/* To be called when something has been asked. */
void		 resolver_go_on(void);

#endif
