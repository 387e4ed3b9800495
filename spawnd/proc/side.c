#include "compat.h"

#include "ipc.h"
#include "proc/side.h"

int
side_open(struct ev_io *io, int what, void (*cb)(struct ev_io *, int),
    int (*start)(int fd))
{
	int sv[2], r, saved;

	if (ipc_pair(sv) == -1)
		return -1;
	r = start(sv[1]);
	saved = errno;
	close(sv[1]);
	errno = saved;
	if (r == 0)
		r = ev_io_add(io, sv[0], what, cb);
	if (r == -1) {
		saved = errno;
		close(sv[0]);
		errno = saved;
		return -1;
	}
	ipc_no_fds(sv[0]);
	return 0;
}
