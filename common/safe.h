/*
 * safe.h - files of ours in folders that others may own: what they put in the
 * place of a name must not lead us to a file that is none of theirs.
 */
#ifndef SAFE_H
#define SAFE_H

#include <sys/types.h>

/*
 * Opens the folder that the last name of the path stands in, for openat(2)
 * and its kin only; *name points to that name, in the path. A symbolic link
 * on the way is followed if nobody but root and ourselves can have put it
 * there. Returns -1 with errno: ELOOP for another link, EINVAL where there is
 * no name.
 */
int	 safe_folder(const char *path, const char **name);
/* Is the path one right in the folder @runstatedir@/spawnd? That is ours. */
bool	 safe_run(const char *path);
/* Makes that folder if the path is right in it and root asks, for everybody to
 * search. Whether it is there then, who opens the path finds out. */
void	 safe_run_make(const char *path);
/*
 * Opens a file to be written, and creates it if flags (those of open(2)) say
 * so: a regular file that has no other name or a FIFO, owned by root or
 * ourselves, and no symbolic link. What stands in /dev itself, or below
 * /dev/fd and /proc, is the system's and opened as it is. Never waits.
 * Returns -1 with errno and, in *errp, the reason as a few words (static).
 */
int	 safe_open(const char *path, int flags, mode_t, const char **errp);

/* What safe_open() would say of a file that is to be written, which is not
 * opened: 0, or -1 with errno and *errp. */
int	 safe_look(const char *path, const char **errp);

#endif
