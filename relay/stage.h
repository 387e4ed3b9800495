/*
 * stage.h - the stages of a session, in their order, and their runner: it
 * calls the stage a session is in, and does what that returns.
 */
#ifndef STAGE_H
#define STAGE_H

#include "path.h"
#include "proto.h"

/* Takes over an accepted descriptor and serves it to its end. */
void	 stage_start(int fd, const struct proto_conn *, const struct path *);

#endif
