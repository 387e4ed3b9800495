#include "compat.h"

#include <grp.h>

#include "drop.h"
#include "log.h"

/* The proof is that the way back fails. */
void
drop_root(const char *user, uid_t uid, gid_t gid)
{
	if (geteuid() != 0 || uid == 0)
		return;
	if (setgroups(1, &gid) == -1 || setgid(gid) == -1 ||
	    setuid(uid) == -1)
		fatal("change to user %s (it needs CAP_SETUID and "
		    "CAP_SETGID; \"user = root\" stays root)", user);
	if (setuid(0) != -1 || seteuid(0) != -1 || getuid() != uid ||
	    geteuid() != uid || getgid() != gid || getegid() != gid)
		fatalx("the privileges of root came back");
}
