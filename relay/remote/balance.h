/*
 * balance.h - the choice among the remotes that may be used: by the heaps
 * by_turn and by_load of a section, or its table.
 */
#ifndef BALANCE_H
#define BALANCE_H

#include "remotes.h"

/* Gives each remote its share, and its first turn: that of all[first] is the
 * soonest. */
void		 balance_start(struct remotes *, unsigned first);
/* The heap, and the key there, of a remote that may be used. */
struct heap	*balance_place(struct remote *, uint64_t *key);
/* Its weight is another one, or it has got an address or lost it. */
void		 balance_changed(struct remote *);
/* Its turns and its load are those of its weight now. */
void		 balance_weigh(struct remote *);
/* The one that a client gets; NULL: there is none. */
struct remote	*balance_choose(struct remotes *, const struct source *);
/* It was chosen: its next turn comes later. remote_place() is to follow. */
void		 balance_taken(struct remote *);

#endif
