/*
 * unixsock.h - the files of listening unix sockets, in folders that others may
 * own: no symbolic link is followed, and no mode or owner changed of a file
 * that is not the socket.
 */
#ifndef UNIXSOCK_H
#define UNIXSOCK_H

#include <sys/types.h>

#include "addr.h"

/* Which file it is; ino 0: none of ours. */
struct unixsock {
	dev_t	 dev;
	ino_t	 ino;
};

/*
 * A listening socket under its final name, with mode, uid and gid (CONF_NOID:
 * left alone); a stale one in its place is replaced, a living one or another
 * file is not touched. Sets the file. Returns the descriptor, or -1 with
 * *errp (static).
 */
int	 unixsock_listen(const struct addr *, unsigned backlog, uint32_t mode,
	    uint32_t uid, uint32_t gid, struct unixsock *, const char **errp);
/* The same of a name behind "@", which has no file, on Linux. Sets errno as
 * well. */
int	 unixsock_abstract(const struct addr *, unsigned backlog,
	    const char **errp);
/*
 * Gives the socket's file another mode and owner, if it still is that file; of
 * one that is none of ours, if it is a socket that has no other name. Returns
 * -1 with *errp (static).
 */
int	 unixsock_dress(const struct addr *, const struct unixsock *,
	    uint32_t mode, uint32_t uid, uint32_t gid, const char **errp);
/* Which file has that name. Returns -1 if there is none that can be seen. */
int	 unixsock_at(const struct addr *, struct unixsock *);
/* Is that one of ours to be found under that name? */
bool	 unixsock_is(const struct addr *, const struct unixsock *);
/* Has one that we have made been removed by somebody, and nothing is in its
 * place? */
bool	 unixsock_gone(const struct addr *, const struct unixsock *);
/* Removes the file if it still is that one; does nothing for none of ours. */
void	 unixsock_unlink(const struct addr *, const struct unixsock *);

#endif
