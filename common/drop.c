#include "compat.h"

#include <grp.h>

#include "drop.h"

/* The proof is that the way back fails. */
int
drop_root(const char *user, uid_t uid, gid_t gid, const char **errp)
{
	static char why[256];

	if (geteuid() != 0 || uid == 0)
		return 0;
	*errp = why;
	if (setgroups(1, &gid) == -1 || setgid(gid) == -1 ||
	    setuid(uid) == -1) {
		snprintf(why, sizeof(why), "change to user %s (it needs "
		    "CAP_SETUID and CAP_SETGID; \"user = root\" stays root): "
		    "%s", user, strerror(errno));
		return -1;
	}
	if (setuid(0) == -1 && seteuid(0) == -1 && getuid() == uid &&
	    geteuid() == uid && getgid() == gid && getegid() == gid)
		return 0;
	*errp = "the privileges of root came back";
	return -1;
}
