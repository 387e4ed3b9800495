/*
 * compat.h - what every file includes first.
 *
 * libbsd's overlay gives <sys/queue.h>, strlcpy(3), strtonum(3),
 * setproctitle(3), closefrom(3) and arc4random(3) under the names
 * and headers that a BSD has them, so no file needs to know which system it
 * is on. What differs between systems in behaviour is a file of its own
 * (kqueue_linux.c, sandbox_*.c), never an #ifdef inside a function.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include "config.h"

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SYS_EVENT_H
#include <sys/event.h>
#else
#include "kqueue_linux.h"
#endif

#ifndef EV_OOBAND
#define EV_OOBAND	0	/* the kernel does not tell of urgent data */
#endif

/* The object that the member at ptr is embedded in. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#define nitems_of(a)	(sizeof(a) / sizeof((a)[0]))

#if defined(__GNUC__)
#define printf_like(f, a)	__attribute__((format(printf, f, a)))
#define no_return		__attribute__((noreturn))
/* Also where the compiler takes it for too long, as a constant argument halves
 * it. */
#define in_line			inline __attribute__((always_inline))
#define out_of_line		__attribute__((noinline))
#else
#define printf_like(f, a)
#define no_return
#define in_line			inline
#endif

#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC	0
#endif

#endif
