/*
 * lookup.h - one question for the addresses of a name.
 */
#ifndef DEST_LOOKUP_H
#define DEST_LOOKUP_H

#include "dest/names.h"

/* Reads how names are asked for here, while the process still may. Returns 0,
 * or -1 with *errp (static). */
int		 lookup_start(const char **errp);
/* Asks for a name as it is: no domain is added, no file read. The function is
 * called once, maybe before this returns, with an answer that is the caller's
 * for as long as it runs, and how many seconds that holds. */
void		 lookup(const char *host, void (*got)(void *,
		    const struct name_answer *, uint32_t ttl), void *arg);

#endif
