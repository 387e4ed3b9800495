/*
 * pidfile.h - the file that holds the process id, locked while we live.
 */
#ifndef PIDFILE_H
#define PIDFILE_H

struct conf;
struct pidfile;

/* Where it is to be; NULL: nowhere. */
const char	*pidfile_path(const struct conf *);
/* Is it at that path, and has nobody removed it? NULL stands for none, and
 * nowhere. */
bool		 pidfile_is(const struct pidfile *, const char *path);
/* Opens and locks it; writes nothing. NULL with *errp (static) if another
 * process has it, or if it is not a file of ours (safe.h). */
struct pidfile	*pidfile_take(const char *path, const char **errp);
/* Writes our process id. Returns -1 with errno. */
int		 pidfile_tell(struct pidfile *);
/* Both make the pointer NULL, which it may be: leave closes the file and lets
 * it stand, drop removes it, if it still is that one. */
void		 pidfile_leave(struct pidfile **);
void		 pidfile_drop(struct pidfile **);
/* Takes and writes the one that options and configuration name; logs what
 * fails. */
void		 pidfile_again(void);

#endif
