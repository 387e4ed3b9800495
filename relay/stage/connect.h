/*
 * connect.h - stage CONNECT: finds the session a remote.
 */
#ifndef CONNECT_H
#define CONNECT_H

#include "sess.h"

enum step connect_enter(struct sess *);
enum step connect_event(struct sess *, struct end *);
enum step connect_timeout(struct sess *);

#endif
