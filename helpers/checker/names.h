/*
 * names.h - the names of remotes of the present configuration, looked up again
 * and again: what they stand for goes into the places (targets.h). names.c is
 * there with c-ares only; without it names_none.c has nothing to look up, as
 * such a configuration is refused.
 */
#ifndef NAMES_H
#define NAMES_H

#include "targets.h"

struct names;

/* Before the process gives up what it needs for that. */
void		 names_start(void);
/* Looks up what that configuration wants to be; changed is told, with arg, of
 * the row of places of a remote that has been written to. Both stay until
 * names_free(). NULL: nothing, or there is no memory. */
struct names	*names_new(const struct conf *, struct targets *,
		    void (*changed)(void *arg, unsigned first, unsigned n),
		    void *arg);
void		 names_free(struct names **);

#endif
