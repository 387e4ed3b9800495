/*
 * sandbox.h - what a worker gives up before it serves the first session.
 * One file an operating system: sandbox_linux.c, sandbox_openbsd.c,
 * sandbox_none.c.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "compat.h"

/*
 * The last step of a worker's start: from here on it can relay (receive
 * descriptors, connect, read, write) and no more. Returns 0, or -1 with
 * errno when the system refuses.
 */
int		 sandbox_worker(void);
/* What sandbox_worker() does here, for -V: "no-new-privs, rlimits". */
const char	*sandbox_describe(void);

#endif
