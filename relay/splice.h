/*
 * splice.h - zero copy: the bytes of one direction go from socket to socket
 * without ever being in this process. There are two ways, each in a file:
 *
 * splice_linux.c	through a pipe of the kernel, a step at a time: what
 *			splice_in() has taken, splice_out() passes on.
 * splice_so.c		SO_SPLICE of FreeBSD and OpenBSD: the kernel goes on
 *			by itself until it is stopped, or meets the end of the
 *			file or an error. Nothing is ever in between, so there
 *			is no splice_out(), and no event until then.
 * splice_none.c	says that there is none.
 */
#ifndef SPLICE_H
#define SPLICE_H

#include "compat.h"

struct splicer;		/* of one direction */

/* Can this system do it at all? The first call asks the kernel. */
bool		 splice_works(void);
/* Does the kernel go on by itself? Then nobody else may read the socket, and an
 * error of it may be that of the other one, until splice_in() has ended it. */
bool		 splice_by_itself(void);
/* At most so many at a time that need descriptors of their own, beyond which
 * splice_get() has none: they must not take those that sessions need. */
void		 splice_limit(unsigned);
/*
 * For a direction between two connected sockets, of which nothing is stored;
 * the caller's until it is put back. NULL with errno: there is none, so bytes
 * are copied; unless it is for lack of memory or descriptors, there will never
 * be one for these two.
 */
struct splicer	*splice_get(int from, int to);
/*
 * Ends it; bytes in it are lost. from is the socket, or -1 if it is closed.
 * Returns how many bytes have been moved that no splice_in() or
 * splice_moved() has told of. The pointer becomes NULL.
 */
uint64_t	 splice_put(struct splicer **, int from);
/* Bytes in it, to be passed on by splice_out(). */
size_t		 splice_len(const struct splicer *);
/* How many it has moved by itself since somebody asked. */
uint64_t	 splice_moved(struct splicer *, int from);
/*
 * Moves what the socket has, at most so many bytes unless the kernel goes on by
 * itself; splice_len() must be 0, as only then EAGAIN means
 * that the socket is empty. Returns as read(2), with these errors more:
 * EINVAL: it is not possible with this socket; ECANCELED: the kernel has
 * stopped to go on by itself, what is left is for read(2); EPIPE: the socket at
 * the other end has failed.
 */
ssize_t		 splice_in(struct splicer *, int from, int to,
		    size_t max);
/* Moves what it has into the socket. Returns as write(2). */
ssize_t		 splice_out(struct splicer *, int to);

#endif
