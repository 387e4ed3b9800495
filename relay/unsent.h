/*
 * unsent.h - what the kernel still has of what was written to a socket:
 * unsent_linux.c, unsent_bsd.c (FIONWRITE), and unsent_none.c where nobody
 * tells, or pledge(2) forbids to ask.
 */
#ifndef UNSENT_H
#define UNSENT_H

#include "compat.h"

/* Bytes that the other side has not acknowledged (of a unix socket: a number
 * that is 0 when all has been read); fin: shutdown(2) was called for writing.
 * 0 if that is not known. */
int	 unsent(int fd, bool fin);

#endif
