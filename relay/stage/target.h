/*
 * target.h - stage TARGET: connects to where the client has asked to go, in the
 * place of stage CONNECT.
 */
#ifndef TARGET_H
#define TARGET_H

#include "path.h"
#include "sess.h"

/* Of paths that have targets. */
bool	  target_wanted(const struct path *);
enum step target_enter(struct sess *);
enum step target_event(struct sess *, struct end *);
enum step target_timeout(struct sess *);

#endif
