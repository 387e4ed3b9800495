#include "compat.h"

#include "layer.h"

static void	 layer_io(struct ev_io *, int);

void
layer_put(struct end *e, struct layer *l, const struct transport *ops)
{
	sess_of(e)->extra->layer[e->remote] = l;
	l->ops = ops;
	l->up = e->io.cb;
	e->io.cb = layer_io;
	e->layered = true;
	/* A short count says nothing about a layer. */
	e->hup = true;
}

static void
layer_io(struct ev_io *io, int what)
{
	struct end *e = container_of(io, struct end, io);
	struct layer *l = layer_of(e);

	what = l->ops->ready(e, l, what);
	if (what != 0)
		l->up(io, what);
}

void
layer_close(struct end *e, bool reset)
{
	struct layer *l = layer_of(e);

	e->layered = false;
	e->io.cb = l->up;
	sess_of(e)->extra->layer[e->remote] = NULL;
	l->ops->close(e, l, reset);
}

ssize_t
layer_read(struct end *e, void *buf, size_t len)
{
	struct layer *l = layer_of(e);

	return l->ops->read(e, l, buf, len);
}

ssize_t
layer_write(struct end *e, const void *buf, size_t len)
{
	struct layer *l = layer_of(e);

	return l->ops->write(e, l, buf, len);
}

/* Piece by piece, until one is not taken whole. */
ssize_t
layer_writev(struct end *e, const struct iovec *iov, int places)
{
	ssize_t n, sum = 0;
	int i;

	for (i = 0; i < places; i++) {
		n = layer_write(e, iov[i].iov_base, iov[i].iov_len);
		if (n == -1)
			return sum > 0 ? sum : -1;
		sum += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return sum;
}

int
layer_raw(struct end *e)
{
	struct layer *l = layer_of(e);

	return l->ops->raw(e, l);
}

void
layer_shut(struct end *e)
{
	struct layer *l = layer_of(e);

	l->ops->shut(e, l);
}

size_t
layer_held(const struct end *e)
{
	const struct layer *l = layer_of(e);

	return l->ops->held(l);
}

size_t
layer_own(const struct end *e)
{
	const struct layer *l = layer_of(e);

	return l->ops->own(l);
}

bool
layer_unread(const struct end *e)
{
	const struct layer *l = layer_of(e);

	return l->ops->unread(l);
}
