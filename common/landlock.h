/*
 * landlock.h - Landlock of Linux: what a process may reach by name or number.
 */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include "sandbox.h"

/*
 * As much as the kernel knows of. A worker: no file, no TCP port but those of
 * the sandbox, no abstract unix socket and no signal beyond ourselves. The
 * logger and spawnctl: the same, and no port. The recorder: the same, but files
 * in its folders. The reader: files are read only.
 * Returns 0, or -1 with errno.
 */
int	 landlock_enter(const struct sandbox *);
/* The version of the kernel's interface; 0 or less: there is none. */
int	 landlock_version(void);

#endif
