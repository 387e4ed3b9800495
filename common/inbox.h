/*
 * inbox.h - the messages of a channel, as the event loop brings them.
 */
#ifndef INBOX_H
#define INBOX_H

#include "ev.h"
#include "ipc.h"

/*
 * Has at most so many messages taken that were sent in direction dir, and may
 * be told to close the channel by who takes them (then fd is -1). The caller
 * is told again when more arrive, but not of those that are there already.
 * Returns 1 if there may be more of these, 0 if there are none, or -1 with
 * errno: 0 at the end of file, else as ipc_recv() has it.
 */
int		 inbox_read(struct ev_io *, enum proto_dir, int most,
		    void (*take)(struct ev_io *, struct ipc_msg *));

#endif
