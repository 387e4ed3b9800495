/*
 * relay.h - stage RELAY: both directions, until both have ended.
 */
#ifndef STAGE_RELAY_H
#define STAGE_RELAY_H

#include "sess.h"

enum step relay_enter(struct sess *);
enum step relay_event(struct sess *, struct end *);
enum step relay_timeout(struct sess *);

#endif
