/*
 * plan.h - which listeners there will be after a reload.
 */
#ifndef PLAN_H
#define PLAN_H

#include "compat.h"

struct conf;

/*
 * Plans for a configuration: marks the listeners that stay, binds the new
 * ones (they do not accept yet). Returns 0, or -1 with *errp, everything as
 * it was. Then finish, and either commit or roll back.
 */
int		 plan_make(const struct conf *, const char **errp);
/* Where that has failed for an address that may be there, or free, soon: for
 * how many ms from the first failure on it may be tried again; else 0. */
uint64_t	 plan_retry(void);
/* Binds what has to wait for that, as a listener that goes holds the port: from
 * here on to the commit, or back, in the same turn. Returns -1 with *errp. */
int		 plan_finish(const struct conf *, const char **errp);
/* Takes that back, where it has failed and is to be tried again. */
void		 plan_unfinish(void);
/* Before the new generation takes over: what waits at a listener that goes is
 * still given to the old one. */
void		 plan_commit(const struct conf *);
void		 plan_rollback(void);

#endif
