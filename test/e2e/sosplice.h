/*
 * sosplice.h - SO_SPLICE as setsockopt(2) of OpenBSD and FreeBSD has it, for a
 * kernel without: sosplice.c does by a thread what theirs does by itself. The
 * relay's own file for it (splice_so.c) is tested with this, on Linux.
 */
#ifndef SOSPLICE_H
#define SOSPLICE_H

#include <sys/types.h>
#include <sys/time.h>

#define SO_SPLICE	0x1023

struct splice {
	int		 sp_fd;		/* drain, or -1: stop */
	off_t		 sp_max;	/* not here */
	struct timeval	 sp_idle;	/* not here */
};

#endif
