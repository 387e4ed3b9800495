/*
 * sandbox.h - what a process gives up: a worker before it serves the first
 * session, the reader before it opens a file.
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
/* It may open and read what its user may, ask for names, and let a file grow to
 * max bytes. Where that can be had, it does not outlive the master. */
int		 sandbox_reader(size_t max);
/* What sandbox_worker() does here, for -V: "no-new-privs, rlimits". */
const char	*sandbox_describe(void);

#endif
