/*
 * sysfilter.h - which system calls a worker makes: sysfilter_linux.c with
 * libseccomp, sysfilter_none.c without.
 */
#ifndef SYSFILTER_H
#define SYSFILTER_H

#include "sandbox.h"

/* All others fail from now on, and those that no worker ever has a reason for
 * end it (SIGSYS). Returns 0, or -1 with errno. */
int	 sysfilter_worker(const struct sandbox *);

#endif
