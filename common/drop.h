/*
 * drop.h - a process of root's becomes that of another user.
 */
#ifndef DROP_H
#define DROP_H

#include <sys/types.h>

/* For good. Without root, or with uid 0, nothing happens; what fails ends the
 * process (log.h, fatal()). user is the name, for people. */
void		 drop_root(const char *user, uid_t, gid_t);

#endif
