/*
 * resolve.h - stage RESOLVE: the addresses of where a client has asked to go,
 * as far as it may go there.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "path.h"
#include "sess.h"

/* Of paths that have targets. */
bool	  resolve_wanted(const struct path *);
enum step resolve_enter(struct sess *);
enum step resolve_event(struct sess *, struct end *);
enum step resolve_timeout(struct sess *);

#endif
