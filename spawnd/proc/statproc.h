/*
 * statproc.h - the status process: started for listeners with serve = status,
 * given their connections, told what it asks for. It can do nothing else.
 */
#ifndef STATPROC_H
#define STATPROC_H

#include <stdio.h>

#include "compat.h"

struct conf;

/* Who writes a view of spawnctl show; false: there is none to be had now. */
void	 statproc_begin(bool (*show)(FILE *, const char *view, bool json));
/* Starts one if it is wanted, ends it if not. */
void	 statproc_step(void);
/* Has it more to do than it can be told of, or is there none just now? Then
 * visitors wait: MARK_ACCEPT says when it has room. */
bool	 statproc_full(void);
/* A connection for it, which is no more the caller's. If there is no status
 * process, it is closed. */
void	 statproc_visit(int fd);
/* Another configuration serves: another user, perhaps. */
void	 statproc_reload(const struct conf *);
void	 statproc_stop(void);

/* For an upgrade, as with others. */
void	 statproc_save(FILE *);
bool	 statproc_take(const char *line);

#endif
