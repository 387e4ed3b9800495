#include "compat.h"

#include "inbox.h"

int
inbox_read(struct ev_io *io, enum proto_dir dir, int most,
    void (*take)(struct ev_io *, struct ipc_msg *))
{
	struct ipc_msg m;
	int r;

	for (; most > 0; most--) {
		if (io->fd == -1)
			return 0;
		if ((r = ipc_recv(io->fd, dir, &m)) == 1) {
			take(io, &m);
			continue;
		}
		if (r == 0)
			errno = 0;
		else if (errno == EAGAIN) {
			ev_io_again(io, IO_READ);
			return 0;
		}
		return -1;
	}
	return 1;
}
