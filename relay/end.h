/*
 * end.h - how the bytes of an end are read and written: by its socket or, if it
 * has layers, through them. Who moves bytes does not know which of the two.
 */
#ifndef END_H
#define END_H

#include "compat.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include "layer.h"
#include "sess.h"

/* As recv(2). 0: the other side has said that it is done. EPROTO: it has gone
 * without saying so, or what came makes no sense. A layer that has nothing more
 * clears e->readable by itself. */
static inline ssize_t
end_read(struct end *e, void *buf, size_t len)
{
	return e->layered ? layer_read(e, buf, len) :
	    recv(e->io.fd, buf, len, 0);
}

/* As send(2); after EAGAIN the same bytes are offered again, where they may lie
 * elsewhere by then. */
static inline ssize_t
end_write(struct end *e, const void *buf, size_t len)
{
	return e->layered ? layer_write(e, buf, len) :
	    send(e->io.fd, buf, len, MSG_NOSIGNAL);
}

/* As writev(2), likewise. */
static inline ssize_t
end_writev(struct end *e, const struct iovec *iov, int n)
{
	return e->layered ? layer_writev(e, iov, n) :
	    writev(e->io.fd, iov, n);
}

/* May the kernel write to the socket by itself what comes next? Returns 0, or
 * -1 with errno as write(2); EINVAL: never. */
static inline int
end_raw(struct end *e)
{
	return e->layered ? layer_raw(e) : 0;
}

/* Says that nothing more will be written: FIN, behind all that was. */
static inline void
end_shut(struct end *e)
{
	if (e->layered)
		layer_shut(e);
	else
		shutdown(e->io.fd, SHUT_WR);
}

/* Bytes that a layer has and the socket has not taken: no IO_WRITE comes before
 * there are none. */
static inline size_t
end_held(const struct end *e)
{
	return e->layered ? layer_held(e) : 0;
}

/* Bytes of a layer's own, behind all that was written. */
static inline size_t
end_own(const struct end *e)
{
	return e->layered ? layer_own(e) : 0;
}

/* Is there something in a layer that the socket has no longer, and that was
 * not read yet? */
static inline bool
end_unread(const struct end *e)
{
	return e->layered && layer_unread(e);
}

#endif
