/*
 * proxy_in.h - stage PROXY_IN: who is connected may speak for another one, and
 * says so by a header of the PROXY protocol; whom it names is the client then.
 */
#ifndef PROXY_IN_H
#define PROXY_IN_H

#include "path.h"
#include "sess.h"

bool	  proxy_in_wanted(const struct path *);
enum step proxy_in_enter(struct sess *);
enum step proxy_in_event(struct sess *, struct end *);

#endif
