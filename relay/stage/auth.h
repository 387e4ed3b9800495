/*
 * auth.h - stage AUTH: somebody else says whether a session may be, and by
 * which relay section it goes on.
 */
#ifndef AUTH_H
#define AUTH_H

#include "path.h"
#include "sess.h"

bool	  auth_wanted(const struct path *);
enum step auth_enter(struct sess *);
enum step auth_event(struct sess *, struct end *);
enum step auth_timeout(struct sess *);

#endif
