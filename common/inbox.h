/*
 * inbox.h - the messages of a channel, as the event loop brings them.
 */
#ifndef INBOX_H
#define INBOX_H

#include "ev.h"
#include "ipc.h"

/* Begins as zeros, one for each channel. */
struct inbox {
	struct ev_task	 more;
	struct ev_io	*io;	/* whose messages are left */
};

/*
 * Has at most so many messages taken that were sent in direction dir, and may
 * be told to close the channel by who takes them (then fd is -1). If there may
 * be more, the callback of the channel is called again when this turn is over,
 * as if they came then. Returns 0, or -1 with errno: 0 at the end of file, else
 * as ipc_recv() has it, of which EMSGSIZE is about one message: it goes on.
 */
int		 inbox_read(struct inbox *, struct ev_io *, enum proto_dir,
		    int most, void (*take)(struct ev_io *, struct ipc_msg *));
/* The channel is read no more, or its memory is about to be freed. */
void		 inbox_end(struct inbox *);

#endif
