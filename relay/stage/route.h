/*
 * route.h - stage ROUTE: the relay section of a session, where the listener has
 * routes.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "path.h"
#include "sess.h"

bool	  route_wanted(const struct path *);
enum step route_enter(struct sess *);

#endif
