/*
 * ask.h - stage ASK: the client says by SOCKS 4, 4a, 5 or by CONNECT of HTTP
 * where it wants to go and, if the listener has users, who it is.
 */
#ifndef STAGE_ASK_H
#define STAGE_ASK_H

#include "path.h"
#include "sess.h"

bool	  ask_wanted(const struct path *);
enum step ask_enter(struct sess *);
enum step ask_event(struct sess *, struct end *);

#endif
