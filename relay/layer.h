/*
 * layer.h - how an end reads and writes when it is not by its socket alone.
 *
 * A layer never calls a session: it answers who reads and writes, and it puts
 * events into their terms. It keeps only what its protocol forces it to keep.
 * What it has read is the pump's, and what it has not taken stays the pump's.
 */
#ifndef LAYER_H
#define LAYER_H

#include "compat.h"

#include <sys/uio.h>

#include "sess.h"

/* One kind of layer; see end.h for the first four. */
struct transport {
	ssize_t	(*read)(struct end *, struct layer *, void *, size_t);
	ssize_t	(*write)(struct end *, struct layer *, const void *, size_t);
	/* May what comes next be written to the socket as it is? Returns 0, or
	 * -1 with errno as write(2); EINVAL: never. */
	int	(*raw)(struct end *, struct layer *);
	void	(*shut)(struct end *, struct layer *);
	/* Something happened at the socket: what of IO_* that is for who
	 * reads and writes above. */
	int	(*ready)(struct end *, struct layer *, int what);
	/* Bytes that were written and the socket has not taken. IO_WRITE is
	 * not told until there are none. */
	size_t	(*held)(const struct layer *);
	/* Bytes behind the last that was written from above: words of its
	 * own, which are nobody's data. */
	size_t	(*own)(const struct layer *);
	/* Is there something that it has taken from the socket and nobody has
	 * read? */
	bool	(*unread)(const struct layer *);
	/* The end of the layer, which frees itself. Unless the connection is
	 * to be reset, the other side is told that all has been sent. */
	void	(*close)(struct end *, struct layer *, bool reset);
};

/* The first member of each layer's state. */
struct layer {
	const struct transport	*ops;
	void			(*up)(struct ev_io *, int); /* the session's */
};

/* From now on the end is read and written by this layer, whose it becomes. The
 * session has a struct extra already. */
void		 layer_put(struct end *, struct layer *,
		    const struct transport *);
/* Closes the layer of an end that has one. */
void		 layer_close(struct end *, bool reset);

/* Of an end that has one; see end.h. */
ssize_t		 layer_read(struct end *, void *, size_t);
ssize_t		 layer_write(struct end *, const void *, size_t);
ssize_t		 layer_writev(struct end *, const struct iovec *, int);
int		 layer_raw(struct end *);
void		 layer_shut(struct end *);
size_t		 layer_held(const struct end *);
size_t		 layer_own(const struct end *);
bool		 layer_unread(const struct end *);

/* That layer, or NULL. */
static inline struct layer *
layer_of(const struct end *e)
{
	return e->layered ? sess_of(e)->extra->layer[e->remote] : NULL;
}

#endif
