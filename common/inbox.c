#include "compat.h"

#include "inbox.h"

static void	 inbox_more(struct ev_task *);

int
inbox_read(struct inbox *in, struct ev_io *io, enum proto_dir dir, int most,
    void (*take)(struct ev_io *, struct ipc_msg *))
{
	struct ipc_msg m;
	int r = 1;

	while (r == 1 && most-- > 0) {
		if (io->fd == -1)
			return 0;
		if ((r = ipc_recv(io->fd, dir, &m)) == 1)
			take(io, &m);
	}
	if (r == -1 && errno == EAGAIN) {
		ev_io_again(io, IO_READ);
		return 0;
	}
	if (r == 1 || (r == -1 && errno == EMSGSIZE)) {
		in->io = io;
		ev_defer(&in->more, inbox_more);
	}
	if (r == 0)
		errno = 0;
	return r == 1 ? 0 : -1;
}

static void
inbox_more(struct ev_task *task)
{
	struct ev_io *io = container_of(task, struct inbox, more)->io;

	if (io->fd != -1)
		io->cb(io, IO_READ);
}

void
inbox_end(struct inbox *in)
{
	ev_undefer(&in->more);
}
