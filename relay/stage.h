/*
 * stage.h - the stages of a session, in their order, and their runner: it
 * calls the stage a session is in, and does what that returns.
 */
#ifndef STAGE_H
#define STAGE_H

#include "path.h"
#include "proto.h"

/* The stages that sessions of a path walk through, for path_init(). */
uint32_t stage_set(const struct path *);
/* Takes over an accepted descriptor and serves it to its end. */
void	 stage_start(int fd, const struct proto_conn *, const struct path *);

/* "connect", "relay" and so on. */
const char *stage_name(unsigned);

#endif
