/*
 * connect.h - stage CONNECT: finds the session a remote.
 */
#ifndef CONNECT_H
#define CONNECT_H

#include "sess.h"

/* Of paths that have remotes. */
bool	  connect_wanted(const struct path *);
enum step connect_enter(struct sess *);
enum step connect_event(struct sess *, struct end *);
enum step connect_timeout(struct sess *);

/* The remote is connected and of no use, as it turns out later: others are
 * tried as if it were not, or the session ends for that reason. Its end is
 * closed, and nothing of the client's was written to it. */
enum step connect_again(struct sess *, enum sess_why);

#endif
