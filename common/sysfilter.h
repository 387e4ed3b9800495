/*
 * sysfilter.h - which system calls a process makes: sysfilter_linux.c with
 * libseccomp, sysfilter_none.c without.
 */
#ifndef SYSFILTER_H
#define SYSFILTER_H

#include "sandbox.h"

/*
 * Of a worker, the logger and spawnctl all others fail from now on, and those
 * that they never have a reason for end them (SIGSYS). Of the reader, which has
 * the libraries of others in it, those that it has no reason for fail, and what
 * makes another program of it ends it. Returns 0, or -1 with errno.
 */
int	 sysfilter_enter(const struct sandbox *);

#endif
