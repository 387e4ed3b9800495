/*
 * splice.h - zero copy: bytes go from socket to socket through a pipe of the
 * kernel without ever being in this process. splice_linux.c has it on Linux;
 * elsewhere splice_none.c says that there is none.
 */
#ifndef SPLICE_H
#define SPLICE_H

#include "compat.h"

struct splice_pipe;

/* Can this system do it at all? */
bool			 splice_works(void);
/* At most so many pipes at a time, beyond which splice_get() has none: they
 * must not take the descriptors that sessions need. */
void			 splice_limit(unsigned pipes);
/*
 * An empty pipe, from the pool or new; the caller's until it is put back.
 * NULL: there is none to be had, so bytes are copied.
 */
struct splice_pipe	*splice_get(void);
/* Back to the pool; a pipe that still has bytes in it is closed instead. The
 * pointer becomes NULL. */
void			 splice_put(struct splice_pipe **);
/* Bytes in the pipe. */
size_t			 splice_len(const struct splice_pipe *);
/*
 * Moves what the socket has into the pipe, which must be empty: only then
 * does EAGAIN mean that the socket is. Returns as read(2).
 */
ssize_t			 splice_in(struct splice_pipe *, int fd);
/* Moves what the pipe has into the socket. Returns as write(2). */
ssize_t			 splice_out(struct splice_pipe *, int fd);

#endif
