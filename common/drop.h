/*
 * drop.h - a process of root's becomes that of another user.
 */
#ifndef DROP_H
#define DROP_H

#include <sys/types.h>

/* For good. Without root, or with uid 0, nothing happens. user is the name, for
 * people. Returns 0, or -1 with *errp (static): the process is not to go on. */
int		 drop_root(const char *user, uid_t, gid_t, const char **errp);

#endif
